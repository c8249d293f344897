"""Check 17: how often since the look before."""

from collections.abc import Callable

import pytest

from diagnostics.checks.contract import Context
from diagnostics.checks.throttling import check_throttling
from diagnostics.hardware_observations import Throttling
from diagnostics.history import MemoryHistory, Point


@pytest.mark.parametrize(("events", "found"), [(10, 0), (39, 0), (40, 1)])
def test_once_in_ten_seconds_is_held_down(events: int, found: int, context: Callable[..., Context]) -> None:
    kept = MemoryHistory()
    kept.append("cpu.throttle-events", "", Point(1_795_000_000 - 300, 10))
    assert len(check_throttling(Throttling(events), context(history=kept)).findings) == found


def test_the_count_since_boot_alone_tells_nothing(context: Callable[..., Context]) -> None:
    outcome = check_throttling(Throttling(99_999), context())
    assert (outcome.findings, bool(outcome.skipped)) == ((), True)


@pytest.mark.parametrize(("limit_fraction", "found"), [(1.0, []), (0.81, []), (0.8, ["cpu-held-down"])])
def test_where_a_limit_is_told_a_fifth_less_is_held_down(
    limit_fraction: float, found: list[str], context: Callable[..., Context]
) -> None:
    outcome = check_throttling(Throttling(0, limit_fraction), context())
    assert [finding.code for finding in outcome.findings] == found
    assert not outcome.skipped  # no second look is needed
