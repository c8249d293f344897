"""Reports on both databases: the newest state counts, and what one device may leave here is bounded."""

import pytest

from protocol.messages.api import TrialRow
from protocol.messages.report import (
    Report,
    ReportedCheck,
    ReportedFinding,
    ReportedMetric,
    ReportedSeverity,
    ReportedState,
)
from server.findings.answers import Explained, answer_of
from server.findings.counters import COUNT_MAX, Point, grown, trial_rows
from server.findings.rules import CHECKS_MAX, FINDINGS_MAX
from server.storage.engine import Database
from tests.making import DAY, NOW
from tests.server.actors import Clock, DeviceActor
from tests.server.stores import Stores


@pytest.fixture
def stores(database: Database, clock: Clock) -> Stores:
    return Stores(database, clock)


def finding(
    code: str = "disk-space", state: ReportedState = ReportedState.ACTIVE, **changes: object
) -> ReportedFinding:
    made = ReportedFinding(
        code=code,
        instance="0" * 16,
        severity=ReportedSeverity.WARNING,
        state=state,
        first_seen=NOW - 60,
        last_seen=NOW,
        count=3,
        known_issue="disk-full-of-caches",
    )
    return made.model_copy(update=changes)


async def take(stores: Stores, device: DeviceActor, report: Report) -> int:
    async with stores.database.write() as connection:
        return await stores.findings.take(connection, device.device, report)


async def test_a_report_is_read_back_as_it_was_said(stores: Stores) -> None:
    device = await stores.device()
    said = (finding(), finding("memory-pressure", severity=ReportedSeverity.CRITICAL))
    checks = (ReportedCheck(id="disk-space", status="finding"), ReportedCheck(id="dns", status="ok"))
    assert await take(stores, device, Report(at=NOW, findings=said, checks=checks)) == 0
    assert set(await stores.findings.of_device(device.device)) == set(said)
    assert await stores.findings.checks_of(device.device) == {"disk-space": "finding", "dns": "ok"}
    assert await stores.findings.counts([device.device]) == {device.device: {"warning": 1, "critical": 1}}


async def test_only_findings_that_are_there_now_are_counted(stores: Stores) -> None:
    device = await stores.device()
    said = tuple(finding(f"code-{state.value}", state) for state in ReportedState)
    await take(stores, device, Report(at=NOW, findings=said))
    assert await stores.findings.counts([device.device]) == {device.device: {"warning": 2}}


async def test_metrics_are_a_series_by_time_and_a_repeat_adds_nothing(stores: Stores) -> None:
    device = await stores.device()

    def metric(at: int, value: float, instance: str | None = None) -> ReportedMetric:
        return ReportedMetric(name="disk.free-bytes", instance=instance, at=at, value=value)

    rows = (metric(NOW - 60, 1.5), metric(NOW, 2.5), metric(NOW, 9.0, "a" * 16))
    for _ in range(2):
        await take(stores, device, Report(at=NOW, metrics=rows))
    assert set(await stores.findings.series(device.device, "disk.free-bytes", since=0)) == set(rows)
    assert await stores.findings.series(device.device, "disk.free-bytes", since=0, limit=1)
    assert await stores.findings.metric_names(device.device) == ("disk.free-bytes",)


async def test_values_from_a_clock_that_is_wrong_by_years_are_left_out_and_counted(stores: Stores) -> None:
    device = await stores.device()
    rows = tuple(ReportedMetric(name="x", at=at, value=1) for at in (0, NOW - 40 * DAY, NOW + 2 * DAY, NOW))
    assert await take(stores, device, Report(at=NOW, metrics=rows)) == 3
    assert [point.at for point in await stores.findings.series(device.device, "x", since=0)] == [NOW]


async def test_one_device_may_leave_only_so_many_findings_checks_and_rows(stores: Stores) -> None:
    device, other = await stores.device(), await stores.device("other")
    stores.metric_rows = 100
    left_out = 0
    for at in range(0, FINDINGS_MAX + 400, 200):
        left_out += await take(
            stores, device, Report(at=NOW, findings=tuple(finding(f"c-{at + n}") for n in range(200)))
        )
    assert left_out == 400
    for at in range(0, CHECKS_MAX + 100, 100):
        checks = tuple(ReportedCheck(id=f"c-{at + n}", status="ok") for n in range(100))
        left_out += await take(stores, device, Report(at=NOW, checks=checks))
    assert left_out == 500
    many = tuple(ReportedMetric(name=f"m{n}", at=NOW, value=1) for n in range(101))
    assert await take(stores, device, Report(at=NOW, metrics=many)) == 101
    assert await take(stores, other, Report(at=NOW, findings=(finding(),))) == 0


