"""Check 42: how far off, and whether anything keeps it."""

from collections.abc import Callable

import pytest

from diagnostics.checks.clock import check_clock
from diagnostics.checks.contract import Context
from diagnostics.findings import Severity
from diagnostics.system_observations import ClockSync


@pytest.mark.parametrize(
    ("offset_s", "expected"),
    [(0.9, None), (-0.9, None), (1.0, Severity.WARNING), (-95.4, Severity.ERROR), (None, None)],
)
def test_the_distance_decides_both_ways(
    offset_s: float | None, expected: Severity | None, context: Callable[..., Context]
) -> None:
    findings = check_clock(ClockSync("chronyc", True, True, offset_s), context()).findings
    assert [item.severity for item in findings] == ([] if expected is None else [expected])


def test_a_clock_that_nothing_keeps_is_told(context: Callable[..., Context]) -> None:
    (finding,) = check_clock(ClockSync("timedatectl", False, False, None), context()).findings
    assert (finding.code, finding.facts["service_enabled"]) == ("clock-not-kept", False)
