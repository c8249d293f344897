"""Starts, crashes, services, updates and the core's reports out of Windows' event log."""

import pytest

from diagnostics.collectors.services import parse_windows_services
from diagnostics.collectors.windows.crashes import crashes_of
from diagnostics.collectors.windows.events import Event, ask_events, parse_plain_events
from diagnostics.collectors.windows.kernel import kernel_log_of, throttling_of
from diagnostics.collectors.windows.services import with_events
from diagnostics.collectors.windows.starts import boots_of, start_time_of
from diagnostics.collectors.windows.updates import failed_updates
from diagnostics.hardware_observations import Throttling
from diagnostics.machine.interface import Command, CommandOutput, Machine, Unreadable, UnreadableKind
from diagnostics.machine.recorded import RecordedMachine
from diagnostics.machine.windows_commands import BOOT_EVENTS
from diagnostics.observations import KernelEventKind, Service
from diagnostics.system_observations import Boot, Crash, FailedUpdate, StartTime
from tests.diagnostics.collectors.windows.windows_answers import NOW, event

KERNEL, POWER = "Microsoft-Windows-Kernel-General", "Microsoft-Windows-Kernel-Power"
SCREEN, MANAGER = "Microsoft-Windows-WER-SystemErrorReporting", "Service Control Manager"
UPDATE, MEASURING = "Microsoft-Windows-WindowsUpdateClient", "Microsoft-Windows-Diagnostics-Performance"
DAY_S = 86_400


def test_values_without_names_are_counted_and_user_data_is_named_by_its_elements() -> None:
    told = event("disk", 7, NOW, "\\Device\\Harddisk0\\DR0", "second", level=3)
    assert (told.provider, told.number, told.level, told.at_unix_s) == ("disk", 7, 3, NOW)
    assert told.values == {"1": "\\Device\\Harddisk0\\DR0", "2": "second"}
    xml = (
        "<Event><System><Provider Name='R'/><EventID>2004</EventID>"
        "<TimeCreated SystemTime='2026-11-18T10:00:00Z'/></System><UserData><Info xmlns='urn:x'><Process_1>"
        "<Name>a.exe</Name></Process_1><Process_2><Name>b.exe</Name></Process_2></Info></UserData></Event>"
    )
    (first,) = parse_plain_events(xml.encode())
    assert first.values == {"Name": "a.exe"}


class Refusing(RecordedMachine):
    """Only its answer to a command is asked for."""

    def __init__(self, output: CommandOutput) -> None:
        self._output = output

    def run(self, command: Command) -> CommandOutput:
        return self._output


@pytest.mark.parametrize(
    ("code", "stderr", "words", "kind"),
    [
        (5, b"Zugriff verweigert", "needs administrator", UnreadableKind.DENIED),
        (15_007, b"", "keeps no event log Microsoft-Windows-Diagnostics-Performance", UnreadableKind.ABSENT),
        (87, b"Falscher Parameter.\r\n", "Falscher Parameter", UnreadableKind.ABSENT),
        (87, b"", "wevtutil ended with code 87", UnreadableKind.ABSENT),
    ],
)
def test_a_log_that_cannot_be_read_says_why(code: int, stderr: bytes, words: str, kind: UnreadableKind) -> None:
    machine: Machine = Refusing(CommandOutput(code, b"", stderr, truncated=False))
    with pytest.raises(Unreadable, match=words) as refused:
        ask_events(machine, BOOT_EVENTS)
    assert refused.value.kind is kind


def test_no_event_means_that_nothing_happened() -> None:
    assert ask_events(Refusing(CommandOutput(0, b"", b"", truncated=False)), BOOT_EVENTS) == ()


def test_a_start_is_unclean_when_41_or_6008_follows_it() -> None:
    first, second, third = NOW - 9 * DAY_S, NOW - 5 * DAY_S, NOW - DAY_S
    boots = boots_of(
        [
            event(KERNEL, 12, first),
            event(KERNEL, 12, second),
            event(POWER, 41, second + 3, BugcheckCode="159"),
            event("EventLog", 6008, second + 30, "07:12:44"),
            event(POWER, 42, third - 7, level=4),
            event("EventLog", 6008, third, "07:12:44"),
        ],
        now=NOW,
    )
    assert boots.boots == (Boot(first, True), Boot(second, False), Boot(third, False))
    assert boots.panics == ()


