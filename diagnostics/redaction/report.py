"""What was taken out, counted: by kind, by file, and which files were withheld whole.

Counts only. The map from a name to its mark is never written anywhere: it can be computed again on the device that
holds the secret, and nowhere else.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from diagnostics.redaction.gate import WithheldError, WithheldReason
from diagnostics.redaction.kinds import Kind


@dataclass(frozen=True, slots=True)
class Withheld:
    reason: WithheldReason
    detail: str


@dataclass(slots=True)
class Report:
    """Grows as streams are read; a file's counts are complete when its stream is."""

    counts: Counter[Kind] = field(default_factory=Counter)
    by_file: dict[str, Counter[Kind]] = field(default_factory=dict)
    withheld: dict[str, Withheld] = field(default_factory=dict)

    def add_file(self, path: str, counts: Counter[Kind]) -> None:
        """``path`` was read whole; reading it again replaces what was counted for it."""
        self.counts.update(counts)
        self.by_file[path] = counts

    def add_text(self, counts: Counter[Kind]) -> None:
        self.counts.update(counts)

    def withhold(self, error: WithheldError) -> None:
        self.withheld[error.path] = Withheld(error.reason, error.detail)

    def by_kind(self) -> dict[str, int]:
        """Sorted, without zeros."""
        return by_kind(self.counts)

    def of_file(self, path: str) -> dict[str, int]:
        return by_kind(self.by_file.get(path, Counter()))


def by_kind(counts: Counter[Kind]) -> dict[str, int]:
    return {kind.value: counts[kind] for kind in sorted(counts) if counts[kind]}
