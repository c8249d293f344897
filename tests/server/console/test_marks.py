"""What is marked in a device's plots, from rows to the page."""

from protocol.messages.report import ReportedFinding, ReportedSeverity, ReportedState
from server.console.marks import MARKS_MAX, marks_of
from server.findings.changes import Change, ChangeKind, ChangeReading
from server.people.rules import Role
from server.storage.engine import Database
from tests.making import DAY, NOW
from tests.server.actors import World
from tests.server.console.browsing import People
from tests.server.console.rows import put_device, put_finding, put_metrics

HOUR = 3600


def finding(code: str, first_seen: int, state: ReportedState = ReportedState.ACTIVE) -> ReportedFinding:
    return ReportedFinding(code=code, instance="a" * 16, severity=ReportedSeverity.ERROR, state=state,
                           first_seen=first_seen, last_seen=NOW - 60, count=3)  # fmt: skip


async def test_changes_are_read_where_a_number_differs_from_the_one_before(database: Database) -> None:
    device, other = await put_device(database, "laptop"), await put_device(database, "other")
    ago = [NOW - hours * HOUR for hours in (30, 5, 4, 3, 2)]
    await put_metrics(database, device, "system.uptime-s", list(zip(ago, [100, 90_000, 93_600, 95, 3700], strict=True)))
    await put_metrics(database, device, "packages.installed", list(zip(ago, [10, 10, 13, 13, 12], strict=True)))
    await put_metrics(database, device, "remedies.not-solved", list(zip(ago, [0, 0, 0, 2, 2], strict=True)))
    await put_metrics(database, device, "cpu.used-fraction", list(zip(ago, [0, 1, 0, 1, 0], strict=True)))
    await put_metrics(database, other, "packages.installed", list(zip(ago, [1, 2, 3, 4, 5], strict=True)))
    found = await ChangeReading(database).since(device, NOW - DAY)
    assert found == (
        Change(ChangeKind.SOFTWARE, NOW - 4 * HOUR, "", 3),
        Change(ChangeKind.FIX, NOW - 3 * HOUR, "not-solved", 2),
        Change(ChangeKind.RESTART, NOW - 3 * HOUR, "", 1),
        Change(ChangeKind.SOFTWARE, NOW - 2 * HOUR, "", -1),
    )
    # The first value shown counts from the one before it, which is older than what is shown.
    assert await ChangeReading(database).since(device, NOW - 3 * HOUR + 1) == (found[-1],)


def test_marks_are_numbered_in_the_order_of_time_and_only_of_the_time_shown() -> None:
    changes = [Change(ChangeKind.FIX, NOW - 50, "solved-mechanically", 1), Change(ChangeKind.RESTART, NOW - DAY, "", 1)]
    findings = [finding("disk-space-low", NOW - 500), finding("dns-slow", NOW - 9 * DAY, ReportedState.RESOLVED)]
    marks = marks_of(findings, [], [], changes, since=NOW - HOUR, now=NOW)
    assert [(mark.number, mark.text, mark.tone) for mark in marks.shown] == [
        (1, "Found: Disk space low", "error"),
        (2, "Seen last: DNS slow", "ok"),
        (3, "Fix: solved mechanically", "ok"),
    ]
    assert marks.left_out == 0


def test_a_device_with_a_thousand_changes_gets_the_newest_and_the_number_left_out() -> None:
    changes = [Change(ChangeKind.SOFTWARE, NOW - at, "", -2) for at in range(1000)]
    marks = marks_of([], [], [], changes, since=NOW - HOUR, now=NOW)
    assert (len(marks.shown), marks.left_out) == (MARKS_MAX, 1000 - MARKS_MAX)
    assert marks.shown[-1].text == "Software: 2 fewer packages"
    assert marks.shown[-1].at == NOW


async def test_the_page_draws_and_lists_what_happened(desk: World, people: People) -> None:
    database = desk.office.database
    device = (await desk.approved("laptop")).device
    await put_finding(database, device, "disk-space-low", ReportedSeverity.ERROR)
    hours = [desk.clock.now - at * 600 for at in (5, 4, 3)]
    await put_metrics(database, device, "disk.used-fraction", list(zip(hours, [0.9, 0.95, 0.5], strict=True)), "a" * 16)
    await put_metrics(database, device, "remedies.solved-mechanically", list(zip(hours, [0, 0, 1], strict=True)))
    admin = await people.signed_in(Role.ADMIN)
    text = (await admin.get(f"/devices/{device}?range=day")).text
    assert '"marks": [{"at"' in text.replace("&#34;", '"')
    assert "Fix: solved mechanically" in text
    assert "Found: Disk space low" in text
