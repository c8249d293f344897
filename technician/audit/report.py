"""What a check of the log found. Only what is in `problems` speaks against it."""

from dataclasses import dataclass, field


@dataclass(frozen=True)
class WitnessFacts:
    """A certified device that vouches for the first `size` entries."""

    device: str
    customer: str
    size: int
    at_s: int


@dataclass
class AuditReport:
    """What was found. `problems` empty: the log holds. `notes`: worth reading, prove nothing wrong."""

    size: int = 0
    root: bytes = b""
    witnesses: list[WitnessFacts] = field(default_factory=list)
    visits: int = 0
    receipts: int = 0
    problems: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    @property
    def holds(self) -> bool:
        return not self.problems
