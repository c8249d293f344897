"""Check 34: one finding a device, a warning from the third line on."""

from collections.abc import Callable

from diagnostics.checks.contract import Context
from diagnostics.checks.driver_errors import check_driver_errors
from diagnostics.findings import Severity
from diagnostics.observations import KernelEvent, KernelEventKind

NOW = 1_795_000_000
DRIVER = KernelEventKind.DRIVER_ERROR


def test_one_line_is_a_word_and_three_are_a_warning(context: Callable[..., Context]) -> None:
    events = [KernelEvent(DRIVER, "usb 1-4", NOW - 60, "x")]
    events += [KernelEvent(DRIVER, "iwlwifi 0000:00:14.3", NOW - index, "y") for index in range(3)]
    events += [KernelEvent(DRIVER, "old", NOW - 90_000, "z")]
    events += [KernelEvent(KernelEventKind.HUNG_TASK, "jbd2", NOW, "of another check")]
    assert [(item.instance, item.severity) for item in check_driver_errors(events, context()).findings] == [
        ("device:iwlwifi 0000:00:14.3", Severity.WARNING),
        ("device:usb 1-4", Severity.INFO),
    ]
