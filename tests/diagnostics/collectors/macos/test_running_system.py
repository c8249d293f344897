"""Jobs, starts, crashes, updates and backups of a Mac."""

import json
import plistlib
from datetime import UTC, datetime
from pathlib import Path

import pytest

from diagnostics.collectors.contract import CollectedFile, Skipped, SkipStatus
from diagnostics.collectors.evidence import collect_evidence
from diagnostics.collectors.filesystems import distinct, parse_native_mounts
from diagnostics.collectors.macos.boots import boots_of, parse_last
from diagnostics.collectors.macos.launchd import JobState, parse_disabled, parse_job, parse_list, parse_print
from diagnostics.collectors.macos.packages import parse_history
from diagnostics.collectors.macos.reports import crash_name, parse_jetsam
from diagnostics.collectors.macos.time_machine import collect_backups, parse_latest, parse_settings
from diagnostics.collectors.macos.unified_log import parse_ndjson
from diagnostics.collectors.macos.updates import parse_updates
from diagnostics.machine import macos_commands
from diagnostics.machine.interface import Command, CommandOutput, Unreadable
from diagnostics.machine.recorded import RecordedMachine

HEALTHY = Path(__file__).resolve().parents[3] / "machines" / "mac-healthy"
PRINTED = """system/org.example.backup = {
\tactive count = 0
\tpath = /Library/LaunchDaemons/org.example.backup.plist
\tstate = not running

\truns = 12
\tlast exit code = 78: EX_CONFIG

\tendpoints = {
\t\t"org.example.backup.xpc" = {
\t\t\tstate = active
\t\t}
\t}
}
"""


def test_a_jobs_state_is_read_one_step_in_and_no_deeper() -> None:
    assert parse_print(PRINTED.encode()) == JobState("not running", 12, 0, 78, None)


@pytest.mark.parametrize(
    ("line", "failed"),
    [
        ("last exit code = 0", False),
        ("last exit code = (never exited)", False),
        ("last exit code = 1", True),
        ("last terminating signal = Killed: 9", False),
        ("last terminating signal = Terminated: 15", False),
        ("last terminating signal = Segmentation fault: 11", True),
    ],
)
def test_a_job_that_was_ended_on_purpose_has_not_failed(line: str, failed: bool) -> None:
    assert parse_print(f"\tstate = not running\n\t{line}\n".encode()).failed is failed
    assert not parse_print(f"\tstate = running\n\tpid = 7\n\t{line}\n".encode()).failed


def test_apples_own_jobs_are_never_called_failed() -> None:
    listed = parse_list(b"PID\tStatus\tLabel\n-\t78\tcom.apple.something\n512\t0\tcom.apple.Finder\n")
    assert [(item.name, item.active_state, item.exit_status) for item in listed] == [
        ("com.apple.something", "inactive", 78),
        ("com.apple.Finder", "active", 0),
    ]


def test_a_job_planned_by_the_clock_is_no_job_that_launchd_keeps() -> None:
    kept, planned = (
        parse_job({"Label": "a", "KeepAlive": {"SuccessfulExit": False}}),
        parse_job({"Label": "b", "RunAtLoad": True, "StartInterval": 60}),
    )
    assert kept is not None
    assert planned is not None
    assert (kept.keeps, kept.planned) == (True, False)
    assert (planned.keeps, planned.planned) == (False, True)
    assert parse_job({"KeepAlive": True}) is None


def test_jobs_switched_off_by_hand_in_both_spellings() -> None:
    printed = b'disabled services = {\n\t\t"a.b" => disabled\n\t\t"c.d" => true\n\t\t"e.f" => enabled\n\t}\n'
    assert parse_disabled(printed) == {"a.b", "c.d"}


def test_last_tells_no_year_and_the_order_of_its_lines_does() -> None:
    now = int(datetime.fromisoformat("2026-01-05T12:00:00+00:00").timestamp())
    printed = b"reboot    ~    Mon Jan  5 08:15\nreboot    ~    Tue Dec 30 09:00\nreboot    ~    Sat Jan 10 09:00\n"
    months = [datetime.fromtimestamp(line.local_s, UTC).strftime("%Y-%m") for line in parse_last(printed, now=now)]
    assert months == ["2026-01", "2025-12", "2025-01"]


def test_a_start_without_a_shutdown_before_it_was_no_clean_one() -> None:
    now = int(datetime.fromisoformat("2026-11-20T12:00:00+00:00").timestamp())
    printed = b"""reboot time                                Fri Nov 20 09:15
reboot time                                Thu Nov 19 08:00
shutdown time                              Thu Nov 19 08:00
reboot time                                Wed Nov 18 08:00

wtmp begins Mon Aug 12 09:00:00 CET 2026
"""
    boot_unix_s = int(datetime.fromisoformat("2026-11-20T08:15:07+00:00").timestamp())
    boots = boots_of(parse_last(printed, now=now), boot_unix_s=boot_unix_s)
    assert [boot.clean for boot in boots] == [None, True, False]
    assert abs(boots[-1].at_unix_s - boot_unix_s) < 60  # the zone is taken off


@pytest.mark.parametrize(
    ("name", "program"),
    [
        ("Safari-2026-11-20-081512.ips", "Safari"),
        ("Google Chrome Helper (Renderer)-2026-11-20-081512.000.ips", "Google Chrome Helper (Renderer)"),
        ("Mail_2026-11-20-081512_Mac.crash", "Mail"),
        ("Arc_2026-11-20-081512_Annas-Mac.ips", "Arc"),
        ("ExcUserFault_Mail-2026-11-20-081512.ips", None),
        ("JetsamEvent-2026-11-20-081512.ips", None),
        ("fileproviderd_2026-11-20-081512_Mac.cpu_resource.diag", None),
        ("panic-full-2026-11-20-081512.0002.panic", None),
    ],
)
def test_which_reports_tell_of_a_crash(name: str, program: str | None) -> None:
    assert crash_name(name) == program


