"""Check 5: the drive's own alarm, then losses, then wear."""

from collections.abc import Callable

import pytest

from diagnostics.checks.contract import Context
from diagnostics.checks.smart_nvme import check_smart_nvme
from diagnostics.findings import Severity
from diagnostics.hardware_observations import NvmeHealth


@pytest.mark.parametrize(
    ("warning", "spare", "used", "errors", "expected"),
    [
        (0, 1.0, 0.03, 0, None),
        (2, 1.0, 0.03, 0, None),  # only warm
        (4, 1.0, 0.03, 0, ("nvme-failing", Severity.CRITICAL)),
        (0, 0.10, 0.03, 0, ("nvme-failing", Severity.ERROR)),
        (0, 1.0, 0.03, 1, ("nvme-failing", Severity.ERROR)),
        (0, 1.0, 0.91, 0, ("nvme-worn", Severity.WARNING)),
        (0, 1.0, 1.12, 0, ("nvme-worn", Severity.ERROR)),
    ],
)
def test_each_sign_has_its_weight(
    warning: int,
    spare: float,
    used: float,
    errors: int,
    expected: tuple[str, Severity] | None,
    context: Callable[..., Context],
) -> None:
    drive = NvmeHealth("nvme0n1", "SAMSUNG", warning, spare, 0.10, used, errors)
    findings = check_smart_nvme((drive,), context()).findings
    assert [(item.code, item.severity) for item in findings] == ([] if expected is None else [expected])
