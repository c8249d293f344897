"""Check 2: a forecast only where there is history, room is short and the rise is real."""

from collections.abc import Callable

import pytest

from diagnostics.checks.contract import Context
from diagnostics.checks.disk_fill import check_disk_fill
from diagnostics.findings import Severity, TimeToAct
from diagnostics.history import MemoryHistory, Point
from diagnostics.machine.interface import Unreadable
from diagnostics.observations import Filesystem

NOW = 1_795_000_000
GB = 1_000_000_000


def disk(used_gb: float, kind: str = "ext4") -> Filesystem:
    used = int(used_gb * GB)
    return Filesystem("/var", "/dev/sda1", kind, False, 200 * GB, used, 200 * GB - used, 1000, 900)


def rising(gb_a_day: float, used_now_gb: float, *, hours: int = 192) -> MemoryHistory:
    history = MemoryHistory()
    for ago in range(hours, -1, -1):
        used = (used_now_gb - ago * gb_a_day / 24) * GB
        history.append("disk.used-bytes", "disk:/var", Point(NOW - ago * 3600, used))
    return history


def test_a_steady_rise_gives_a_range_around_the_truth(context: Callable[..., Context]) -> None:
    outcome = check_disk_fill((disk(166),), context(history=rising(6.8, 166)))
    (finding,) = outcome.findings
    assert finding.fingerprint == "disk-filling|disk:/var"
    assert finding.severity is Severity.WARNING
    assert finding.time_to_act is not None
    five_days = 5 * 86_400
    assert finding.time_to_act.earliest_s < five_days < finding.time_to_act.latest_s
    assert abs(finding.time_to_act.likely_s - five_days) < 3_600
    assert [metric.name for metric in outcome.metrics] == ["disk.growth-bytes-a-day"]
    assert outcome.metrics[0].value == pytest.approx(6.8 * GB, rel=0.01)


def test_within_three_days_it_is_an_error(context: Callable[..., Context]) -> None:
    (finding,) = check_disk_fill((disk(190),), context(history=rising(6, 190))).findings
    assert finding.severity is Severity.ERROR


def test_with_a_quarter_of_the_disk_free_it_stays_silent(context: Callable[..., Context]) -> None:
    assert check_disk_fill((disk(140),), context(history=rising(6, 140))).findings == ()


def test_without_history_it_was_not_checked(context: Callable[..., Context]) -> None:
    with pytest.raises(Unreadable, match="needs 72 h and 24 hourly samples, has 0 h and 0"):
        check_disk_fill((disk(190),), context())
    with pytest.raises(Unreadable, match="has 40 h and 41"):
        check_disk_fill((disk(190),), context(history=rising(6, 190, hours=40)))


def test_memory_filesystems_are_not_foretold(context: Callable[..., Context]) -> None:
    with pytest.raises(Unreadable, match="no filesystem that can fill up"):
        check_disk_fill((disk(190, kind="tmpfs"),), context(history=rising(6, 190)))


def test_a_disk_that_filled_up_keeps_its_finding_though_the_line_is_flat(
    context: Callable[..., Context],
) -> None:
    full = (disk(199.5),)
    flat = rising(0, 199.5)
    assert check_disk_fill(full, context(history=flat)).findings == ()
    (finding,) = check_disk_fill(full, context("disk-filling|disk:/var", history=flat)).findings
    assert finding.time_to_act == TimeToAct(0, 0, 0)
    assert finding.severity is Severity.ERROR
