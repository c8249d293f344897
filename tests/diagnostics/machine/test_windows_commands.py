"""The fixed questions to Windows only read, fit into one argument, and come back as UTF-8."""

import re
import subprocess
import sys

import pytest

from diagnostics.machine import commands, windows_commands
from diagnostics.machine.commands import is_listed, windows_ping
from diagnostics.machine.interface import OUTPUT_MAX_BYTES, Command, CommandOutput, Unreadable
from diagnostics.machine.read.console_text import as_utf8
from diagnostics.machine.read.run_command import _collect_windows, windows_folders
from diagnostics.machine.read.windows import WindowsMachine
from diagnostics.machine.windows_commands import WINDOWS

SCRIPTS = [command for command in WINDOWS.values() if command.argv[0] == "powershell"]
QUERIES = [command for command in WINDOWS.values() if command.argv[0] == "wevtutil"]
READING = re.compile(r"(Get|Select|Where|Group|Sort|ForEach|Test|ConvertTo|Out)-[A-Za-z]+")
# `New-Object` makes an object in memory; the battery's report is the one file, ours, removed at once.
MAKING = {"New-Object", "Remove-Item"}


@pytest.mark.parametrize("command", SCRIPTS, ids=lambda command: command.name)
def test_a_script_only_reads(command: Command) -> None:
    script = command.argv[-1]
    assert command.argv[:-1] == ("powershell", "-NoLogo", "-NoProfile", "-NonInteractive", "-Command")
    for verb in re.findall(r"\b[A-Z][a-z]+-[A-Z][A-Za-z]+\b", script):
        assert READING.fullmatch(verb) or verb in MAKING, verb
    assert ("Remove-Item" in script) == (command.name == "windows-battery")
    for forbidden in ("Invoke", "iex", "Start-", "Set-", ".Delete", ".Create(", "DownloadString", "&&", "`"):
        assert forbidden not in script, forbidden
    # The only call operator is the one that runs a named part.
    assert script.count("& ") == 1


@pytest.mark.parametrize("command", SCRIPTS, ids=lambda command: command.name)
def test_a_script_is_one_argument_that_windows_takes(command: Command) -> None:
    script = command.argv[-1]
    assert '"' not in script
    assert script.isascii()
    for opening, closing in ("{}", "()", "[]"):
        assert script.count(opening) == script.count(closing)
    assert script.count("'") % 2 == 0
    assert len(subprocess.list2cmdline(command.argv)) < 32_000


@pytest.mark.parametrize("command", QUERIES, ids=lambda command: command.name)
def test_a_query_reads_one_channel_bounded(command: Command) -> None:
    assert command.argv[1] == "query-events"
    assert command.argv[4:7] == ("/reversedirection:true", "/format:XML", "/unicode:true")
    assert 1 <= int(command.argv[3].removeprefix("/count:")) <= 1000
    # Windows refuses a query of more conditions.
    assert len(re.findall(r"[=<]", command.argv[7])) <= 22


def test_commands_for_windows_are_listed_and_nothing_near_them() -> None:
    for command in WINDOWS.values():
        assert is_listed(command)
        assert not is_listed(Command(command.name, (*command.argv, "/remote:evil"), command.timeout_s))
        assert not is_listed(Command(command.name, (*command.argv[:-1], "whoami"), command.timeout_s))
    assert not is_listed(Command("another", windows_commands.SYSTEM.argv))


def test_a_ping_takes_an_address_and_nothing_else() -> None:
    assert is_listed(windows_ping("192.168.1.1"))
    assert not is_listed(Command(commands.WINDOWS_PING, ("ping", "-t", "-n", "3", "192.168.1.1")))
    with pytest.raises(Unreadable):
        windows_ping("192.168.1.1 & calc")


WORDS = "Служба печати <остановлена>"


@pytest.mark.parametrize(
    ("printed", "encoding"),
    [
        (WORDS.encode(), "cp866"),
        (b"\xef\xbb\xbf" + WORDS.encode(), "cp866"),
        (b"\xff\xfe" + WORDS.encode("utf-16-le"), "cp866"),
        (b"\xfe\xff" + WORDS.encode("utf-16-be"), "cp866"),
        (WORDS.encode("cp866"), "cp866"),
    ],
)
def test_what_windows_prints_is_utf8_for_everybody_else(printed: bytes, encoding: str) -> None:
    assert as_utf8(printed, console_encoding=encoding).decode() == WORDS


def test_wide_text_without_a_mark_is_known_by_its_zeros() -> None:
    assert as_utf8("<Event><System>é</System>".encode("utf-16-le")) == "<Event><System>é</System>".encode()
    assert as_utf8(b"") == b""
    assert as_utf8(b"\xff") == "\ufffd".encode()


def test_programs_are_looked_for_in_the_systems_own_folders() -> None:
    assert windows_folders(r"C:\Windows\system32") == (
        r"C:\Windows\system32",
        r"C:\Windows\system32\wbem",
        r"C:\Windows\system32\WindowsPowerShell\v1.0",
    )


def _run(program: str, timeout_s: float = 10.0) -> CommandOutput:
    """The reader for Windows' pipes, on this system's: threads and limits are the same everywhere."""
    with subprocess.Popen(
        (sys.executable, "-c", program), stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True
    ) as child:
        try:
            return _collect_windows(child, Command("test", ("test",), timeout_s))
        finally:
            child.kill()


def test_windows_pipes_are_read_up_to_their_limit() -> None:
    told = _run("import sys; sys.stdout.write('out'); sys.stderr.write('err'); sys.exit(5)")
    assert told == CommandOutput(5, b"out", b"err", truncated=False)
    flood = _run(f"import sys; sys.stdout.buffer.write(b'x' * {OUTPUT_MAX_BYTES + 5_000_000})")
    assert (len(flood.stdout), flood.truncated) == (OUTPUT_MAX_BYTES, True)


def test_a_program_over_its_time_is_not_waited_for() -> None:
    with pytest.raises(Unreadable, match="no answer within"):
        _run("import time; time.sleep(30)", timeout_s=0.2)


class OftenAsked(WindowsMachine):
    """Counts what would start a program."""

    def __init__(self) -> None:
        super().__init__()
        self.started: list[str] = []

    def _run_now(self, command: Command) -> CommandOutput:
        self.started.append(command.name)
        if command is windows_commands.NETWORK:
            raise Unreadable("the program powershell is not installed here")
        return CommandOutput(0, b"{}", b"", truncated=False)


def test_a_script_that_many_share_runs_once_a_look() -> None:
    machine = OftenAsked()
    for _ in range(3):
        assert machine.run(windows_commands.SYSTEM).stdout == b"{}"
        machine.run(windows_commands.CLOCK)
        with pytest.raises(Unreadable):
            machine.run(windows_commands.NETWORK)
    assert sorted(machine.started) == ["windows-clock"] * 3 + ["windows-network-state", "windows-system-state"]