def test_a_blue_screen_is_told_by_its_code_for_a_week() -> None:
    start = event(KERNEL, 12, NOW - DAY_S)
    told = event(SCREEN, 1001, NOW - DAY_S, param1="0x0000009f (0x3, 0xffff)", param2="C:\\Windows\\Minidump\\1.dmp")
    old = event(SCREEN, 1001, NOW - 8 * DAY_S, param1="0x0000001a (0x3)", param2="C:\\Windows\\MEMORY.DMP")
    assert boots_of([old, start, told], now=NOW).panics == ("bugcheck 0x0000009f C:\\Windows\\Minidump\\1.dmp",)
    with pytest.raises(Unreadable, match="no start within a month"):
        boots_of([old], now=NOW)


def test_the_last_measured_start_is_told() -> None:
    slow = event(MEASURING, 100, NOW, MainPathBootTime="81311", BootPostBootTime="120000")
    assert start_time_of([slow]) == StartTime({"kernel": 81.311, "userspace": 120.0})
    with pytest.raises(Unreadable, match="measured no start"):
        start_time_of([event(MEASURING, 100, NOW, MainPathBootTime="soon")])


def test_crashes_are_named_in_the_old_and_the_new_form() -> None:
    told = [
        event("Application Error", 1000, NOW - 9, "OUTLOOK.EXE", "16.0"),
        event("Application Error", 1000, NOW - 8, AppName="Teams.exe", ModuleName="x.dll"),
        event("Application Hang", 1002, NOW - 7, "explorer.exe"),
        event("Windows Error Reporting", 1001, NOW - 6, "x"),
        event("Application Error", 1000, NOW - 5),
    ]
    assert crashes_of(told).crashes == (
        Crash("OUTLOOK.EXE", NOW - 9),
        Crash("Teams.exe", NOW - 8),
        Crash("explorer.exe", NOW - 7),
    )


def _services(**changed: str) -> tuple[Service, ...]:
    row = {"name": "Spooler", "description": "Druckwarteschlange", "status": "stopped", "start": "automatic", "pid": 0}
    return parse_windows_services([{**row, **changed}])


CRASHED = event(MANAGER, 7034, NOW - 60, param1="Druckwarteschlange", param2="4")


def test_a_service_that_should_run_and_crashed_has_failed() -> None:
    (spooler,) = with_events(_services(), [CRASHED])
    assert (spooler.active_state, spooler.result, spooler.restarts) == ("failed", "exit-code", 4)
    assert spooler.changed_unix_s == NOW - 60


@pytest.mark.parametrize(
    ("changed", "active", "restarts"),
    [
        ({"status": "running"}, "active", 4),
        ({"start": "manual"}, "inactive", 4),
        ({"start": "disabled"}, "inactive", 4),
        ({"description": "Another", "name": "Other"}, "inactive", 0),
    ],
)
def test_who_runs_or_needs_not_run_has_not_failed(changed: dict[str, str], active: str, restarts: int) -> None:
    (service,) = with_events(_services(**changed), [CRASHED])
    assert (service.active_state, service.restarts) == (active, restarts)


def test_a_service_that_merely_does_not_run_was_stopped_by_somebody() -> None:
    assert with_events(_services(), []) == _services()
    assert with_events(_services(), [event("Other", 7034, NOW, param1="Druckwarteschlange", param2="4")]) == _services()


def test_the_real_name_in_the_events_binary_part_is_enough() -> None:
    told = event(MANAGER, 7031, NOW, param1="Print Spooler", param2="2", binary="Spooler/1")
    (spooler,) = with_events(_services(), [told])
    assert spooler.active_state == "failed"


