"""A number of the history that runs towards its limit: the outlook as the checks of inodes, open files, batteries,
drives and log errors tell it. Disk and memory have checks of their own. Pure.

What is looked at a few times a day (SMART, batteries on Windows) moves in whole steps and has too few points for the
recipe's day and week. For it the clock of the whole recipe runs four times slower: 28 d and 4 d instead of 7 d and
24 h, 12 d of history at least, scored by the forecast of 4 d ago. Every gate stays the same.

A certificate is not among them, nor is anything whose end is written down: `checks/certificates.py` tells its moment as
a range of one second.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import median

from diagnostics.checks.contract import Context
from diagnostics.findings import TimeToAct
from diagnostics.forecast import HORIZON_S, HOUR_S, LONG_WINDOW_S, Outlook, foretell
from diagnostics.history import KEPT_S, Point

SLOWER = 4
# The recipe wants 12 points of a day: what comes less often than every second hour can never have them.
SELDOM_S = 2 * HOUR_S


@dataclass(frozen=True, slots=True)
class Foretold:
    """`per_day`: how fast it runs towards its limit."""

    time_to_act: TimeToAct
    per_day: float


def foretold(
    metric: str,
    instance: str,
    limit: float,
    context: Context,
    *,
    within_s: int = HORIZON_S,
    falling: bool = False,
) -> Foretold | None:
    """When the series reaches `limit` (from above when it is `falling`); None when nothing dares to be said."""
    points = context.history.series(metric, instance, since_unix_s=context.now - KEPT_S)
    if falling:
        points = [Point(point.unix_s, -point.value) for point in points]
    tell = _slowly if _is_seldom(points, context.now) else foretell
    outlook = tell(points, -limit if falling else limit, now=context.now, boot_unix_s=context.boot_unix_s)
    if outlook.time_to_limit is None or outlook.time_to_limit.likely_s > within_s:
        return None
    return Foretold(outlook.time_to_limit, outlook.slope_per_day or 0.0)


def _is_seldom(points: Sequence[Point], now: int) -> bool:
    week = [point.unix_s for point in points if point.unix_s > now - LONG_WINDOW_S]
    return len(week) > 1 and median(later - earlier for earlier, later in pairwise(week)) > SELDOM_S


def _slowly(points: Sequence[Point], limit: float, *, now: int, boot_unix_s: int | None) -> Outlook:
    """`foretell` by a clock that runs SLOWER: times before `now` are shrunk, and what it answers is stretched again."""

    def shrunk(unix_s: int) -> int:
        return now - (now - unix_s) // SLOWER

    # Of what is looked at every six hours one look in the first half hour after boot would weigh like two hours: the
    # settling is left out by the true clock.
    settled = [point for point in points if boot_unix_s is None or not 0 <= point.unix_s - boot_unix_s < HOUR_S // 2]
    told = foretell([Point(shrunk(point.unix_s), point.value) for point in settled], limit, now=now)
    per_day = None if told.slope_per_day is None else told.slope_per_day / SLOWER
    span = told.time_to_limit
    stretched = None
    if span is not None:
        stretched = TimeToAct(span.earliest_s * SLOWER, span.likely_s * SLOWER, span.latest_s * SLOWER)
    return Outlook(told.verdict, told.reason, per_day, stretched)
