"""Check 8: what grows, day by day, and towards a full disk."""

from collections.abc import Callable

import pytest

from diagnostics.checks.contract import Context
from diagnostics.checks.growing_folders import SHOWN_MAX, WATCHED_MAX, check_growing_folders
from diagnostics.history import MemoryHistory, Point
from diagnostics.observations import Filesystem
from diagnostics.system_observations import FolderSize, FolderSizes

NOW = 1_795_000_000
DAY, GB = 86_400, 1_000_000_000


def disk(mount: str, available_gb: float) -> Filesystem:
    return Filesystem(mount, "/dev/x", "ext4", False, 500 * GB, 100 * GB, int(available_gb * GB), 1000, 900)


def folder(path: str, gb: float, *, complete: bool = True) -> FolderSize:
    return FolderSize(path, int(gb * GB), 9, complete)


def past(path: str, *gb_by_day: float) -> MemoryHistory:
    """The last value is a day old."""
    kept = MemoryHistory()
    for index, gb in enumerate(gb_by_day):
        kept.append("folder.bytes", f"folder:{path}", Point(NOW - (len(gb_by_day) - index) * DAY, gb * GB))
    return kept


@pytest.mark.parametrize(
    ("before", "now", "available", "found"),
    [
        ((10, 12, 14), 16, 50, True),  # 2 GB a day, 50 GB free: 25 days
        ((10, 12, 14), 16, 70, False),  # 35 days: nobody acts on that
        ((15.2, 15.4, 15.6), 15.9, 5, False),  # less than a gigabyte
        ((10, 20, 9), 16, 5, False),  # a working folder that comes and goes
        ((10,), 16, 50, True),
    ],
)
def test_a_steady_growth_that_fills_the_disk_within_a_month_is_told(
    before: tuple[float, ...], now: float, available: float, found: bool, context: Callable[..., Context]
) -> None:
    sizes = FolderSizes((folder("/var/lib/db", now),))
    outcome = check_growing_folders(sizes, (disk("/", available),), context(history=past("/var/lib/db", *before)))
    assert [item.instance for item in outcome.findings] == (["folder:/var/lib/db"] if found else [])
    assert outcome.skipped == ""


def test_the_free_space_is_that_of_the_folders_own_filesystem(context: Callable[..., Context]) -> None:
    sizes = FolderSizes((folder("/home/anna/Videos", 16),))
    history = past("/home/anna/Videos", 10, 12, 14)
    roomy = (disk("/", 5), disk("/home", 900), disk("/home/anna2", 1))
    assert check_growing_folders(sizes, roomy, context(history=history)).findings == ()


def test_a_folder_that_was_not_walked_to_its_end_is_not_compared(context: Callable[..., Context]) -> None:
    sizes = FolderSizes((folder("/var/lib/db", 16, complete=False),))
    outcome = check_growing_folders(sizes, (disk("/", 5),), context(history=past("/var/lib/db", 10, 12, 14)))
    assert (outcome.findings, outcome.metrics) == ((), ())


def test_the_first_day_only_counts(context: Callable[..., Context]) -> None:
    outcome = check_growing_folders(FolderSizes((folder("/var/lib/db", 16),)), (disk("/", 5),), context())
    assert outcome.skipped == "needs a day between two looks at the folders"
    assert [metric.instance for metric in outcome.metrics] == ["folder:/var/lib/db"]


def test_a_machine_with_many_folders_keeps_few_series_and_shows_the_fastest(context: Callable[..., Context]) -> None:
    history = MemoryHistory()
    for number in range(40):
        history.append("folder.bytes", f"folder:/srv/{number}", Point(NOW - 2 * DAY, 10.0 * GB))
    sizes = FolderSizes(tuple(folder(f"/srv/{number}", 12 + number) for number in range(40)))
    outcome = check_growing_folders(sizes, (disk("/", 5),), context(history=history))
    assert len(outcome.metrics) == WATCHED_MAX
    assert [item.instance for item in outcome.findings] == ["folder:/srv/39", "folder:/srv/38", "folder:/srv/37"]
    assert len(outcome.findings) == SHOWN_MAX
