"""Rows that a technician is shown in a visit and that are no observations: one model each, the same at both ends.

The device makes a row's body from these, redacted; the technician's program reads it back with the same model.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class TextLine:
    """One line of a log file. `at_unix_s` None: neither it nor a line before it begins with a time."""

    file: str
    at_unix_s: int | None
    text: str


@dataclass(frozen=True, slots=True)
class Note:
    """A word about the result, for the reader."""

    text: str


@dataclass(frozen=True, slots=True)
class CollectorLine:
    """One collector that can be asked, and what personal data its answer may hold before redaction."""

    id: str
    cost: str
    may_contain: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ObservationLine:
    """One field of an observation, or one item of a field that is a list. `value`: JSON text."""

    collector: str
    field: str
    index: int
    value: str


@dataclass(frozen=True, slots=True)
class ChangeLine:
    """A change before the onset of `finding` (its code)."""

    finding: str
    at_unix_s: int
    what: str


@dataclass(frozen=True, slots=True)
class SeriesLine:
    """A series of numbers that is kept. `last`: its newest value."""

    metric: str
    instance: str
    points: int
    first_unix_s: int
    last_unix_s: int
    last: float


@dataclass(frozen=True, slots=True)
class HistoryLine:
    """A series for a plot: (unix seconds, value), oldest first."""

    metric: str
    instance: str
    points: tuple[tuple[int, float], ...]


@dataclass(frozen=True, slots=True)
class RemedyLine:
    """A fix of the catalogue. `not_now`: why it may not run now; `again_at`: when it may."""

    id: str
    title: str
    text: str
    risk: int
    reversible: bool
    estimated_s: int
    not_now: str | None
    again_at: int | None


@dataclass(frozen=True, slots=True)
class RemedyStep:
    """One step of a dry run, as the customer would read it. `preview` names all of them together."""

    preview: str
    remedy: str
    risk: int
    number: int
    text: str


@dataclass(frozen=True, slots=True)
class RemedyRun:
    """How a run stands. `outcome` None: it is watched until `watch_until`, or waits for `next`."""

    remedy: str
    run: str
    asked_at: int | None
    next: str | None
    watch_until: int | None
    outcome: str | None
    detail: str
    ended_at: int | None


@dataclass(frozen=True, slots=True)
class ChatMessage:
    """`by`: technician or customer. `name`: of the verified certificate, or the local user."""

    number: int
    at: int
    by: str
    name: str
    text: str


@dataclass(frozen=True, slots=True)
class SentBundle:
    """A bundle that the customer agreed to send: it is on its way to the ticket."""

    id: str
    ticket: str
    bytes: int
    files: int
