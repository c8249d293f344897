"""How much a counter rose since the look before."""

import pytest

from diagnostics.history import MemoryHistory, Point
from diagnostics.rates import LEAST_S, MOST_S, Rise, risen

NOW = 1_795_000_000


def history(*points: tuple[int, float]) -> MemoryHistory:
    kept = MemoryHistory()
    for ago_s, value in sorted(points, reverse=True):
        kept.append("x", "i", Point(NOW - ago_s, value))
    return kept


@pytest.mark.parametrize(
    ("points", "expected"),
    [
        ([], None),
        ([(LEAST_S - 1, 5)], None),  # too near: a burst looks like a rate
        ([(MOST_S + 1, 5)], None),  # the machine was off in between
        ([(300, 200)], None),  # the counter was started anew
        ([(300, 40)], Rise(60, 300)),
        ([(900, 10), (300, 40), (10, 99)], Rise(60, 300)),
        ([(300, 100)], Rise(0, 300)),
    ],
)
def test_the_newest_point_that_is_old_enough_is_compared(
    points: list[tuple[int, float]], expected: Rise | None
) -> None:
    assert risen(history(*points), "x", "i", 100, now=NOW) == expected


def test_another_thing_of_the_same_kind_has_its_own_counter() -> None:
    assert risen(history((300, 40)), "x", "other", 100, now=NOW) is None


def test_a_rate_is_a_second() -> None:
    assert Rise(60, 300).per_s == 0.2