@pytest.mark.parametrize(
    ("number", "values", "result", "status"),
    [
        (7000, {"param1": "Druckwarteschlange", "param2": "%%1069"}, "start-failed", 1069),
        (7009, {"param1": "30000", "param2": "Druckwarteschlange"}, "start-failed", 0),
        (7023, {"param1": "Druckwarteschlange", "param2": "%%126"}, "exit-code", 126),
        (7024, {"param1": "Druckwarteschlange", "param2": "3758096967"}, "exit-code", 3758096967),
    ],
)
def test_why_a_service_failed_is_kept(number: int, values: dict[str, str], result: str, status: int) -> None:
    (spooler,) = with_events(_services(), [event(MANAGER, number, NOW, level=2, binary="", **values)])
    assert (spooler.result, spooler.exit_status, spooler.restarts) == (result, status, 0)


def test_what_happened_before_the_last_start_is_past() -> None:
    assert with_events(_services(), [CRASHED], since_unix_s=NOW) == _services()


def test_signatures_of_another_day_are_the_same_update() -> None:
    events = [
        event(UPDATE, 20, 1_000, errorCode="0x80240016", updateTitle="Security Intelligence (KB2267602) 1.441.7"),
        event(UPDATE, 20, 2_000, errorCode="0x80240016", updateTitle="Security Intelligence (KB2267602) 1.441.7"),
        event(UPDATE, 19, 3_000, updateTitle="Security Intelligence (KB2267602) 1.441.9"),
    ]
    assert failed_updates(events) == ()
    assert failed_updates(events[:2])[0].times == 2


def test_an_update_that_went_in_later_has_not_failed() -> None:
    def told(number: int, at: int, title: str, code: str = "0x80070070") -> Event:
        return event(UPDATE, number, at, errorCode=code, updateTitle=title)

    events = [told(20, 1_000, "A"), told(20, 2_000, "B"), told(19, 3_000, "A"), told(20, 4_000, "B", "0x800f0922")]
    assert failed_updates(events) == (FailedUpdate("B", "0x800f0922", 2),)


WHEA, NTFS = "Microsoft-Windows-WHEA-Logger", "Microsoft-Windows-Ntfs"


def test_the_core_reports_by_provider_and_number() -> None:
    log = kernel_log_of(
        [
            event("disk", 7, NOW, "\\Device\\Harddisk1\\DR1"),
            event("disk", 158, NOW, "\\Device\\Harddisk1\\DR1"),
            event("Ntfs", 55, NOW, DriveName="D:"),
            event(NTFS, 98, NOW, DriveName="C:", CorruptionActionState="0"),
            event(NTFS, 98, NOW, DriveName="E:", CorruptionActionState="1"),
            event(WHEA, 17, NOW, level=3),
            event(WHEA, 18, NOW),
            event(WHEA, 47, NOW, level=3),
            event("Display", 4101, NOW, "nvlddmkm"),
            event("Somebody", 7, NOW),
        ],
        [{"Name": "Unused", "ConfigManagerErrorCode": 22}, {"Name": "Bluetooth", "ConfigManagerErrorCode": 43}],
    )
    kinds = KernelEventKind
    assert [(told.kind, told.subject, told.lasting) for told in log.events] == [
        (kinds.DISK_ERROR, "Harddisk1", False),
        (kinds.FILESYSTEM_ERROR, "D:", False),
        (kinds.FILESYSTEM_ERROR, "E:", False),
        (kinds.MACHINE_CHECK, "processor", False),
        (kinds.MACHINE_CHECK, "memory", False),
        (kinds.DRIVER_ERROR, "nvlddmkm", False),
        (kinds.DRIVER_ERROR, "Bluetooth", True),
    ]
    assert log.lines == 10


def test_held_down_processors_count_once_for_each_second() -> None:
    def told(number: str, seconds: str) -> Event:
        return event("Microsoft-Windows-Kernel-Processor-Power", 37, NOW, Number=number, CapDurationInSeconds=seconds)

    events = [told("0", "300"), told("1", "300"), told("0", "90"), told("1", "soon")]
    assert throttling_of(events) == Throttling(3, over_s=3600, limited_s=390)
    assert throttling_of([]) == Throttling(0, over_s=3600, limited_s=0)
