"""Check 12: busy since the look before, or waiting for the host."""

from collections.abc import Callable

import pytest

from diagnostics.checks.contract import Context
from diagnostics.checks.cpu_busy import check_cpu_busy
from diagnostics.hardware_observations import CpuTimes
from diagnostics.history import MemoryHistory, Point

NOW = 1_795_000_000


def earlier() -> MemoryHistory:
    kept = MemoryHistory()
    for name, value in (("cpu.busy-s", 100.0), ("cpu.stolen-s", 0.0), ("cpu.total-s", 1000.0)):
        kept.append(name, "", Point(NOW - 300, value))
    return kept


def times(busy: float, stolen: float) -> CpuTimes:
    """Shares of 1200 s of four processors since then."""
    return CpuTimes(100 + 1200 * busy, 900 + 1200 * (1 - busy - stolen), 0, 1200 * stolen)


@pytest.mark.parametrize(
    ("busy", "stolen", "raised", "expected"),
    [
        (0.5, 0.0, (), []),
        (0.89, 0.0, (), []),
        (0.91, 0.0, (), ["cpu-busy"]),
        (0.80, 0.0, ("cpu-busy|cpu",), ["cpu-busy"]),  # clears lower than it was raised
        (0.70, 0.0, ("cpu-busy|cpu",), []),
        (0.5, 0.25, (), ["cpu-stolen"]),
    ],
)
def test_shares_of_the_time_between_two_looks(
    busy: float, stolen: float, raised: tuple[str, ...], expected: list[str], context: Callable[..., Context]
) -> None:
    outcome = check_cpu_busy(times(busy, stolen), context(*raised, history=earlier()))
    assert [finding.code for finding in outcome.findings] == expected


def test_the_first_look_only_keeps_its_numbers(context: Callable[..., Context]) -> None:
    outcome = check_cpu_busy(times(1, 0), context())
    assert (outcome.findings, len(outcome.metrics), bool(outcome.skipped)) == ((), 3, True)