async def test_the_sweep_forgets_what_is_old_and_keeps_what_is_not(stores: Stores, clock: Clock) -> None:
    device = await stores.device()
    old = Report(
        at=NOW,
        findings=(finding("gone", ReportedState.RESOLVED), finding("still-there")),
        metrics=(ReportedMetric(name="x", at=NOW, value=1),),
        gap_count=4,
    )
    await take(stores, device, old)
    clock.now += 100 * DAY
    await stores.findings.sweep()
    assert [found.code for found in await stores.findings.of_device(device.device)] == ["still-there"]
    assert await stores.findings.series(device.device, "x", since=0) == ()


# --- counters ---------------------------------------------------------------------------------------------------


def counted(name: str, value: float, at: int = NOW) -> ReportedMetric:
    return ReportedMetric(name=name, at=at, value=value)


async def test_what_trials_counted_is_the_newest_word_of_each_device_together(stores: Stores) -> None:
    one, other = await stores.device(), await stores.device("desktop")
    for device, at, fired, quiet in ((one, NOW - 60, 1, 5), (one, NOW, 2, 9), (other, NOW, 0, 7)):
        numbers = (
            counted("trial.our-issue.v2.fired", fired, at),
            counted("trial.our-issue.v2.quiet", quiet, at),
            counted("trial.old.v1.quiet", 3, at),
            counted("remedies.not-solved", 3, at),
        )
        await take(stores, device, Report(at=at, metrics=numbers))
    assert await stores.findings.trials() == (
        TrialRow(issue="old", version=1, devices=2, fired_devices=0, fired=0, quiet=6),
        TrialRow(issue="our-issue", version=2, devices=2, fired_devices=1, fired=2, quiet=16),
    )
    assert await stores.findings.metric_names(one.device) == ("remedies.not-solved",)


@pytest.mark.parametrize(
    "name", ["trial.x.fired", "trial.x.v1.loud", "trial.x.v1234567.fired", "trial._.v1.fired", "trial.x.v1.fired.y"]
)
def test_a_name_that_no_agent_gives_is_no_trial(name: str) -> None:
    assert trial_rows([Point("d", name, NOW, 1.0)]) == ()


def test_a_device_that_makes_up_numbers_moves_only_its_own_share() -> None:
    rows = trial_rows([Point("liar", "trial.x.v1.fired", NOW, 1e300), Point("liar", "trial.x.v1.quiet", NOW, -5.0)])
    assert rows == (TrialRow(issue="x", version=1, devices=1, fired_devices=1, fired=COUNT_MAX, quiet=0),)


def test_a_counter_tells_by_how_much_it_grew_and_begins_anew_where_it_fell() -> None:
    values = [("a", 3.0), ("a", 3.0), ("a", 5.0), ("b", 9.0), ("a", 2.0), ("a", 0.0), ("b", 10.0)]
    points = [Point(device, "remedies.x", NOW + index, value) for index, (device, value) in enumerate(values)]
    assert [(each.device, each.at - NOW, each.by) for each in grown(points)] == [("a", 2, 2), ("a", 4, 2), ("b", 6, 1)]


# --- answers to symptoms ----------------------------------------------------------------------------------------


async def explained(stores: Stores, *issues: str | None) -> None:
    """One device each, whose full disk turned out to be this."""
    for number, issue in enumerate(issues):
        device = await stores.device(f"{issue}-{number}")
        await take(stores, device, Report(at=NOW, findings=(finding(known_issue=issue),)))


@pytest.mark.parametrize(
    ("elsewhere", "named"), [((), None), (("a", "a"), None), (("a", "a", "a"), "a"), (("a", "a", "a", None), "a")]
)
async def test_an_answer_is_what_the_same_finding_turned_out_to_be_on_other_devices(
    stores: Stores, elsewhere: tuple[str | None, ...], named: str | None
) -> None:
    await explained(stores, *elsewhere)
    asking = await stores.device("asking")
    assert await stores.findings.answer(asking.device, ["disk-space"]) == named
    assert await stores.findings.answer(asking.device, ["dns-slow"]) is None
    assert await stores.findings.answer(asking.device, ["dns-slow", "disk-space"]) == named


@pytest.mark.parametrize(
    ("counted_devices", "named"),
    [({"a": 3, "b": 3}, None), ({"a": 4, "b": 3}, "a"), ({"a": 2, "b": 1}, None), ({"a": 3, "b": 1, "c": 2}, None)],
)
def test_an_answer_needs_three_devices_and_more_than_half_of_them(
    counted_devices: dict[str, int], named: str | None
) -> None:
    found = [Explained("disk-space", issue, number) for issue, number in counted_devices.items()]
    assert answer_of(["dns-slow", "disk-space"], found) == named


async def test_one_device_that_says_a_thing_often_names_nothing_to_others(stores: Stores) -> None:
    liar, asking = await stores.device("liar"), await stores.device("asking")
    many = tuple(finding(instance=f"{number:016x}", known_issue="a-lie") for number in range(50))
    await take(stores, liar, Report(at=NOW, findings=many))
    assert await stores.findings.answer(asking.device, ["disk-space"]) is None
