"""Check 3: places for files, by share."""

from collections.abc import Callable

import pytest

from diagnostics.checks.contract import Context
from diagnostics.checks.inodes import check_inodes, severity_of
from diagnostics.findings import Severity
from diagnostics.observations import Filesystem


def disk(available: int, total: int = 1_000_000, *, read_only: bool = False) -> Filesystem:
    return Filesystem("/", "/dev/sda1", "ext4", read_only, 10**11, 10**10, 9 * 10**10, total, available)


@pytest.mark.parametrize(
    ("available", "expected"),
    [(100_000, None), (99_999, Severity.WARNING), (29_999, Severity.ERROR), (4_999, Severity.CRITICAL)],
)
def test_the_share_decides(available: int, expected: Severity | None) -> None:
    assert severity_of(disk(available), already_raised=False) is expected


def test_it_clears_higher_than_it_was_raised() -> None:
    assert severity_of(disk(110_000), already_raised=True) is Severity.WARNING
    assert severity_of(disk(121_000), already_raised=True) is None


def test_where_files_have_no_fixed_number_there_is_nothing_to_judge(context: Callable[..., Context]) -> None:
    outcome = check_inodes((disk(0, 0), disk(0, read_only=True)), context())
    assert outcome.findings == ()
    assert len(outcome.metrics) == 1
