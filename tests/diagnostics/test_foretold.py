"""Inodes, open files, batteries, drives and log errors, foretold by the same rules as disks: what runs out, and what
only looks like it."""

from collections.abc import Callable

import pytest

from diagnostics.checks.battery import WEARING, check_battery
from diagnostics.checks.contract import Context, Outcome
from diagnostics.checks.inodes import RUNNING_OUT, check_inodes
from diagnostics.checks.log_burst import RISING, check_log_burst
from diagnostics.checks.open_files import LEAK, check_open_files
from diagnostics.checks.smart_ata import ENDING, WORN, check_smart_ata
from diagnostics.checks.smart_nvme import check_smart_nvme
from diagnostics.findings import Severity
from diagnostics.foretold import foretold
from diagnostics.hardware_observations import AtaHealth, Batteries, Battery, NvmeHealth
from diagnostics.history import MemoryHistory, Point
from diagnostics.machine.interface import ProcessFiles
from diagnostics.observations import Filesystem
from diagnostics.system_observations import LogErrors, OpenFiles

NOW = 1_795_000_000


def past(metric: str, instance: str, last: float, per_day: float) -> MemoryHistory:
    kept = MemoryHistory()
    for hour in range(168, 0, -1):
        kept.append(metric, instance, Point(NOW - hour * 3600, last - per_day * hour / 24))
    return kept


def inodes(context: Context, used: float) -> Outcome:
    return check_inodes((Filesystem("/", "/dev/a", "ext4", False, 100, 50, 50, 1000, int(1000 * (1 - used))),), context)


@pytest.mark.parametrize(
    ("used", "per_day", "found"), [(0.80, 0.02, True), (0.80, 0.0, False), (0.70, 0.02, False), (0.80, 0.004, False)]
)
def test_places_for_files_run_out(used: float, per_day: float, found: bool, context: Callable[..., Context]) -> None:
    history = past("disk.used-inodes-fraction", "disk:/", used, per_day)
    told = inodes(context(history=history), used).findings
    assert [item.code for item in told] == ([RUNNING_OUT] if found else [])
    if found:
        assert told[0].time_to_act is not None
        assert told[0].time_to_act.earliest_s <= 10 * 86_400 <= told[0].time_to_act.latest_s


@pytest.mark.parametrize(("held", "per_day", "found"), [(600, 100, True), (600, 20, False), (200, 200, False)])
def test_a_program_holds_more_files_each_day(
    held: int, per_day: float, found: bool, context: Callable[..., Context]
) -> None:
    history = past("process.open-files", "process:leaky", held, per_day)
    seen = OpenFiles(
        (ProcessFiles(7, "leaky", held, 1024), ProcessFiles(8, "leaky", 10, 1024), ProcessFiles(9, "x", 5, None))
    )
    outcome = check_open_files(seen, context(history=history))
    assert [(item.code, item.instance) for item in outcome.findings] == ([(LEAK, "process:leaky")] if found else [])
    kept = [metric.instance for metric in outcome.metrics if metric.name == "process.open-files"]
    assert kept == (["process:leaky"] if held >= 256 else [])


@pytest.mark.parametrize(("per_day", "found"), [(0.01, True), (0.001, False), (-0.01, False)])
def test_a_battery_that_is_worn_within_a_month_is_told(
    per_day: float, found: bool, context: Callable[..., Context]
) -> None:
    history = past("battery.health-fraction", "battery:BAT0", 0.75, -per_day)
    seen = Batteries((Battery("BAT0", "Full", 75, 100, 300, 1.0),))
    told = check_battery(seen, context(history=history)).findings
    assert [item.code for item in told] == ([WEARING] if found else [])


@pytest.mark.parametrize(
    ("before", "severity"),
    [(8, Severity.WARNING), (9, Severity.WARNING), (7, Severity.ERROR), (None, Severity.WARNING)],
)
def test_bad_sectors_that_become_more_within_a_week_are_graver(
    before: int | None, severity: Severity, context: Callable[..., Context]
) -> None:
    history = MemoryHistory()
    if before is not None:
        history.append("smart.5", "disk:sda", Point(NOW - 6 * 86_400, float(before)))
    (finding,) = check_smart_ata((AtaHealth("sda", "WDC", True, {"5": 8}),), context(history=history)).findings
    assert (finding.code, finding.severity) == (WORN, severity)
    assert ("1 more within a week" in str(finding.facts["counts"])) == (severity is Severity.ERROR)


