"""What a subject measures and how it is told: rows of one figure each, beside the aim it has.

    run(quick) -> list[Row]        in every subject's file; `quick` for a look, not for a judgement
    raise NotRun(why)              where this machine or this user cannot measure it

A row states what was measured and never fails: a busy machine is slow, not wrong. Whoever reads the table judges.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum


class Better(StrEnum):
    """Which side of the aim is the good one."""

    LESS = "less"
    MORE = "more"


class Verdict(StrEnum):
    MET = "met"
    MISSED = "missed"
    SHOWN = "no aim"
    ABSENT = "absent"


class NotRun(Exception):
    """The subject could not be measured here; the message says why."""


@dataclass(frozen=True, slots=True)
class Row:
    """One figure. `figure` None: there was nothing to measure, and `detail` says why (a peer that is not installed).
    `detail`: spread, counts, circumstances."""

    what: str
    figure: float | None
    unit: str
    aim: float | None = None
    better: Better = Better.LESS
    detail: str = ""

    @property
    def ratio(self) -> float | None:
        """Figure to aim: below 1 is good where less is better, above 1 where more is."""
        return None if self.figure is None or not self.aim else self.figure / self.aim

    @property
    def verdict(self) -> Verdict:
        if self.figure is None:
            return Verdict.ABSENT
        if self.aim is None:
            return Verdict.SHOWN
        met = self.figure <= self.aim if self.better is Better.LESS else self.figure >= self.aim
        return Verdict.MET if met else Verdict.MISSED


Run = Callable[[bool], list[Row]]


def percentile(values: Sequence[float], share: float) -> float:
    """The smallest value that at least `share` of all do not exceed: never an invented one between two."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)]


def spread(values: Sequence[float], unit: str, *, digits: int = 3) -> str:
    """`min 0.41 · median 0.44 · max 0.52 s of 20`."""
    low, middle, high = min(values), percentile(values, 0.5), max(values)
    return f"min {low:.{digits}f} · median {middle:.{digits}f} · max {high:.{digits}f} {unit} of {len(values)}"
