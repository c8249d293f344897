"""May a remedy run now? Pure: what it did before, and the time, decide.

A remedy that is needed every hour does not cure; it hides. So each has a time to rest, and a number of runs a day,
counted over the last 24 hours and not from midnight. The owner's global stop comes before both.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

DAY_S = 86_400


@dataclass(frozen=True, slots=True)
class Budget:
    """``cooldown_s`` from the begin of one run to the begin of the next; ``runs_a_day`` in any 24 hours."""

    cooldown_s: int
    runs_a_day: int


@dataclass(frozen=True, slots=True)
class NotNow:
    """Why not, and when again (None: when a person lifts it)."""

    reason: str
    again_unix_s: int | None


def may_run(
    budget: Budget, begun_unix_s: Sequence[int], *, now: int, stopped: bool = False, another_runs: bool = False
) -> NotNow | None:
    """``begun_unix_s``: when earlier runs of this remedy have changed something. None: go ahead.

    A begin in the future is a clock that was set back; it counts as now, so that it blocks for one rest and not for
    years.
    """
    if stopped:
        return NotNow("the owner has stopped all remedies", None)
    if another_runs:
        return NotNow("an earlier run of this remedy is not finished yet", None)
    begun = sorted(min(at, now) for at in begun_unix_s)
    if not begun:
        return None
    rested = begun[-1] + budget.cooldown_s
    if now < rested:
        return NotNow(f"it ran a short while ago and rests for {budget.cooldown_s} s", rested)
    recent = [at for at in begun if at > now - DAY_S]
    if len(recent) >= budget.runs_a_day:
        free = recent[len(recent) - budget.runs_a_day] + DAY_S
        return NotNow(f"it has run {len(recent)} times in 24 hours, {budget.runs_a_day} are allowed", free)
    return None