def test_a_worn_drive_says_until_when(context: Callable[..., Context]) -> None:
    drive = NvmeHealth("nvme0n1", "Samsung", 0, 1.0, 0.1, 0.95, 0)
    history = past("nvme.used-fraction", "disk:nvme0n1", 0.95, 0.005)
    (finding,) = check_smart_nvme((drive,), context(history=history)).findings
    assert finding.time_to_act is not None
    assert finding.time_to_act.earliest_s <= 10 * 86_400 <= finding.time_to_act.latest_s
    assert check_smart_nvme((drive,), context()).findings[0].time_to_act is None


def every_six_hours(
    metric: str, instance: str, last: float, per_day: float, *, days: int = 28, stood_still_days: int = 0
) -> MemoryHistory:
    """In whole steps, as drives count. `stood_still_days`: the last ones, in which nothing moved any more."""
    kept = MemoryHistory()
    for look in range(days * 4, 0, -1):
        kept.append(
            metric,
            instance,
            Point(NOW - look * 6 * 3600, round(last - per_day * max(0.0, look / 4 - stood_still_days))),
        )
    return kept


@pytest.mark.parametrize(
    ("history", "found"),
    [
        (every_six_hours("smart.5.above", "disk:sda", 30, -1.5), True),
        (every_six_hours("smart.5.above", "disk:sda", 30, -0.5), False),  # 60 days: nobody acts on that yet
        (every_six_hours("smart.5.above", "disk:sda", 30, 0), False),
        (every_six_hours("smart.5.above", "disk:sda", 30, -1.5, days=11), False),  # too little is known
        (every_six_hours("smart.5.above", "disk:sda", 30, -1.5, stood_still_days=5), False),  # it has stopped
    ],
)
def test_a_reserve_that_is_used_up_within_a_month_is_told(
    history: MemoryHistory, found: bool, context: Callable[..., Context]
) -> None:
    disk = AtaHealth("sda", "ST1000", True, {"5": 0}, {"5": 30, "202": 100, "1": 5})
    outcome = check_smart_ata((disk,), context(history=history))
    assert [item.code for item in outcome.findings] == ([ENDING] if found else [])
    assert [metric.name for metric in outcome.metrics if metric.name.endswith(".above")] == [
        "smart.5.above",
        "smart.202.above",
    ]
    if found:
        (finding,) = outcome.findings
        assert finding.time_to_act is not None
        assert finding.time_to_act.earliest_s <= 20 * 86_400 <= finding.time_to_act.latest_s


def test_a_life_that_was_spent_in_one_day_is_no_forecast(context: Callable[..., Context]) -> None:
    history = MemoryHistory()
    for look in range(112, 0, -1):
        history.append("smart.231.above", "disk:sdb", Point(NOW - look * 6 * 3600, 90.0 if look > 40 else 30.0))
    disk = AtaHealth("sdb", "KINGSTON", True, {}, {"231": 30})
    assert check_smart_ata((disk,), context(history=history)).findings == ()


def test_a_drive_that_is_looked_at_four_times_a_day_says_until_when(context: Callable[..., Context]) -> None:
    """Whole per cents every six hours: what the agent really keeps."""
    history = MemoryHistory()
    for look in range(112, 0, -1):
        history.append("nvme.used-fraction", "disk:nvme0n1", Point(NOW - look * 21_600, round(0.95 - look / 800, 2)))
    told = foretold("nvme.used-fraction", "disk:nvme0n1", 1.0, context(history=history))
    assert told is not None
    assert told.per_day == pytest.approx(0.005, rel=0.2)
    assert told.time_to_act.earliest_s <= 10 * 86_400 <= told.time_to_act.latest_s


@pytest.mark.parametrize(
    ("lines", "per_day", "found"),
    [(1200, 150, True), (1200, 0, False), (1200, 20, False), (40, 5, False)],  # 20 a day: a flood in four months
)
def test_errors_that_rise_day_by_day_are_told_before_they_are_a_flood(
    lines: int, per_day: float, found: bool, context: Callable[..., Context]
) -> None:
    seen = LogErrors(lines, True, "db.service", lines, "no space")
    outcome = check_log_burst(seen, context(history=past("log.errors-1h", "", lines, per_day)))
    assert [item.code for item in outcome.findings] == ([RISING] if found else [])
    if found:
        (finding,) = outcome.findings
        assert finding.time_to_act is not None
        assert finding.time_to_act.earliest_s <= 16 * 86_400 <= finding.time_to_act.latest_s
