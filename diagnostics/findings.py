"""A finding: a problem with its evidence, and the life it lives.

    pending ──confirmed──▶ active ──cleared──▶ resolved
       │                     │                    │
       └──cleared──▶ expired └─snoozed/ignored    └──seen again──▶ pending

This file decides what a finding *is*: its fields, its JSON, which state may follow which. *When* it moves is
decided by `suppression.py`; what it means in plain words by the check that raised it (`checks/contract.py`).

Fingerprints and facts may hold names and paths (`disk:/home/anna`): they leave the machine only sealed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from types import MappingProxyType

from diagnostics.strict_json import decode, dump_json, encode, load_json

# A fact is one typed value, so that conditions of known issues can compare it.
Fact = bool | int | float | str


class Severity(StrEnum):
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"
    CRITICAL = "critical"

    @property
    def rank(self) -> int:
        """0 for info … 3 for critical; strings do not sort by gravity."""
        return _RANK[self]


_RANK: Mapping[Severity, int] = {severity: rank for rank, severity in enumerate(Severity)}


class FindingState(StrEnum):
    PENDING = "pending"
    ACTIVE = "active"
    RESOLVED = "resolved"
    IGNORED = "ignored"
    SNOOZED = "snoozed"
    EXPIRED = "expired"


class FindingEvent(StrEnum):
    SEEN = "seen"  # the check raised it again, not long enough yet
    CONFIRMED = "confirmed"  # seen for long enough to be shown
    CLEARED = "cleared"  # the check looked and it is gone
    LAPSED = "lapsed"  # nobody could look for too long
    SNOOZE = "snooze"  # a person: not now
    WAKE = "wake"  # the snooze ran out, or a person ended it
    IGNORE = "ignore"  # a person: never again
    UNIGNORE = "unignore"


# What is absent is an error. Tests walk this table and the README draws it.
TRANSITIONS: Mapping[FindingState, Mapping[FindingEvent, FindingState]] = {
    FindingState.PENDING: {
        FindingEvent.SEEN: FindingState.PENDING,
        FindingEvent.CONFIRMED: FindingState.ACTIVE,
        # A blip was never shown, so it has nothing to resolve.
        FindingEvent.CLEARED: FindingState.EXPIRED,
        FindingEvent.LAPSED: FindingState.EXPIRED,
        FindingEvent.SNOOZE: FindingState.SNOOZED,
        FindingEvent.IGNORE: FindingState.IGNORED,
    },
    FindingState.ACTIVE: {
        FindingEvent.SEEN: FindingState.ACTIVE,
        FindingEvent.CONFIRMED: FindingState.ACTIVE,
        FindingEvent.CLEARED: FindingState.RESOLVED,
        FindingEvent.LAPSED: FindingState.EXPIRED,
        FindingEvent.SNOOZE: FindingState.SNOOZED,
        FindingEvent.IGNORE: FindingState.IGNORED,
    },
    FindingState.SNOOZED: {
        FindingEvent.SEEN: FindingState.SNOOZED,
        FindingEvent.CONFIRMED: FindingState.SNOOZED,
        FindingEvent.CLEARED: FindingState.RESOLVED,
        FindingEvent.LAPSED: FindingState.EXPIRED,
        FindingEvent.WAKE: FindingState.PENDING,
        FindingEvent.SNOOZE: FindingState.SNOOZED,
        FindingEvent.IGNORE: FindingState.IGNORED,
    },
    # "Never again" outlives the problem: only a person ends it.
    FindingState.IGNORED: {
        FindingEvent.SEEN: FindingState.IGNORED,
        FindingEvent.CONFIRMED: FindingState.IGNORED,
        FindingEvent.CLEARED: FindingState.IGNORED,
        FindingEvent.LAPSED: FindingState.IGNORED,
        FindingEvent.UNIGNORE: FindingState.PENDING,
    },
    FindingState.RESOLVED: {
        FindingEvent.SEEN: FindingState.PENDING,
        FindingEvent.CONFIRMED: FindingState.ACTIVE,
    },
    FindingState.EXPIRED: {
        FindingEvent.SEEN: FindingState.PENDING,
        FindingEvent.CONFIRMED: FindingState.ACTIVE,
    },
}


class WrongTransition(ValueError):
    """An event that a state does not know: the caller's mistake."""


def next_state(state: FindingState, event: FindingEvent) -> FindingState:
    """Look the next state up; what the table does not list is refused."""
    try:
        return TRANSITIONS[state][event]
    except KeyError:
        allowed = ", ".join(TRANSITIONS[state])
        raise WrongTransition(f"a finding that is {state} takes {allowed}; got {event}") from None


@dataclass(frozen=True, slots=True)
class Evidence:
    """Where it can be read again. `excerpt` is short, printable and not yet redacted; `sha256` is of the
    excerpt."""

    source: str
    locator: str
    excerpt: str
    sha256: str


@dataclass(frozen=True, slots=True)
class RemedyOffer:
    """A remedy that may help. Risk 0 guide, 1 alone if the owner's policy allows, 2 asks, 3 asks and
    restarts."""

    id: str
    risk: int
    needs: tuple[str, ...]
    reversible: bool
    estimated_s: int


@dataclass(frozen=True, slots=True)
class Change:
    """Something that changed before the onset."""

    at_unix_s: int
    what: str


@dataclass(frozen=True, slots=True)
class TimeToAct:
    """A forecast's answer: always a range, in seconds from the moment of the finding."""

    earliest_s: int
    likely_s: int
    latest_s: int


@dataclass(frozen=True, slots=True)
class Finding:
    """One problem on one instance. Times are whole unix seconds. `rule` is `check-id@version`."""

    code: str
    instance: str
    severity: Severity
    rule: str
    first_seen_unix_s: int
    last_seen_unix_s: int
    state: FindingState = FindingState.PENDING
    count: int = 1
    evidence: tuple[Evidence, ...] = ()
    facts: Mapping[str, Fact] = field(default_factory=lambda: MappingProxyType({}))
    explained_by: str | None = None
    remedies: tuple[RemedyOffer, ...] = ()
    changes: tuple[Change, ...] = ()
    time_to_act: TimeToAct | None = None

    @property
    def fingerprint(self) -> str:
        """`code|instance`: the same problem on the same thing, over time and restarts."""
        return f"{self.code}|{self.instance}"

    def after(self, event: FindingEvent) -> Finding:
        """The same finding one event later."""
        return replace(self, state=next_state(self.state, event))

    def to_value(self) -> dict[str, object]:
        """Plain JSON values, for a larger document. `fingerprint` is added for the reader's comfort."""
        value = encode(self)
        assert isinstance(value, dict)  # noqa: S101 — a dataclass always encodes to an object
        return {"fingerprint": self.fingerprint, **value}

    def to_json(self) -> str:
        return dump_json(self.to_value())

    @classmethod
    def from_value(cls, value: object) -> Finding:
        """Read what `to_value` wrote. Raises StrictJsonError on anything unknown, missing or of another
        type."""
        fingerprint: object = None
        if isinstance(value, dict) and "fingerprint" in value:
            fingerprint = value["fingerprint"]
            value = {key: item for key, item in value.items() if key != "fingerprint"}
        finding = decode(cls, value)
        if fingerprint is not None and fingerprint != finding.fingerprint:
            from diagnostics.strict_json import StrictJsonError

            raise StrictJsonError(f"fingerprint: expected {finding.fingerprint!r}, got {fingerprint!r}")
        return finding

    @classmethod
    def from_json(cls, text: str | bytes) -> Finding:
        return cls.from_value(load_json(text))
