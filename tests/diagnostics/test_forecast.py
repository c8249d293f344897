"""Forecasts: right on what rises, silent on what does not, measured on seeded series."""

import os
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from diagnostics.forecast import DAY_S, HORIZON_S, HOUR_S, Verdict, foretell, hourly, theil_sen
from diagnostics.history import Point

NOW = 1_795_000_000
LIMIT = 100.0
SERIES = 200 if os.environ.get("BELLPULL_SOAK") == "1" else 25


def series(value_at: list[float], *, step_s: int = HOUR_S) -> list[Point]:
    """The last value is now."""
    return [Point(NOW - (len(value_at) - 1 - index) * step_s, value) for index, value in enumerate(value_at)]


def line(per_day: float, now_value: float, noise: float = 0.0, seed: int = 1, hours: int = 192) -> list[Point]:
    rng = random.Random(seed)
    return series([now_value - (hours - index) * per_day / 24 + rng.gauss(0, noise) for index in range(hours + 1)])


def test_hours_are_thinned_to_their_median() -> None:
    start = NOW // HOUR_S * HOUR_S
    points = [Point(start + offset, value) for offset, value in ((0, 1.0), (60, 9.0), (120, 2.0), (3600, 5.0))]
    assert hourly(points) == [Point(start + 1800, 2.0), Point(start + 5400, 5.0)]


def test_theil_sen_is_not_moved_by_a_quarter_of_wild_points() -> None:
    points = [Point(index * HOUR_S, float(index)) for index in range(100)]
    wild = [Point(p.unix_s, 1e6 if index % 4 == 0 else p.value) for index, p in enumerate(points)]
    slope = theil_sen(wild)
    assert slope.middle * HOUR_S == pytest.approx(1.0, rel=0.05)
    assert slope.low <= slope.middle <= slope.high


def test_a_slope_needs_two_times() -> None:
    with pytest.raises(ValueError, match="two points"):
        theil_sen([Point(5, 1.0), Point(5, 2.0)])


@pytest.mark.parametrize(
    ("points", "verdict"),
    [
        (line(4, 80), Verdict.RISING),
        (line(4, 80, hours=71), Verdict.TOO_LITTLE),
        (line(0, 80, noise=0.5), Verdict.STEADY),
        (line(-2, 80), Verdict.STEADY),
        (line(0.5, 80), Verdict.FAR),
        (line(0.8, 90, noise=9.0, seed=2), Verdict.FLUCTUATING),
        (line(4, 80)[:60] + line(4, 80)[-8:], Verdict.TOO_LITTLE),
    ],
)
def test_each_gate_says_its_own_verdict(points: list[Point], verdict: Verdict) -> None:
    outlook = foretell(points, LIMIT, now=NOW)
    assert outlook.verdict is verdict, outlook
    assert (outlook.time_to_limit is not None) == (verdict is Verdict.RISING)
    assert outlook.reason


def test_a_week_of_rise_that_stopped_a_day_ago_is_steady() -> None:
    points = line(4, 80)
    stopped = [Point(p.unix_s, min(p.value, 76.0)) for p in points]
    assert foretell(stopped, LIMIT, now=NOW).verdict is Verdict.STEADY


def test_a_jump_yesterday_mutes_the_series() -> None:
    """Rising 2 a day for a week, then 20 within the last day: what was foretold yesterday was far off."""
    points = line(2, 60)
    jumped = [
        Point(p.unix_s, p.value + (20 * (1 - (NOW - p.unix_s) / DAY_S) if p.unix_s > NOW - DAY_S else 0))
        for p in points
    ]
    outlook = foretell(jumped, LIMIT, now=NOW)
    assert outlook.verdict is Verdict.MUTED
    assert "foretold a rise of 2" in outlook.reason


def test_samples_just_after_boot_foretell_nothing() -> None:
    points = line(0, 50) + [Point(NOW - 1000 + offset, 50 + offset / 10) for offset in range(0, 1000, 60)]
    assert foretell(points, LIMIT, now=NOW, boot_unix_s=NOW - 1000).verdict is Verdict.STEADY


def test_points_after_now_are_not_looked_at() -> None:
    points = line(4, 80)
    later = [*points, Point(NOW + HOUR_S, 1e9)]
    assert foretell(later, LIMIT, now=NOW) == foretell(points, LIMIT, now=NOW)


def test_a_series_already_over_its_limit_has_no_time_left() -> None:
    outlook = foretell(line(4, 101), LIMIT, now=NOW)
    assert outlook.time_to_limit is not None
    assert outlook.time_to_limit.latest_s == 0


@pytest.mark.parametrize("seed", range(SERIES))
def test_true_rises_are_found_and_the_range_holds_the_truth(seed: int) -> None:
    """A rise of 2 to 8 a day under noise of half a day's rise, with a nightly job that comes and goes."""
    rng = random.Random(seed)
    per_day = rng.uniform(2, 8)
    left = rng.uniform(2, 20) * per_day / 2
    points = [
        Point(p.unix_s, p.value + (1.0 if (p.unix_s // HOUR_S) % 24 in (2, 3) else 0.0))
        for p in line(per_day, LIMIT - left, noise=per_day / 12, seed=seed)
    ]
    outlook = foretell(points, LIMIT, now=NOW)
    assert outlook.verdict is Verdict.RISING, outlook
    assert outlook.time_to_limit is not None
    truth_s = left / per_day * DAY_S
    assert outlook.time_to_limit.earliest_s <= truth_s <= outlook.time_to_limit.latest_s


@pytest.mark.parametrize("seed", range(SERIES))
def test_noise_cycles_and_random_walks_raise_no_alarm(seed: int) -> None:
    """False alarms on series without a trend: none on noise and daily cycles, at most one in ten on random walks
    (which do look like trends for days) and those mute themselves or lie far away most of the time."""
    rng = random.Random(seed)
    noise = series([70 + rng.gauss(0, 3) for _ in range(193)])
    cycle = series([70 + (8 if index % 24 < 8 else 0) + rng.gauss(0, 1) for index in range(193)])
    saw = series([60 + (index % 48) / 4 + rng.gauss(0, 0.3) for index in range(193)])
    for points in (noise, cycle, saw):
        assert foretell(points, LIMIT, now=NOW).verdict is not Verdict.RISING


def test_random_walks_rarely_raise_an_alarm() -> None:
    alarms = 0
    for seed in range(200):
        rng = random.Random(1000 + seed)
        value, values = 70.0, []
        for _ in range(193):
            value += rng.gauss(0, 0.3)
            values.append(value)
        alarms += foretell(series(values), LIMIT, now=NOW).verdict is Verdict.RISING
    assert alarms <= 30, f"{alarms} of 200 random walks"


@settings(deadline=None, derandomize=True, max_examples=50)
@given(
    st.lists(st.floats(min_value=-1e12, max_value=1e12), min_size=0, max_size=200),
    st.integers(min_value=1, max_value=20_000),
)
def test_any_series_gets_a_verdict_within_the_horizon(values: list[float], step_s: int) -> None:
    outlook = foretell(series(values, step_s=step_s), LIMIT, now=NOW)
    if outlook.time_to_limit is not None:
        limit = outlook.time_to_limit
        assert 0 <= limit.earliest_s <= limit.likely_s <= limit.latest_s
        assert limit.likely_s <= HORIZON_S
