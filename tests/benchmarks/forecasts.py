"""Forecasts of the shipped checks on made series with a known truth, beside the naive straight line.

A machine is played hour by hour: the disk check (2) and the memory check (14) look every few hours at what the history
holds by then, and a warning counts from the third look in a row on, as a person would be shown it.

* precision: of the warnings (from raised to cleared), those after which the limit came within three times of the
  latest time that was told;
* recall: of the series that reach their limit, those that were warned of at the end;
* hours ahead: from the beginning of that last warning to the limit. None of these counts what could not be told: the
  first three days of a series belong to nobody.

The straight line is least squares over the last 24 h, with the same gates on the level and three looks in a row.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from statistics import median

from diagnostics.checks.contract import Context
from diagnostics.checks.disk_fill import AVAILABLE_FRACTION_MAX, check_disk_fill
from diagnostics.checks.memory_leak import SOON_S, check_memory_leak
from diagnostics.findings import Finding
from diagnostics.forecast import DAY_S, HORIZON_S, HOUR_S, LEAST_POINTS
from diagnostics.history import Point
from diagnostics.machine.interface import Unreadable
from diagnostics.observations import Filesystem, Memory, Process, Processes
from tests.benchmarks.contract import Better, Row
from tests.benchmarks.forecast_series import LIMIT, SHAPES, VERDICT_SEEDS, Series, Subject, all_series

BEGAN_UNIX_S = 1_790_002_800
EVERY_HOURS, EVERY_HOURS_QUICK = 4, 8
LOOKS_IN_A_ROW = 3
PRECISION_AIM, RECALL_AIM, HOURS_AIM = 0.9, 0.8, 24.0
# What one millionth of the limit is: a disk of 500 GB, a memory of 16 GB.
_DISK_UNIT, _MEMORY_UNIT = 500_000, 16_000
LATEST_TIMES = 3


@dataclass(frozen=True, slots=True)
class Shown:
    """From the hour it was shown to the hour it was gone (the series' end when it never was)."""

    from_hour: int
    to_hour: int
    latest_s: float


@dataclass(slots=True)
class Score:
    """`ahead`: hours of the last warning of each series that was warned of. `missed`, `false`: for the eye."""

    true: int = 0
    false: list[str] = field(default_factory=list)
    missed: list[str] = field(default_factory=list)
    ahead: list[int] = field(default_factory=list)

    @property
    def precision(self) -> float:
        told = self.true + len(self.false)
        return self.true / told if told else 1.0

    @property
    def recall(self) -> float:
        due = len(self.ahead) + len(self.missed)
        return len(self.ahead) / due if due else 1.0

    @property
    def hours(self) -> float:
        return median(self.ahead) if self.ahead else 0.0


Look = Callable[[Series, int, bool], float | None]
"""(series, hour, was raised before) → the latest time in seconds when it warns, None when it is silent."""


class _Until:
    """The history of one series as it stood at `hour`."""

    def __init__(self, series: Series, hour: int, unit: int) -> None:
        self._series, self._hour, self._unit = series, hour, unit

    def series(self, metric: str, instance: str, *, since_unix_s: int) -> Sequence[Point]:
        first = max(0, -(-(since_unix_s - BEGAN_UNIX_S) // HOUR_S))
        return [
            Point(BEGAN_UNIX_S + hour * HOUR_S, float(self._series.values[hour] * self._unit))
            for hour in range(first, self._hour + 1)
        ]


def ours(series: Series, hour: int, raised: bool) -> float | None:
    """The shipped check of the series' subject, at that hour."""
    value, now = series.values[hour], BEGAN_UNIX_S + hour * HOUR_S
    found: tuple[Finding, ...]
    if series.subject is Subject.DISK:
        # What the check itself is silent about is not worth the processor here.
        if value < LIMIT * (1 - AVAILABLE_FRACTION_MAX):
            return None
        used, size = value * _DISK_UNIT, LIMIT * _DISK_UNIT
        disk = Filesystem("/", "/dev/sda2", "ext4", False, size, used, max(0, size - used), 1000, 900)
        before = frozenset({"disk-filling|disk:/"} if raised else set())
        context = Context(now, None, _Until(series, hour, _DISK_UNIT), before)
        try:
            found = check_disk_fill((disk,), context).findings
        except Unreadable:
            return None
    else:
        size = LIMIT * _MEMORY_UNIT
        rss = value * _MEMORY_UNIT
        process = Process(7, 1, "leaky", "anna", "S", 0.0, 0.0, rss, 3, 1.0, 1)
        context = Context(now, None, _Until(series, hour, _MEMORY_UNIT))
        found = check_memory_leak(Processes(0.25, (process,)), Memory(size, max(0, size - rss), 0, 0), context).findings
    return None if not found or found[0].time_to_act is None else float(found[0].time_to_act.latest_s)


def straight_line(series: Series, hour: int, raised: bool) -> float | None:
    """Least squares over the last day."""
    value = series.values[hour]
    if hour < LEAST_POINTS or (series.subject is Subject.DISK and value < LIMIT * (1 - AVAILABLE_FRACTION_MAX)):
        return None
    hours = range(hour - LEAST_POINTS + 1, hour + 1)
    middle_x, middle_y = sum(hours) / LEAST_POINTS, sum(series.values[x] for x in hours) / LEAST_POINTS
    over = sum((x - middle_x) ** 2 for x in hours)
    slope = sum((x - middle_x) * (series.values[x] - middle_y) for x in hours) / over
    left_s = (LIMIT - value) / slope * HOUR_S if slope > 0 else float("inf")
    return left_s if left_s <= (HORIZON_S if series.subject is Subject.DISK else SOON_S) else None


def play(series: Series, look: Look, *, every_hours: int) -> list[Shown]:
    """The warnings that a person would have been shown."""
    warnings: list[Shown] = []
    in_a_row, began, latest_s = 0, -1, 0.0
    last = len(series.values) - 1
    for hour in range(0, last + 1, every_hours):
        told = look(series, hour, in_a_row > 0)
        in_a_row = 0 if told is None else in_a_row + 1
        if told is not None and in_a_row == LOOKS_IN_A_ROW:
            began, latest_s = hour, told
        if told is None and began >= 0:
            warnings.append(Shown(began, hour, latest_s))
            began = -1
    if began >= 0:
        warnings.append(Shown(began, last, latest_s))
    return warnings


def judge(many: Sequence[Series], look: Look, *, every_hours: int) -> Score:
    score = Score()
    for series in many:
        name = f"{series.kind} {series.seed}"
        warnings = play(series, look, every_hours=every_hours)
        for warning in warnings:
            within_hours = max(LATEST_TIMES * warning.latest_s / HOUR_S, DAY_S / HOUR_S)
            came = series.full_hour is not None and series.full_hour - warning.from_hour <= within_hours
            if came:
                score.true += 1
            else:
                score.false.append(f"{name} at {warning.from_hour} h")
        if series.full_hour is None:
            continue
        if warnings and warnings[-1].to_hour == series.full_hour:
            score.ahead.append(series.full_hour - warnings[-1].from_hour)
        else:
            score.missed.append(name)
    return score


def run(quick: bool) -> list[Row]:
    every_hours = EVERY_HOURS_QUICK if quick else EVERY_HOURS
    many = all_series(list(VERDICT_SEEDS)[:2] if quick else VERDICT_SEEDS)
    counted = (
        f"{len(many)} series of {len(SHAPES)} kinds, {sum(it.full_hour is not None for it in many)} reach the limit"
    )
    rows: list[Row] = []
    for name, look in (("forecast", ours), ("straight line", straight_line)):
        score = judge(many, look, every_hours=every_hours)
        aim = name == "forecast"
        false = f"{len(score.false)} false of {score.true + len(score.false)} warnings"
        missed = f"missed: {', '.join(score.missed) or 'none'}"
        rows += [
            Row(f"{name}, precision", score.precision, "", PRECISION_AIM if aim else None, Better.MORE, false),
            Row(f"{name}, recall", score.recall, "", RECALL_AIM if aim else None, Better.MORE, missed),
            Row(f"{name}, warned ahead", score.hours, "h", HOURS_AIM if aim else None, Better.MORE, counted),
        ]
    return rows
