"""A number of the history that runs towards its limit: the outlook as the checks of inodes, open files and batteries
tell it. Disk and memory have checks of their own; a certificate's end needs no forecast. Pure.
"""

from __future__ import annotations

from dataclasses import dataclass

from diagnostics.checks.contract import Context
from diagnostics.findings import TimeToAct
from diagnostics.forecast import HORIZON_S, foretell
from diagnostics.history import KEPT_S, Point


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
    outlook = foretell(points, -limit if falling else limit, now=context.now, boot_unix_s=context.boot_unix_s)
    if outlook.time_to_limit is None or outlook.time_to_limit.likely_s > within_s:
        return None
    return Foretold(outlook.time_to_limit, outlook.slope_per_day or 0.0)
