"""Log files and the journal, bounded and plain."""

import json
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from diagnostics.collectors.logs import (
    FILES_MAX,
    RECENT_S,
    journal_lines,
    log_files,
    parse_journal,
    tail_lines,
)
from diagnostics.machine.interface import (
    Command,
    CommandOutput,
    EntryKind,
    FolderEntry,
    Tail,
    Unreadable,
)
from diagnostics.machine.recorded import RecordedMachine

NOW = 1_795_000_000


def entry(name: str, *, kind: EntryKind = EntryKind.FILE, size: int = 100, ago_s: int = 60) -> FolderEntry:
    return FolderEntry(name, kind, size, size, NOW - ago_s, 0, 1, 1, 1)


class Logs(RecordedMachine):
    """A recorded machine with a /var/log of the test's choice."""

    folders: dict[str, list[FolderEntry]]
    content: bytes = b""
    journal: CommandOutput = CommandOutput(0, b"", b"", False)
    commands: list[Command]

    def list_folder(self, path: str) -> tuple[FolderEntry, ...]:
        if path not in self.folders:
            raise Unreadable(f"this user may not read {path}")
        return tuple(self.folders[path])

    def read_tail(self, path: str, *, max_bytes: int) -> Tail:
        return Tail(self.content[-max_bytes:], len(self.content), len(self.content) > max_bytes)

    def run(self, command: Command) -> CommandOutput:
        self.commands.append(command)
        return self.journal


@pytest.fixture
def logs(recorded: Callable[[str], RecordedMachine]) -> Logs:
    machine = Logs(recorded("laptop-healthy").folder)
    machine.folders = {"/var/log": [entry("syslog")]}
    machine.commands = []
    return machine


def test_only_recent_plain_regular_logs_are_listed(logs: Logs) -> None:
    logs.folders["/var/log"] = [
        entry("syslog", ago_s=10),
        entry("syslog.1"),
        entry("syslog.2.gz"),
        entry("wtmp"),
        entry("old.log", ago_s=RECENT_S + 1),
        entry("empty.log", size=0),
        entry("link.log", kind=EntryKind.LINK),
        entry("fifo.log", kind=EntryKind.OTHER),
        entry("evil\x1b[2J.log"),
        entry("apt", kind=EntryKind.FOLDER),
        entry("secret", kind=EntryKind.FOLDER),
        entry("journal", kind=EntryKind.FOLDER),
    ]
    logs.folders["/var/log/apt"] = [entry("history.log", ago_s=30), entry("deeper", kind=EntryKind.FOLDER)]
    assert [(file.name, file.path) for file in log_files(logs, now=NOW)] == [
        ("syslog", "/var/log/syslog"),
        ("apt/history.log", "/var/log/apt/history.log"),
        ("syslog.1", "/var/log/syslog.1"),
    ]


def test_a_folder_full_of_logs_is_cut(logs: Logs) -> None:
    logs.folders["/var/log"] = [entry(f"{number}.log", ago_s=number) for number in range(500)]
    files = log_files(logs, now=NOW)
    assert (len(files), files[0].name) == (FILES_MAX, "0.log")


def test_the_newest_matching_lines_are_printable(logs: Logs) -> None:
    logs.content = b"first error\n\x1b[2Jsecond error\nthird\nfourth error</script>\n"
    lines = tail_lines(logs, "syslog", now=NOW, contains="error", max_lines=2)
    assert lines == ("\\x1b[2Jsecond error", "fourth error</script>")


def test_a_filter_is_plain_words_and_no_pattern(logs: Logs) -> None:
    logs.content = b"aaa\na.a\n"
    assert tail_lines(logs, "syslog", now=NOW, contains="a.a", max_lines=9) == ("a.a",)


@pytest.mark.parametrize("name", ["../shadow", "/etc/shadow", "nothing.log", "syslog/../x", ""])
def test_only_a_listed_name_is_read(name: str, logs: Logs) -> None:
    with pytest.raises(Unreadable, match="no log file"):
        tail_lines(logs, name, now=NOW, max_lines=1)


def test_journal_entries_become_lines() -> None:
    entries: list[object] = [
        {
            "__REALTIME_TIMESTAMP": "1795000000123456",
            "PRIORITY": "3",
            "_SYSTEMD_UNIT": "cups.service",
            "MESSAGE": "Unable to open\nsocket",
        },
        {"__REALTIME_TIMESTAMP": "1", "MESSAGE": list(b"\xffraw"), "SYSLOG_IDENTIFIER": "x"},
        {"__REALTIME_TIMESTAMP": "1", "PRIORITY": "99", "MESSAGE": None},
        {"MESSAGE": "no time"},
        {"__REALTIME_TIMESTAMP": "1", "MESSAGE": [999]},
        7,
    ]
    content = b"\n".join(json.dumps(item).encode() for item in entries) + b'\n{"cut'
    lines = parse_journal(content)
    assert [(line.at_unix_s, line.severity, line.unit, line.text) for line in lines] == [
        (1_795_000_000, 3, "cups.service", "Unable to open\\x0asocket"),
        (0, 6, "x", "\ufffdraw"),
        (0, 7, "", ""),
    ]


def test_the_journal_is_asked_with_typed_arguments(logs: Logs) -> None:
    logs.journal = CommandOutput(0, b'{"__REALTIME_TIMESTAMP":"1","MESSAGE":"error a"}\n', b"", False)
    lines = journal_lines(
        logs, now=NOW, unit="cups.service", since_unix_s=5, least_severity=4, contains="error", max_lines=10
    )
    assert [line.text for line in lines] == ["error a"]
    assert logs.commands[0].argv[5:] == ("--lines=200", "--priority=4", "--unit=cups.service", "--since=@5")


@pytest.mark.parametrize("unit", ["-M evil", "a b", "x;reboot", "--root=/", "$(id)", "a\n", "", "х.service"])
def test_a_unit_that_is_no_unit_name_is_refused(unit: str, logs: Logs) -> None:
    with pytest.raises(Unreadable, match="is not a unit name"):
        journal_lines(logs, now=NOW, unit=unit)
    assert logs.commands == []


def test_a_journal_that_may_not_be_read_says_why(logs: Logs) -> None:
    logs.journal = CommandOutput(0, b"", b"No journal files were opened due to insufficient permissions.\n", False)
    with pytest.raises(Unreadable, match="insufficient permissions"):
        journal_lines(logs, now=NOW)


@settings(deadline=None, derandomize=True, max_examples=200)
@given(st.binary(max_size=300) | st.text(alphabet='{}[]":,_M1', max_size=80).map(str.encode))
def test_any_output_is_read_without_an_error(content: bytes) -> None:
    for line in parse_journal(content):
        assert line.text.isprintable() or line.text == ""
