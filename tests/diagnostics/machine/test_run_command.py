"""Commands: only those of the list, within their seconds and bytes, with nobody left behind."""

import os
import stat
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from diagnostics.machine import commands
from diagnostics.machine.interface import Command, Unreadable, UnreadableKind
from diagnostics.machine.read import run_command
from diagnostics.machine.read.run_command import STDERR_MAX_BYTES

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="process groups are POSIX")


@pytest.fixture
def script(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Command]:
    """A shell script as the listed command `probe`, found on the system path of this test."""
    monkeypatch.setattr(run_command, "SYSTEM_PATH", f"{tmp_path}:/usr/bin:/bin")
    monkeypatch.setattr(run_command, "is_listed", lambda command: command.name == "probe")

    def make(body: str, timeout_s: float = 10.0) -> Command:
        path = tmp_path / "probe"
        path.write_text("#!/bin/sh\n" + body)
        path.chmod(path.stat().st_mode | stat.S_IXUSR)
        return Command("probe", ("probe", "one argument"), timeout_s)

    return make


def is_alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"


def test_output_exit_code_and_errors_come_back(script: Callable[..., Command]) -> None:
    output = run_command.run_command(script('echo "$1"; echo wrong >&2; exit 3'))
    assert (output.exit_code, output.stdout, output.stderr, output.truncated) == (
        3,
        b"one argument\n",
        b"wrong\n",
        False,
    )


def test_nothing_of_our_environment_is_handed_on(
    script: Callable[..., Command], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BELLPULL_SECRET", "canary")
    monkeypatch.setenv("LD_PRELOAD", "/nowhere.so")
    names = {line.partition(b"=")[0] for line in run_command.run_command(script("env")).stdout.splitlines()}
    assert names <= {
        b"PATH",
        b"LC_ALL",
        b"LANG",
        b"SYSTEMD_COLORS",
        b"HOME",
        b"XDG_RUNTIME_DIR",
        b"PWD",
        b"_",
        b"SHLVL",
    }
    assert run_command.run_command(script("cat")).stdout == b""  # no input to wait for


def test_one_that_hangs_is_killed_with_all_it_started(script: Callable[..., Command], tmp_path: Path) -> None:
    pids = tmp_path / "pids"
    body = f"trap '' TERM INT; sleep 60 & echo $! > {pids}; echo $$ >> {pids}; wait; sleep 60"
    started_s = time.monotonic()
    with pytest.raises(Unreadable, match=r"gave no answer within 1 s") as slow:
        run_command.run_command(script(body, 1.0))
    assert slow.value.kind is UnreadableKind.TIMEOUT
    assert time.monotonic() - started_s < 5
    children = [int(line) for line in pids.read_text().split()]
    assert len(children) == 2
    deadline_s = time.monotonic() + 3
    while any(is_alive(pid) for pid in children) and time.monotonic() < deadline_s:
        os.sched_yield()
    assert not any(is_alive(pid) for pid in children)


def test_a_grandchild_that_holds_the_pipe_does_not_hold_us(script: Callable[..., Command]) -> None:
    started_s = time.monotonic()
    with pytest.raises(Unreadable, match="gave no answer"):
        run_command.run_command(script("sleep 60 & exit 0", 0.5))
    assert time.monotonic() - started_s < 5


def test_output_without_end_is_cut_and_the_command_ended(
    script: Callable[..., Command], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run_command, "OUTPUT_MAX_BYTES", 100_000)
    output = run_command.run_command(script("yes; exit 0"))
    assert (len(output.stdout), output.truncated) == (100_000, True)


def test_errors_without_end_are_cut_and_do_not_block(script: Callable[..., Command]) -> None:
    output = run_command.run_command(script("yes | head -c 2000000 >&2; echo done"))
    assert (len(output.stderr), output.stdout) == (STDERR_MAX_BYTES, b"done\n")


def test_a_program_that_is_not_there_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run_command, "is_listed", lambda command: True)
    with pytest.raises(Unreadable, match="the program no-such-program is not installed here"):
        run_command.run_command(Command("x", ("no-such-program",)))


@pytest.mark.parametrize(
    "command",
    [
        Command("shell", ("sh", "-c", "id")),
        Command("systemd-services", ("systemctl", "stop", "ssh")),
        Command("journal", ("journalctl", "--vacuum-size=1")),
        Command("journal", (*commands.journal().argv, "--root=/")),
        Command("journal", (*commands.journal().argv, "-M", "x")),
        Command("dpkg-packages", (*commands.DPKG.argv, "--admindir=/tmp")),
    ],
)
def test_what_is_not_on_the_list_is_not_run(command: Command) -> None:
    with pytest.raises(Unreadable, match="is not on the list") as refused:
        run_command.run_command(command)
    assert refused.value.kind is UnreadableKind.REFUSED


def test_every_listed_command_only_reads() -> None:
    changing = {"start", "stop", "restart", "install", "remove", "vacuum", "flush", "rotate", "set", "delete"}
    for command in commands.FIXED.values():
        assert commands.is_listed(command)
        words = {word.lstrip("-").partition("=")[0] for word in command.argv}
        assert not words & changing, command
        # PowerShell runs scripts of ours alone: test_windows_commands.py reads each of them.
        assert command.argv[0] not in ("sh", "bash", "sudo", "pkexec", "env", "cmd")


def test_no_handle_is_left_open(script: Callable[..., Command]) -> None:
    before = len(os.listdir("/proc/self/fd"))
    run_command.run_command(script("echo fine"))
    with pytest.raises(Unreadable):
        run_command.run_command(script("sleep 9", 0.1))
    assert len(os.listdir("/proc/self/fd")) == before


@settings(deadline=None, derandomize=True, max_examples=500)
@given(st.text(max_size=40))
def test_any_unit_is_refused_or_stays_one_argument(unit: str) -> None:
    try:
        command = commands.journal(unit=unit)
    except Unreadable:
        return
    assert command.argv[-1] == f"--unit={unit}"
    assert len(command.argv) == len(commands.journal().argv) + 1
    assert commands.is_listed(command)


@pytest.mark.parametrize(("severity", "lines"), [(-1, 10), (8, 10), (3, 0), (3, 10**9)])
def test_numbers_out_of_their_bounds_are_refused(severity: int, lines: int) -> None:
    with pytest.raises(Unreadable, match="expected"):
        commands.journal(least_severity=severity, max_lines=lines)


@pytest.mark.parametrize("unit", ["ssh.service", "getty@tty1.service", "a\\x2db.service"])
def test_one_service_and_its_conditions_may_be_asked_for(unit: str) -> None:
    for command in (commands.one_service(unit), commands.one_service(unit, user=True), commands.unit_conditions(unit)):
        assert commands.is_listed(command)
        assert not commands.is_listed(Command(command.name, (*command.argv, "--now"), command.timeout_s))
        assert not commands.is_listed(Command(command.name, (*command.argv[:-1], "--root=/"), command.timeout_s))


@pytest.mark.parametrize("unit", ["", "--now.service", "a b.service", "x.service\n", "a/b.service", "x.socket"])
def test_what_is_no_service_is_not_asked_for(unit: str) -> None:
    with pytest.raises(Unreadable):
        commands.one_service(unit)
