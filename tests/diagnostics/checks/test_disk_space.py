"""Check 1: both a small share and a small amount make a disk full."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from diagnostics.checks.contract import Context
from diagnostics.checks.disk_space import check_disk_space, severity_of
from diagnostics.findings import Severity
from diagnostics.observations import Filesystem

GB = 1_000_000_000


def disk(total_gb: float, available_gb: float, mount: str = "/", *, read_only: bool = False) -> Filesystem:
    total, available = int(total_gb * GB), int(available_gb * GB)
    return Filesystem(mount, "/dev/sda1", "ext4", read_only, total, total - available, available, 1000, 900)


@pytest.mark.parametrize(
    ("total_gb", "available_gb", "expected"),
    [
        (500, 60, None),
        (500, 19, Severity.WARNING),
        (20_000, 1_900, None),  # 9.5 % of a large disk is plenty
        (500, 4.9, Severity.ERROR),
        (500, 0.4, Severity.CRITICAL),
        (500, 0, Severity.CRITICAL),
        (0.5, 0.08, None),  # /boot: 16 % free
        (0.5, 0.04, Severity.WARNING),
        (0.5, 0.004, Severity.CRITICAL),
        (16, 2, None),
    ],
)
def test_share_and_amount_decide_together(total_gb: float, available_gb: float, expected: Severity | None) -> None:
    assert severity_of(disk(total_gb, available_gb), already_raised=False) is expected


def test_it_clears_higher_than_it_was_raised() -> None:
    between = disk(500, 22)
    assert severity_of(between, already_raised=False) is None
    assert severity_of(between, already_raised=True) is Severity.WARNING
    assert severity_of(disk(500, 61), already_raised=True) is None


def test_read_only_and_empty_filesystems_are_left_out() -> None:
    assert severity_of(disk(10, 0, read_only=True), already_raised=False) is None
    assert severity_of(disk(0, 0), already_raised=False) is None


def test_the_reserve_of_root_is_nobodys() -> None:
    reserved = replace(disk(100, 4), used_bytes=91 * GB)
    assert round(reserved.used_fraction, 3) == round(91 / 95, 3)


def test_each_disk_has_its_own_finding_and_metrics(context: Callable[..., Context]) -> None:
    outcome = check_disk_space((disk(500, 60), disk(500, 1, "/home"), disk(500, 1, "/srv")), context())
    assert [finding.fingerprint for finding in outcome.findings] == [
        "disk-space-low|disk:/home",
        "disk-space-low|disk:/srv",
    ]
    # The cache of a person lies in their home.
    assert [[offer.id for offer in finding.remedies] for finding in outcome.findings] == [
        ["clean-user-cache"],
        [],
    ]
    assert [metric.name for metric in outcome.metrics if metric.instance == "disk:/"] == [
        "disk.used-fraction",
        "disk.used-bytes",
        "disk.available-bytes",
    ]


def test_the_evidence_can_be_read_and_is_hashed(context: Callable[..., Context]) -> None:
    proof = check_disk_space((disk(500, 1),), context()).findings[0].evidence[0]
    assert (proof.source, proof.locator) == ("statvfs", "/")
    assert proof.excerpt == "1.0 GB of 500 GB available on / (ext4, 99.8 % used)"
    assert len(proof.sha256) == 64


def test_what_was_raised_before_is_told_to_the_threshold(context: Callable[..., Context]) -> None:
    disks = (disk(500, 22),)
    assert check_disk_space(disks, context()).findings == ()
    assert len(check_disk_space(disks, context("disk-space-low|disk:/")).findings) == 1
