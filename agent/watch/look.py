"""What passes between the service and its check worker: one request, one look, as strict JSON of dataclasses.

The service imports this, `diagnostics.findings` and what a watch is; checks, collectors and known issues live in the
worker and give their memory back with it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from agent.watch.advised import Advice
from diagnostics.findings import Finding
from diagnostics.machine.own_use import AgentState
from diagnostics.strict_json import decode, dump_json, encode, load_json
from diagnostics.vendors.application import Application


@dataclass(frozen=True, slots=True)
class Complaint:
    """What a person at this machine says is wrong, and what they answered to questions about it."""

    words: str
    answers: Mapping[str, bool]
    language: str


@dataclass(frozen=True, slots=True)
class LookRequest:
    """`database`: read for history and known findings, never written. `ran_at`: check id → when it last ran;
    `everything`: run all checks, due or not. `issues`: the organisation's known issues as TOML, by id;
    `device`: what decides whether this device is among the share that an issue is for."""

    now: int
    database: str | None
    everything: bool
    disabled: tuple[str, ...] = ()
    ran_at: Mapping[str, int] = field(default_factory=lambda: MappingProxyType({}))
    agent: AgentState | None = None
    issues: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    device: str = ""
    # Applications that are watched here, their settings cut where the owner has not agreed (applications.py).
    applications: tuple[Application, ...] = ()
    # When the service noticed that the machine woke from sleep; None since its start.
    resumed_at: int | None = None
    # Somebody says that something is wrong: what matters for it is looked at now, whatever else waits.
    wrong: Complaint | None = None

    def to_bytes(self) -> bytes:
        return dump_json(encode(self)).encode()

    @classmethod
    def from_bytes(cls, data: bytes) -> "LookRequest":
        return decode(cls, load_json(data))


@dataclass(frozen=True, slots=True)
class CheckLine:
    id: str
    status: str
    ms: int
    reason: str


@dataclass(frozen=True, slots=True)
class MetricPoint:
    name: str
    instance: str
    value: float


@dataclass(frozen=True, slots=True)
class Explained:
    """A finding in plain words."""

    title: str
    text: str


@dataclass(frozen=True, slots=True)
class SeenFinding:
    """`words`: by language. `known_issue`: the id of the known issue that explains it; `advice`: its own words, by
    language; `article`: where to read more, empty when nowhere."""

    finding: Finding
    words: Mapping[str, Explained]
    known_issue: str | None = None
    advice: Mapping[str, Explained] = field(default_factory=lambda: MappingProxyType({}))
    article: str = ""


@dataclass(frozen=True, slots=True)
class Trial:
    """A known issue of the organisation's pack that is on trial here, and whether it would have spoken in this look."""

    issue: str
    version: int
    fired: bool


@dataclass(frozen=True, slots=True)
class Look:
    """One look: what ran, the whole store of findings after it, what became active and what ended with it."""

    checks: tuple[CheckLine, ...]
    findings: tuple[SeenFinding, ...]
    appeared: tuple[str, ...]
    ended: tuple[str, ...]
    metrics: tuple[MetricPoint, ...]
    duration_s: float
    cpu_s: float
    # Known issues of the organisation's pack that were not used, and why.
    unused_issues: tuple[str, ...] = ()
    # Those on trial on this device: counted, and told to nobody here.
    trials: tuple[Trial, ...] = ()
    # Checks that are due and wait: check id → for what.
    waiting: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    # What the machine was like at this look and what has changed lately (diagnostics.changes); empty: as before.
    past: str = ""
    # Which kinds of messages programs write (diagnostics.log_templates); empty: as before.
    templates: str = ""
    # For whom who said that something is wrong.
    advice: Advice | None = None

    def to_bytes(self) -> bytes:
        return dump_json(encode(self)).encode()

    @classmethod
    def from_bytes(cls, data: bytes) -> "Look":
        return decode(cls, load_json(data))
