"""The demo starts programs as a user would, and leaves none behind."""

import os
import signal
import socket
import subprocess
import sys
import textwrap
from pathlib import Path

import psutil
import pytest

from technician.demo.programs import Programs, Service, stop, wait_until
from technician.demo.tap import LOOPBACK, Tap, free_port, listen_from
from technician.problems import Problem

posix = pytest.mark.skipif(sys.platform == "win32", reason="process groups and signals of POSIX")


def python(programs: Programs, code: str) -> "subprocess.Popen[str]":
    return programs.start_plain(Path(sys.executable), "-c", textwrap.dedent(code))


def gone(pid: int) -> bool:
    return not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE


@posix
def test_leaving_stops_everything_also_what_ignores_sigterm_and_its_children(tmp_path: Path) -> None:
    with Programs(tmp_path, dict(os.environ)) as programs:
        stubborn = python(
            programs,
            f"""
            import signal, subprocess, sys, time
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
            child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
            open({str(tmp_path / "child")!r}, "w").write(str(child.pid))
            time.sleep(600)
            """,
        )
        child = int(wait_until("the child", lambda: _read(tmp_path / "child"), within_s=10))
        # SIGKILL instead of the polite wait of eight seconds, which this test does not need to see.
        os.killpg(stubborn.pid, signal.SIGKILL)
    assert gone(stubborn.pid)
    assert wait_until("the child's end", lambda: gone(child) or None, within_s=5)


def _read(path: Path) -> str | None:
    return (path.read_text() or None) if path.exists() else None


@pytest.mark.skipif(sys.platform != "linux", reason="the leash is the kernel's: Linux only")
def test_a_demo_that_is_killed_takes_its_programs_with_it(tmp_path: Path) -> None:
    code = f"""
    import os, sys, time
    from pathlib import Path
    from technician.demo.programs import Programs
    programs = Programs(Path({str(tmp_path)!r}), dict(os.environ))
    started = programs.start_plain(Path(sys.executable), "-c", "import time; time.sleep(600)")
    Path({str(tmp_path / "pid")!r}).write_text(str(started.pid))
    time.sleep(600)
    """
    demo = subprocess.Popen([sys.executable, "-c", textwrap.dedent(code)], cwd=Path(__file__).parents[3])
    try:
        pid = int(wait_until("the program", lambda: _read(tmp_path / "pid"), within_s=20))
        # The leash is put on before the program replaces it.
        wait_until(
            "the program itself", lambda: "sleep" in " ".join(psutil.Process(pid).cmdline()) or None, within_s=10
        )
    finally:
        demo.kill()
        demo.wait()
    assert wait_until("the program's end", lambda: gone(pid) or None, within_s=10)


def test_a_command_that_fails_says_its_own_words(tmp_path: Path) -> None:
    programs = Programs(tmp_path, dict(os.environ))
    with pytest.raises(Problem) as failure:
        programs.run("bellpull", "org", "certificates", "--keys", tmp_path / "nothing", "--json")
    assert failure.value.what == "bellpull org certificates: there is no organisation here"
    assert failure.value.hint.startswith("Make one first")


def test_a_program_that_is_not_installed_is_said_to_be_so(tmp_path: Path) -> None:
    with pytest.raises(Problem, match="bellpull-nothing is not installed"):
        Programs(tmp_path, {}).run("bellpull-nothing")


def test_waiting_for_a_dead_service_ends_at_once_with_its_last_words(tmp_path: Path) -> None:
    log = tmp_path / "x.log"
    log.write_text("cannot listen: taken")
    process = subprocess.Popen([sys.executable, "-c", ""], text=True)
    process.wait()
    with pytest.raises(Problem, match="x has ended") as failure:
        wait_until("the impossible", lambda: None, within_s=60, service=Service("x", process, log))
    assert failure.value.got == "cannot listen: taken"
    stop(Service("x", process, log))


# --- the tap ---------------------------------------------------------------------------------------------


def test_a_taken_port_gives_the_next_free_one() -> None:
    with listen_from(20_000) as first, listen_from(first.getsockname()[1]) as second:
        assert second.getsockname()[1] > first.getsockname()[1]


def test_the_tap_carries_both_ways_and_keeps_every_byte(tmp_path: Path) -> None:
    with socket.socket() as server:
        server.bind((LOOPBACK, 0))
        server.listen()
        listening = listen_from(21_000)
        port = listening.getsockname()[1]
        tap = Tap(listening, server.getsockname()[1], tmp_path)
        try:
            with socket.create_connection((LOOPBACK, port), timeout=10) as client:
                client.sendall(b"question " * 20_000)
                behind, _ = server.accept()
                with behind:
                    behind.settimeout(10)
                    assert _exactly(behind, 180_000) == b"question " * 20_000
                    behind.sendall(b"answer")
                    client.settimeout(10)
                    assert _exactly(client, 6) == b"answer"
            down = tmp_path / "0001-down.bin"
            wait_until("the recording", lambda: (down.exists() and down.read_bytes() == b"answer") or None, within_s=5)
        finally:
            tap.close()
    assert (tmp_path / "0001-up.bin").read_bytes() == b"question " * 20_000


def test_without_a_server_the_tap_closes_the_connection(tmp_path: Path) -> None:
    listening = listen_from(22_000)
    port = listening.getsockname()[1]
    tap = Tap(listening, free_port(), tmp_path)
    try:
        with socket.create_connection((LOOPBACK, port), timeout=10) as client:
            client.settimeout(10)
            assert client.recv(1) == b""
    finally:
        tap.close()


def _exactly(sock: socket.socket, count: int) -> bytes:
    received = b""
    while len(received) < count:
        piece = sock.recv(65_536)
        assert piece
        received += piece
    return received
