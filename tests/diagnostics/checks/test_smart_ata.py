"""Check 4: the counters that foretell, gravest first."""

from collections.abc import Callable

import pytest

from diagnostics.checks.contract import Context
from diagnostics.checks.smart_ata import check_smart_ata
from diagnostics.findings import Severity
from diagnostics.hardware_observations import AtaHealth


@pytest.mark.parametrize(
    ("passed", "raw", "expected"),
    [
        (True, {"5": 0, "197": 0, "199": 12}, None),
        (None, {}, None),
        (True, {"5": 8}, ("disk-sectors-replaced", Severity.WARNING)),
        (True, {"5": 8, "197": 1}, ("disk-failing", Severity.ERROR)),
        (False, {"5": 0}, ("disk-failing", Severity.CRITICAL)),
        (True, {"199": 500}, ("disk-cable-errors", Severity.WARNING)),
        (True, {"188": 0x0001_0000_0000}, None),  # packed: the low sixteen bits count
        (True, {"188": 0x0001_0000_0003}, ("disk-sectors-replaced", Severity.WARNING)),
    ],
)
def test_verdict_then_unreadable_then_wear_then_cable(
    passed: bool | None,
    raw: dict[str, int],
    expected: tuple[str, Severity] | None,
    context: Callable[..., Context],
) -> None:
    outcome = check_smart_ata((AtaHealth("sda", "ST1000", passed, raw),), context())
    assert [(item.code, item.severity) for item in outcome.findings] == ([] if expected is None else [expected])
    assert len(outcome.metrics) == len(raw)
