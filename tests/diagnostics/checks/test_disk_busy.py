"""Check 6: slow by itself, or busy while work waits; busy alone is no fault."""

from collections.abc import Callable

import pytest

from diagnostics.checks.contract import Context
from diagnostics.checks.disk_busy import check_disk_busy
from diagnostics.findings import Severity
from diagnostics.hardware_observations import DiskActivities, DiskActivity, IoPressure
from diagnostics.history import MemoryHistory, Point
from diagnostics.observations import Stall

NOW = 1_795_000_000
QUIET = Stall(0, 0, 0)


def seen(requests: int, waited_ms: int, busy_ms: int, *, stalled: float = 0.0) -> tuple[DiskActivities, IoPressure]:
    """Over the last 300 s."""
    disk = DiskActivity("sda", 1000 + requests, 1000 + waited_ms, 1000 + busy_ms)
    return DiskActivities((disk,)), IoPressure(QUIET, Stall(0, 0, stalled))


def earlier() -> MemoryHistory:
    kept = MemoryHistory()
    for name in ("requests", "waited-ms", "busy-ms"):
        kept.append(f"disk.{name}", "disk:sda", Point(NOW - 300, 1000))
    return kept


@pytest.mark.parametrize(
    ("requests", "waited_ms", "busy_ms", "stalled", "expected"),
    [
        (30_000, 300_000, 150_000, 0.0, None),
        (30_000, 600_000, 299_000, 0.0, None),  # a backup: busy, and nobody waits
        (30_000, 600_000, 299_000, 0.5, Severity.WARNING),
        (1_000, 250_000, 100_000, 0.0, Severity.WARNING),
        (1_000, 1_200_000, 299_000, 0.0, Severity.ERROR),
        (100, 90_000, 90_000, 0.0, None),  # a third of a request a second makes no average
    ],
)
def test_slow_and_waited_for_decide(
    requests: int,
    waited_ms: int,
    busy_ms: int,
    stalled: float,
    expected: Severity | None,
    context: Callable[..., Context],
) -> None:
    activities, pressure = seen(requests, waited_ms, busy_ms, stalled=stalled)
    findings = check_disk_busy(activities, pressure, context(history=earlier())).findings
    assert [finding.severity for finding in findings] == ([] if expected is None else [expected])


def test_the_first_look_says_nothing_and_keeps_its_numbers(context: Callable[..., Context]) -> None:
    outcome = check_disk_busy(*seen(1, 1, 1), context())
    assert outcome.skipped
    assert {metric.name for metric in outcome.metrics} == {"disk.requests", "disk.waited-ms", "disk.busy-ms"}
