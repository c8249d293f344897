"""When will a rising number reach its limit? Rather silent than wrong.

A straight line through noise always hits the limit some day: Netdata took such alarms out again. So a forecast has
to pass, in this order:

    enough history (72 h, 24 hourly points) → rising over 7 d and over 24 h (Theil–Sen) → the rise is clear of the
    noise (Sen's 95 % interval above zero, residual spread small) → it rose on most days, not in one step → it has
    not come back from such a rise before → the limit within 30 d (within 4 d while less than a week is known)
    → yesterday's forecast for today came true

Theil–Sen is the median of the slopes between all pairs of points: up to 29 % of wild points do not move it. The
answer is a range: from the fastest slope that fits to the slowest. Pure.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import groupby, pairwise
from math import sqrt
from statistics import median

from diagnostics.findings import TimeToAct
from diagnostics.history import Point

HOUR_S = 3600
DAY_S = 86_400
LONG_WINDOW_S = 7 * DAY_S
SHORT_WINDOW_S = DAY_S
LEAST_SPAN_S = 72 * HOUR_S
LEAST_POINTS = 24
# A day has 24 hours; with fewer than half of them the last day says nothing about itself.
LEAST_POINTS_SHORT = 12
# People act on weeks, not on years.
HORIZON_S = 30 * DAY_S
# Half of the points lie within a quarter of the whole rise: else the series goes up and down, not up.
NOISE_OF_RISE_MAX = 0.25
# A step after an update moves one day of the week, a rise most of them, each by a good part of the slope.
DAYS_RISING_LEAST, DAY_OF_SLOPE_LEAST = 0.6, 0.25
# Logs that are rotated and programs that are restarted fall by what they rose; then only a new height counts.
FALL_OF_RISE, HEIGHT_OF_RISE = 0.5, 0.1
# Whoever knows less than a week has not seen what comes back weekly, and tells only what cannot wait for it.
WEEK_KNOWN_S, YOUNG_HORIZON_S = 6 * DAY_S, 4 * DAY_S
# Yesterday's forecast is right when the true rise was between a quarter and four times of the foretold one.
SCORE_FACTOR = 4.0
# After boot and resume caches fill and updates unpack: those samples foretell nothing.
SETTLING_S = 30 * 60
# Samples of one hour resemble those of the hour before, so Sen's interval is too sure of itself: never say less
# than a fifth either way.
LEAST_DOUBT = 0.2
_Z_95 = 1.96


class Verdict(StrEnum):
    RISING = "rising"
    TOO_LITTLE = "too-little-history"
    STEADY = "steady"
    FLUCTUATING = "fluctuating"
    FAR = "beyond-horizon"
    MUTED = "yesterday-was-wrong"


@dataclass(frozen=True, slots=True)
class Outlook:
    """`time_to_limit` only when the verdict is rising. `slope_per_day` is the 7 d median slope, when known."""

    verdict: Verdict
    reason: str
    slope_per_day: float | None = None
    time_to_limit: TimeToAct | None = None


@dataclass(frozen=True, slots=True)
class Slope:
    """Per second, with Sen's 95 % interval. `spread` is the median distance of points from the line."""

    middle: float
    low: float
    high: float
    spread: float


