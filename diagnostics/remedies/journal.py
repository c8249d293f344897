"""The step journal: what a worker is about to do, and what it has done, written before and after each step.

    plan ─▶ consent ─▶ snapshot ─▶ apply ─▶ verify ─▶ watch ─▶ settle ─▶ record
                            └────────┴─────────┴────────┴─▶ roll-back ─▶ record

A record is on the disk before `append` returns. Whatever moment a worker dies at, the last record of its run decides
alone how the run is ended (`NEXT_AFTER`): nothing was touched → it is closed; something may have been touched → it is
put back; the point of no return is passed → it is finished. Never half.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol


class Step(StrEnum):
    PLAN = "plan"
    CONSENT = "consent"
    SNAPSHOT = "snapshot"
    APPLY = "apply"
    VERIFY = "verify"
    WATCH = "watch"
    SETTLE = "settle"
    ROLL_BACK = "roll-back"
    RECORD = "record"


class Phase(StrEnum):
    BEGUN = "begun"
    DONE = "done"


@dataclass(frozen=True, slots=True)
class Record:
    """``detail`` is JSON: the plan behind PLAN, the answer behind CONSENT, the outcome behind RECORD. It may hold
    file names, so it stays on the device or travels sealed."""

    run: str
    remedy: str
    step: Step
    phase: Phase
    at_unix_s: int
    detail: str = "{}"


class Journal(Protocol):
    def append(self, record: Record) -> None:
        """Durable when it returns. Raises OSError otherwise, and the worker goes no further."""

    def records(self, run: str) -> Sequence[Record]:
        """Of one run, oldest first."""

    def open_runs(self) -> Sequence[str]:
        """Runs without ``record done``, oldest first."""


class Next(StrEnum):
    """How a run that was found lying goes on."""

    CLOSE = "close"  # nothing was changed
    ROLL_BACK = "roll-back"
    VERIFY = "verify"
    WATCH = "watch"
    SETTLE = "settle"
    RECORD = "record"
    NOTHING = "nothing"


NEXT_AFTER: Mapping[tuple[Step, Phase], Next] = {
    (Step.PLAN, Phase.BEGUN): Next.CLOSE,
    (Step.PLAN, Phase.DONE): Next.CLOSE,
    (Step.CONSENT, Phase.BEGUN): Next.CLOSE,
    # Consent is for one worker that is alive: a dead one does not come back hours later and begins.
    (Step.CONSENT, Phase.DONE): Next.CLOSE,
    # The proof of the snapshot moves one file there and back.
    (Step.SNAPSHOT, Phase.BEGUN): Next.ROLL_BACK,
    (Step.SNAPSHOT, Phase.DONE): Next.ROLL_BACK,
    (Step.APPLY, Phase.BEGUN): Next.ROLL_BACK,
    (Step.APPLY, Phase.DONE): Next.VERIFY,
    (Step.VERIFY, Phase.BEGUN): Next.VERIFY,
    (Step.VERIFY, Phase.DONE): Next.WATCH,
    (Step.WATCH, Phase.BEGUN): Next.WATCH,
    (Step.WATCH, Phase.DONE): Next.SETTLE,
    # What was removed cannot be put back: forwards is the only whole end.
    (Step.SETTLE, Phase.BEGUN): Next.SETTLE,
    (Step.SETTLE, Phase.DONE): Next.RECORD,
    (Step.ROLL_BACK, Phase.BEGUN): Next.ROLL_BACK,
    (Step.ROLL_BACK, Phase.DONE): Next.RECORD,
    (Step.RECORD, Phase.DONE): Next.NOTHING,
}


def next_after(records: Sequence[Record]) -> Next:
    """``records`` of one run, oldest first; an empty list was never begun."""
    if not records:
        return Next.NOTHING
    last = records[-1]
    return NEXT_AFTER[last.step, last.phase]
