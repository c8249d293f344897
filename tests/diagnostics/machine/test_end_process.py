"""Ending a program: the right one, the right way, and none that must be spared."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator

import pytest

from diagnostics.machine.change.processes import EndedProcess, HowEnded, end_process, family, why_not
from diagnostics.machine.interface import ActRefused, ProcessNumbers, ProcessSnapshot
from diagnostics.machine.local import local_machine

linux = pytest.mark.skipif(sys.platform != "linux", reason="programs are ended on Linux only in this version")
AGENT = 500
SLEEPS = "import time; print('ready', flush=True); time.sleep(60)"


def process(pid: int, parent: int = 1, uid: int = 1000, name: str = "editor") -> ProcessNumbers:
    return ProcessNumbers(pid, parent, name, "S", 1.0, 1, 1, 10.0, uid)


HERE = ProcessSnapshot(
    0.0,
    100.0,
    (
        process(1, 0, 0, "init"),
        process(400, 1, 1000, "shell"),
        process(AGENT, 400, 1000, "bellpull-agent"),
        process(501, AGENT, 1000, "host"),
        process(502, 501, 1000, "action"),
        process(600, 1, 1000),
        process(601, 400, 1000, "sibling"),
        process(700, 1, 1001, "other"),
        process(800, 1, 100, "daemon"),
    ),
)


def judged(pid: int, own_uid: int = 1000, whole_machine: bool = False) -> str:
    target = next(each for each in HERE.processes if each.pid == pid)
    return why_not(target, HERE, own_uid=own_uid, agent_pid=AGENT, whole_machine=whole_machine)


@pytest.mark.parametrize("pid", [1, 400, AGENT, 501, 502])
def test_the_agent_what_started_it_and_what_it_started_are_spared(pid: int) -> None:
    assert judged(pid)
    assert judged(pid, own_uid=0, whole_machine=True)


def test_a_users_agent_ends_that_users_programs_only() -> None:
    assert judged(600) == ""
    assert judged(601) == ""
    assert "another user" in judged(700)
    assert "another user" in judged(800)


def test_an_agent_of_the_machine_ends_peoples_programs_and_no_daemon() -> None:
    assert judged(600, own_uid=0, whole_machine=True) == ""
    assert judged(700, own_uid=0, whole_machine=True) == ""
    assert "services" in judged(800, own_uid=0, whole_machine=True)


def test_a_family_that_goes_in_a_circle_ends_all_the_same() -> None:
    circle = ProcessSnapshot(0.0, 1.0, (process(10, 11), process(11, 10)))
    assert family(circle, 10) == {10, 11}


@pytest.fixture
def sleeper() -> Iterator[subprocess.Popen[bytes]]:
    child = subprocess.Popen([sys.executable, "-c", SLEEPS], stdout=subprocess.PIPE)
    assert child.stdout is not None
    child.stdout.readline()
    yield child
    child.kill()
    child.wait()
    child.stdout.close()


@pytest.fixture
def deaf() -> Iterator[subprocess.Popen[bytes]]:
    child = subprocess.Popen(
        [sys.executable, "-c", f"import signal; signal.signal(15, signal.SIG_IGN); {SLEEPS}"], stdout=subprocess.PIPE
    )
    assert child.stdout is not None
    child.stdout.readline()
    yield child
    child.kill()
    child.wait()
    child.stdout.close()


def started_ms(pid: int) -> int:
    numbers = next(each for each in local_machine().process_snapshot().processes if each.pid == pid)
    return round(numbers.started_s * 1000)


def end(pid: int, started: int, grace_s: float = 5.0, agent_pid: int = 1) -> EndedProcess:
    # Tests' own children: the agent is taken to be somebody else, or they would be spared.
    return end_process(local_machine(), pid, started, grace_s=grace_s, own_uid=os.getuid(), agent_pid=agent_pid)


@linux
def test_a_reused_number_is_never_hit(sleeper: subprocess.Popen[bytes]) -> None:
    with pytest.raises(ActRefused, match="another program has its number"):
        end(sleeper.pid, started_ms(sleeper.pid) + 10)
    assert sleeper.poll() is None


@linux
def test_one_that_has_ended_is_said_to_have() -> None:
    child = subprocess.Popen([sys.executable, "-c", "pass"])
    child.wait()
    with pytest.raises(ActRefused, match="ended already"):
        end(child.pid, 0)


@linux
def test_the_agents_own_child_is_spared(sleeper: subprocess.Popen[bytes]) -> None:
    with pytest.raises(ActRefused, match="the agent itself"):
        end(sleeper.pid, started_ms(sleeper.pid), agent_pid=os.getpid())
    assert sleeper.poll() is None


@linux
def test_term_first_and_kill_for_one_that_does_not_listen(
    sleeper: subprocess.Popen[bytes], deaf: subprocess.Popen[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("diagnostics.machine.change.processes.why_not", lambda *_, **__: "")
    assert end(sleeper.pid, started_ms(sleeper.pid)).how is HowEnded.BY_ITSELF
    assert sleeper.wait() == -signal.SIGTERM
    assert end(deaf.pid, started_ms(deaf.pid), grace_s=0.05).how is HowEnded.KILLED
    assert deaf.wait() == -signal.SIGKILL