def test_those_that_macos_ended_for_memory_and_else_the_largest() -> None:
    head = b'{"bug_type":"298"}\n'
    ended = {
        "pageSize": 16384,
        "largestProcess": "big",
        "processes": [{"name": "a", "pid": 7, "rpages": 2, "reason": "x"}],
    }
    assert parse_jetsam(head + json.dumps(ended).encode()) == (("a", 7, 32768),)
    assert parse_jetsam(head + b'{"largestProcess":"big","processes":[]}') == (("big", None, None),)
    assert parse_jetsam(head) == ()


def test_only_updates_that_restart_wait_for_a_restart() -> None:
    printed = (
        b"* Label: Safari26\n\tTitle: Safari, Version: 26.1, Recommended: YES,\n"
        b"* Label: macOS 15.7.2\n\tTitle: macOS, Version: 15.7.2, Recommended: YES, Action: restart,\n"
    )
    assert parse_updates(printed, running="15.7.1") == ("macOS 15.7.2",)
    assert parse_updates(printed, running="14.8") == ()  # an upgrade is its owner's choice
    assert parse_updates(b"No new software available.\n", running="15.7.1") == ()


def test_a_second_version_of_one_name_is_an_upgrade() -> None:
    rows = [{"date": datetime(2026, 11, day), "displayName": "X", "displayVersion": str(day)} for day in (2, 1)]  # noqa: DTZ001 — property lists hold UTC without saying so
    actions = parse_history(plistlib.dumps(rows, fmt=plistlib.FMT_BINARY))
    assert [(action.verb, action.before, action.after) for action in actions] == [
        ("install", "", "1"),
        ("upgrade", "1", "2"),
    ]


def test_when_time_machine_ran_by_its_settings_and_by_its_newest_folder() -> None:
    dates = [datetime(2026, 11, 1), datetime(2026, 11, 19, 8)]  # noqa: DTZ001
    newest = parse_settings({"Destinations": [{"SnapshotDates": dates}, "nonsense"]})
    assert newest == parse_latest(b"/Volumes/.timemachine/X/2026-11-19-080000.backup/2026-11-19-080000.backup\n")
    assert newest == parse_latest(b"/Volumes/Backups/Backups.backupdb/Annas Mac/2026-11-19-080000\n")
    assert parse_latest(b"/Volumes/Backups/2026-99-99-080000\n") is None


@pytest.mark.parametrize(
    ("stderr", "places", "why"),
    [
        (b"tmutil: latestbackup requires Full Disk Access privileges.\n", b"", "Full Disk Access"),
        (
            b"Unable to locate machine directory for host.\n",
            b"tmutil: No destinations configured.\n",
            "Full Disk Access",
        ),
    ],
)
def test_a_backup_that_may_not_be_seen_says_what_would_help(stderr: bytes, places: bytes, why: str) -> None:
    """The settings are kept from this person too: whether Time Machine is set up at all is not known to them."""

    class Mac(RecordedMachine):
        def run(self, command: Command) -> CommandOutput:
            out = places if command == macos_commands.BACKUP_PLACES else b""
            return CommandOutput(80, out, stderr, False)

    with pytest.raises(Unreadable, match=why):
        collect_backups(Mac(HEALTHY))


def test_lines_of_the_log_and_its_closing_object() -> None:
    line = {
        "timestamp": "2026-11-20 08:15:12.123456+0100",
        "messageType": "Fault",
        "eventMessage": "no \u202eway",
        "processImagePath": "/usr/local/bin/backup",
    }
    (told,) = parse_ndjson(json.dumps(line).encode() + b'\n{"count":1,"finished":1}\n{"timestamp": "2026-')
    assert (told.at_unix_s, told.severity, told.unit, told.text) == (1795158912, 2, "backup", "no \\u202eway")


def test_the_sealed_system_counts_as_writable_and_an_installers_image_not_at_all() -> None:
    told = [
        {"device": "/dev/disk3s1s1", "mount": "/", "kind": "apfs", "options": "ro,local"},
        {"device": "/dev/disk3s5", "mount": "/System/Volumes/Data", "kind": "apfs", "options": "rw,local"},
        {"device": "/dev/disk5s1", "mount": "/Volumes/Firefox", "kind": "hfs", "options": "ro,local"},
        {"device": "/dev/disk6s1", "mount": "/Volumes/Old", "kind": "hfs", "options": "rw,local"},
    ]
    assert [(item.mount, item.read_only) for item in distinct(parse_native_mounts(told))] == [
        ("/", False),
        ("/Volumes/Old", False),
    ]


def test_a_bundle_of_a_mac_holds_its_log_and_nothing_fails() -> None:
    machine = RecordedMachine(HEALTHY.parent / "mac-troubled")
    items = {item.path: item for item in collect_evidence(machine, now=machine.clock().unix_s)}
    taken = {path: item for path, item in items.items() if isinstance(item, CollectedFile)}
    assert b"Cannot open tunnel device" in taken["logs/macos-faults.jsonl"].content
    assert b"disk4s2: I/O error" in taken["logs/macos-kernel.jsonl"].content
    assert b'"level": 4' in taken["system/memory-pressure.json"].content
    assert not [item for item in items.values() if isinstance(item, Skipped) and item.status is SkipStatus.FAILED]
