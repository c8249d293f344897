"""The generator of the forecast benchmark is frozen, and the forecaster keeps its promise on a small part of it."""

from collections.abc import Iterable
from hashlib import sha256

import pytest

from tests.benchmarks.forecast_series import SHAPES, TUNING_SEEDS, VERDICT_SEEDS, Series, all_series, make
from tests.benchmarks.forecasts import judge, ours, straight_line


def digest(many: Iterable[Series]) -> str:
    return sha256(repr([(it.kind, it.seed, it.values) for it in many]).encode()).hexdigest()


@pytest.mark.parametrize(
    ("seeds", "expected"),
    [
        (TUNING_SEEDS, "437cfe5c870bb20631776d872ef6a94968ec7112d2b9729729fd48d69db3beab"),
        (VERDICT_SEEDS, "82a01256e4a2d7f613fa11be38061932d4111fc95235b275f3468bf7f0928837"),
    ],
)
def test_the_series_are_those_from_before_the_forecaster_was_tuned(seeds: range, expected: str) -> None:
    """A changed hash is a new benchmark: its figures say nothing beside the old ones."""
    assert digest(all_series(seeds)) == expected


def test_the_verdicts_series_were_not_tuned_on_and_are_enough() -> None:
    assert not set(TUNING_SEEDS) & set(VERDICT_SEEDS)
    many = all_series(VERDICT_SEEDS)
    assert len(many) >= 60
    assert {it.kind for it in many if it.full_hour is not None} == {kind for kind in SHAPES if "fill" in kind} | {
        "leak",
        "leak-outgrows",
    }


def test_a_series_ends_where_its_limit_is_reached() -> None:
    full = make("fill", 101)
    assert full.full_hour == len(full.values) - 1
    assert max(full.values[:-1]) < 1_000_000 <= full.values[-1]


def test_a_small_part_of_the_benchmark_keeps_its_promise() -> None:
    """Some kinds of one tuning seed, looked at twice a day; the verdict is `python -m tests.benchmarks forecasts`."""
    many = [make(kind, 2) for kind in ("nightly", "sawtooth", "step", "fill", "leak-restarted", "leak-outgrows")]
    forecast = judge(many, ours, every_hours=12)
    assert (forecast.false, forecast.missed) == ([], [])
    assert forecast.hours >= 24
    naive = judge(many, straight_line, every_hours=12)
    assert naive.precision < 0.7 < forecast.precision
