"""How much a counter rose since the look before: counters of a boot tell nothing by themselves. Pure.

Each look keeps the counter as a metric; the next one holds the new value against the newest that is old enough. A
counter that fell was started anew (a boot, a device plugged in again) and says nothing this time.
"""

from __future__ import annotations

from typing import NamedTuple

from diagnostics.history import History

# Shorter: a burst looks like a rate. Longer: the machine was off or asleep in between.
LEAST_S = 60
MOST_S = 2 * 3600
FIRST_LOOK = "needs a look of one minute to two hours ago to compare with"


class Rise(NamedTuple):
    by: float
    over_s: int

    @property
    def per_s(self) -> float:
        return self.by / self.over_s


def risen(history: History, metric: str, instance: str, value: float, *, now: int) -> Rise | None:
    """None when there is nothing to compare with."""
    points = history.series(metric, instance, since_unix_s=now - MOST_S)
    earlier = next((point for point in reversed(points) if point.unix_s <= now - LEAST_S), None)
    if earlier is None or value < earlier.value:
        return None
    return Rise(value - earlier.value, now - earlier.unix_s)
