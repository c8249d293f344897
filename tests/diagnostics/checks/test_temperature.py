"""Check 16: near the part's own limit, or too hot for any part of its kind."""

from collections.abc import Callable

import pytest

from diagnostics.checks.contract import Context
from diagnostics.checks.temperature import check_temperature
from diagnostics.findings import Severity
from diagnostics.hardware_observations import Temperature, Temperatures


@pytest.mark.parametrize(
    ("part", "celsius", "critical", "expected"),
    [
        ("coretemp", 90, 100, None),
        ("coretemp", 95, 100, Severity.WARNING),
        ("coretemp", 99, 100, Severity.ERROR),
        ("k10temp", 94, None, None),
        ("k10temp", 96, None, Severity.WARNING),
        ("nvme", 69, 84.85, None),
        ("nvme", 71, 84.85, Severity.WARNING),
        ("nvme", 75, 84.85, Severity.ERROR),
        ("drivetemp", 66, 70, Severity.WARNING),
    ],
)
def test_the_parts_own_limit_decides(
    part: str, celsius: float, critical: float | None, expected: Severity | None, context: Callable[..., Context]
) -> None:
    seen = Temperatures((Temperature(part, celsius, critical),))
    assert [item.severity for item in check_temperature(seen, context()).findings] == (
        [] if expected is None else [expected]
    )


def test_it_clears_cooler_than_it_was_raised(context: Callable[..., Context]) -> None:
    raised = context("temperature-high|part:coretemp")
    assert len(check_temperature(Temperatures((Temperature("coretemp", 89, 100),)), raised).findings) == 1
    assert check_temperature(Temperatures((Temperature("coretemp", 87, 100),)), raised).findings == ()
