"""Check 18: what is left of the battery's first strength."""

from collections.abc import Callable

import pytest

from diagnostics.checks.battery import check_battery
from diagnostics.checks.contract import Context
from diagnostics.findings import Severity
from diagnostics.hardware_observations import Batteries, Battery


@pytest.mark.parametrize(
    ("full", "expected"), [(104, None), (60, None), (59, Severity.INFO), (39, Severity.WARNING), (0, Severity.WARNING)]
)
def test_the_share_of_the_design_decides(full: int, expected: Severity | None, context: Callable[..., Context]) -> None:
    outcome = check_battery(Batteries((Battery("BAT0", "Full", full, 100, None, 1.0),)), context())
    assert [item.severity for item in outcome.findings] == ([] if expected is None else [expected])
    assert 0 <= outcome.metrics[0].value <= 1
