"""Check 7: read-only against the wish of fstab, and what the kernel said within a day."""

from collections.abc import Callable

import pytest

from diagnostics.checks.contract import Context
from diagnostics.checks.filesystem_errors import check_filesystem_errors
from diagnostics.findings import Severity
from diagnostics.observations import Filesystem, KernelEvent, KernelEventKind

NOW = 1_795_000_000
DAMAGED, FAILED = KernelEventKind.FILESYSTEM_ERROR, KernelEventKind.DISK_ERROR


def disk(mount: str, *, read_only: bool) -> Filesystem:
    return Filesystem(mount, "/dev/sda1", "ext4", read_only, 10, 1, 9, 10, 9)


@pytest.mark.parametrize(
    ("mount", "read_only", "options", "expected"),
    [
        ("/var", True, ("errors=remount-ro",), Severity.ERROR),
        ("/", True, ("defaults",), Severity.CRITICAL),
        ("/var", False, ("defaults",), None),
        ("/mnt/archive", True, ("ro", "noatime"), None),  # as it is meant to be
        ("/media/stick", True, None, None),  # not in fstab: nobody said how it should be
    ],
)
def test_read_only_is_a_fault_only_where_it_should_be_writable(
    mount: str,
    read_only: bool,
    options: tuple[str, ...] | None,
    expected: Severity | None,
    context: Callable[..., Context],
) -> None:
    wanted = {} if options is None else {mount: options}
    findings = check_filesystem_errors((disk(mount, read_only=read_only),), wanted, (), context()).findings
    assert [finding.severity for finding in findings] == ([] if expected is None else [expected])


def test_events_of_a_day_are_one_finding_a_device(context: Callable[..., Context]) -> None:
    events = (
        KernelEvent(FAILED, "sda", NOW - 90_000, "long ago"),
        KernelEvent(FAILED, "sda", NOW - 60, "one"),
        KernelEvent(FAILED, "sda", None, "two"),
        KernelEvent(DAMAGED, "sda1", NOW - 50, "three"),
        KernelEvent(KernelEventKind.OUT_OF_MEMORY, "firefox", NOW - 40, "of another check"),
    )
    findings = check_filesystem_errors((), {}, events, context()).findings
    assert [(finding.fingerprint, finding.facts["events"]) for finding in findings] == [
        ("disk-errors|device:sda", 2),
        ("filesystem-damaged|device:sda1", 1),
    ]
