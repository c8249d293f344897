"""Metric history: numbers over time, one series a metric and instance.

The agent keeps it in its database; a one-shot check has an empty one; a recorded machine brings its own. Checks only
read it. Instances may hold names (`disk:/home/anna`): the store is local, what is published is a pseudonym.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol

from diagnostics.strict_json import decode, dump_json, encode, load_json

# Long enough for every forecast (7 d) and its score, short enough for a small file.
KEPT_S = 30 * 86_400


class Point(NamedTuple):
    unix_s: int
    value: float


class History(Protocol):
    """What a check may ask."""

    def series(self, metric: str, instance: str, *, since_unix_s: int) -> Sequence[Point]:
        """Points at or after `since_unix_s`, oldest first. Empty when there are none."""


class HistoryStore(History, Protocol):
    """What the agent implements: the one who writes."""

    def append(self, metric: str, instance: str, point: Point) -> None: ...


class MemoryHistory:
    """A history that ends with the process. The agent's own store passes the same tests."""

    def __init__(self) -> None:
        self._series: dict[tuple[str, str], list[Point]] = {}

    def series(self, metric: str, instance: str, *, since_unix_s: int) -> Sequence[Point]:
        points = self._series.get((metric, instance), [])
        return tuple(points[bisect_left(points, (since_unix_s,)) :])

    def all(self) -> Mapping[tuple[str, str], Sequence[Point]]:
        return {key: tuple(points) for key, points in self._series.items()}

    def append(self, metric: str, instance: str, point: Point) -> None:
        points = self._series.setdefault((metric, instance), [])
        if points and points[-1].unix_s >= point.unix_s:
            # A clock that was set back, or the same moment twice: the newer word holds.
            del points[bisect_left(points, (point.unix_s,)) :]
        points.append(point)
        first_kept = bisect_left(points, (point.unix_s - KEPT_S,))
        del points[:first_kept]


@dataclass(frozen=True, slots=True)
class HistoryLine:
    """One line of a history file: `{"metric":"disk.used-bytes","instance":"disk:/","unix_s":…,"value":…}`."""

    metric: str
    instance: str
    unix_s: int
    value: float


def load_history(lines: Iterable[str]) -> MemoryHistory:
    """Raises StrictJsonError on a line of another form."""
    history = MemoryHistory()
    for line in lines:
        if line.strip():
            item = decode(HistoryLine, load_json(line))
            history.append(item.metric, item.instance, Point(item.unix_s, item.value))
    return history


def dump_history(series: Mapping[tuple[str, str], Sequence[Point]]) -> str:
    """The lines `load_history` reads."""
    return "".join(
        dump_json(encode(HistoryLine(metric, instance, point.unix_s, point.value))) + "\n"
        for (metric, instance), points in series.items()
        for point in points
    )