def hourly(points: Sequence[Point]) -> list[Point]:
    """One point an hour: the median of that hour, at its middle."""
    return [
        Point(hour * HOUR_S + HOUR_S // 2, median(point.value for point in group))
        for hour, group in groupby(points, key=lambda point: point.unix_s // HOUR_S)
    ]


def theil_sen(points: Sequence[Point]) -> Slope:
    """Needs two points at different times. 168 points are 14 028 pairs: some 10 ms."""
    slopes = sorted(
        (later.value - earlier.value) / (later.unix_s - earlier.unix_s)
        for index, earlier in enumerate(points)
        for later in points[index + 1 :]
        if later.unix_s != earlier.unix_s
    )
    if not slopes:
        raise ValueError("expected at least two points at different times")
    count, pairs = len(points), len(slopes)
    # Kendall's S has this variance when there is no trend (no ties assumed); Sen 1968.
    width = _Z_95 * sqrt(count * (count - 1) * (2 * count + 5) / 18)
    low = slopes[max(0, int((pairs - width) / 2))]
    high = slopes[min(pairs - 1, int((pairs + width) / 2))]
    middle = median(slopes)
    start = points[0].unix_s
    offsets = [point.value - middle * (point.unix_s - start) for point in points]
    level = median(offsets)
    return Slope(middle, low, high, median(abs(offset - level) for offset in offsets))


def foretell(
    points: Sequence[Point], limit: float, *, now: int, boot_unix_s: int | None = None, scored: bool = True
) -> Outlook:
    """When the series reaches `limit` from below. `points` oldest first; later ones than `now` are ignored."""
    settled = [point for point in points if point.unix_s <= now and not _settling(point, boot_unix_s)]
    long = hourly([point for point in settled if point.unix_s > now - LONG_WINDOW_S])
    span_s = long[-1].unix_s - long[0].unix_s if long else 0
    if span_s < LEAST_SPAN_S or len(long) < LEAST_POINTS:
        return Outlook(
            Verdict.TOO_LITTLE,
            f"needs {LEAST_SPAN_S // HOUR_S} h and {LEAST_POINTS} hourly samples, "
            f"has {span_s // HOUR_S} h and {len(long)}",
        )
    short = [point for point in long if point.unix_s > now - SHORT_WINDOW_S]
    if len(short) < LEAST_POINTS_SHORT:
        return Outlook(Verdict.TOO_LITTLE, f"the last 24 h have only {len(short)} hourly samples")
    week, day = theil_sen(long), theil_sen(short)
    per_day = week.middle * DAY_S
    if week.middle <= 0 or day.middle <= 0:
        return Outlook(Verdict.STEADY, "not rising over 7 d and over 24 h", per_day)
    rise = week.middle * span_s
    if week.low <= 0 or week.spread > NOISE_OF_RISE_MAX * rise:
        return Outlook(Verdict.FLUCTUATING, "goes up and down more than it rises", per_day)
    days = daily(settled, now=now)
    if not _on_most_days(days, per_day):
        return Outlook(Verdict.FLUCTUATING, "rose in one step, not day by day", per_day)
    if _comes_back(days, rise):
        return Outlook(Verdict.FLUCTUATING, "has fallen back from such a rise before", per_day)
    left = limit - long[-1].value
    time_to_limit = _range(left, week, day)
    if span_s < WEEK_KNOWN_S and time_to_limit.likely_s > YOUNG_HORIZON_S:
        return Outlook(
            Verdict.TOO_LITTLE,
            f"has {span_s // HOUR_S} h: before a week is known only what comes within 4 days is told",
        )
    if time_to_limit.likely_s > HORIZON_S:
        return Outlook(Verdict.FAR, "reaches its limit in more than 30 days", per_day)
    if scored and (wrong := _wrong_yesterday(points, limit, now=now)):
        return Outlook(Verdict.MUTED, wrong, per_day)
    return Outlook(Verdict.RISING, "rising", per_day, time_to_limit)


def daily(points: Sequence[Point], *, now: int) -> list[float]:
    """The median of each 24 h before `now`, oldest first: jobs of a few hours do not show in it. Days without a
    sample are left out."""
    by_day: dict[int, list[float]] = {}
    for point in points:
        by_day.setdefault((now - point.unix_s) // DAY_S, []).append(point.value)
    return [median(by_day[day]) for day in sorted(by_day, reverse=True)]


def _on_most_days(days: Sequence[float], per_day: float) -> bool:
    week = days[-(LONG_WINDOW_S // DAY_S) :]
    steps = [later - earlier for earlier, later in pairwise(week)]
    rising = sum(step >= DAY_OF_SLOPE_LEAST * per_day for step in steps)
    return rising >= DAYS_RISING_LEAST * len(steps)


def _comes_back(days: Sequence[float], rise: float) -> bool:
    """Whether it fell by half of this rise since it is known, and is not clearly higher now than ever before."""
    highest, fall = days[0], 0.0
    for value in days:
        highest = max(highest, value)
        fall = max(fall, highest - value)
    before = max(days[:-1], default=days[-1])
    return fall >= FALL_OF_RISE * rise and days[-1] < before + HEIGHT_OF_RISE * rise / (LONG_WINDOW_S // DAY_S)


def _settling(point: Point, boot_unix_s: int | None) -> bool:
    return boot_unix_s is not None and boot_unix_s <= point.unix_s < boot_unix_s + SETTLING_S


def _range(left: float, week: Slope, day: Slope) -> TimeToAct:
    """The fastest and the slowest slope that fits, the last day's among them."""
    if left <= 0:
        return TimeToAct(0, 0, 0)
    likely_s = left / week.middle
    fastest = max(week.high, day.middle)
    slowest = min(week.low, day.middle)
    return TimeToAct(
        earliest_s=int(min(left / fastest, likely_s * (1 - LEAST_DOUBT))),
        likely_s=int(likely_s),
        latest_s=int(min(max(left / slowest, likely_s * (1 + LEAST_DOUBT)), 10 * HORIZON_S)),
    )


def _wrong_yesterday(points: Sequence[Point], limit: float, *, now: int) -> str | None:
    """What would have been said 24 h ago, held against today. None: it came true, or nothing was said."""
    then = now - DAY_S
    before = foretell(points, limit, now=then, scored=False)
    if before.verdict is not Verdict.RISING or before.slope_per_day is None:
        return None
    # By the day's medians: a single sample of each day may fall into a nightly job.
    days = daily([point for point in points if now - 2 * DAY_S < point.unix_s <= now], now=now)
    if len(days) < 2:
        return None
    foretold, true = before.slope_per_day, days[-1] - days[-2]
    if foretold / SCORE_FACTOR <= true <= foretold * SCORE_FACTOR:
        return None
    return f"foretold a rise of {foretold:.3g} for the last 24 h, it was {true:.3g}"
