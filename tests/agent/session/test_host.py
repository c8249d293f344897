"""The session host as a real process: what runs in it, what it may use, and that nothing of it survives Stop."""

import asyncio
import json
import os
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from agent.session.descendants import below, kill_tree
from agent.session.effects import Finished, Rows
from agent.session.host_process import HostEvent, SessionHost, kill_marked, mark_of
from agent.session.host_wire import MARK
from protocol.journal import Outcome
from protocol.limits import STOP_CHILDREN_S
from tests.agent.technician_end import until
from tests.making import NOW

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="visits run on Linux only in this version")
SECRET = b"a secret for pseudonyms of tests"


class Heard:
    def __init__(self) -> None:
        self.events: list[HostEvent] = []
        self.lost: list[str] = []
        self._news = asyncio.Event()

    def __call__(self, event: HostEvent) -> None:
        self.events.append(event)
        self._news.set()

    @property
    def bodies(self) -> list[object]:
        lines = b"".join(event.lines for event in self.events if isinstance(event, Rows)).splitlines()
        return [json.loads(json.loads(line)["body"]) for line in lines]

    async def until(self, true: Callable[[], bool], timeout_s: float = 30) -> None:
        async with asyncio.timeout(timeout_s):
            while not true():
                self._news.clear()
                await self._news.wait()

    async def end_of(self, sequence: int) -> Finished:
        def found() -> list[Finished]:
            return [each for each in self.events if isinstance(each, Finished) and each.sequence == sequence]

        await self.until(lambda: bool(found()))
        return found()[0]


@pytest.fixture
def heard() -> Heard:
    return Heard()


@pytest.fixture
async def real(heard: Heard, tmp_path: Path) -> AsyncIterator[SessionHost]:
    host = SessionHost(SECRET, heard, heard.lost.append, keep_out=tmp_path)
    await host.start()
    yield host
    host.kill()
    await host.gone()


@pytest.fixture
async def mischief(heard: Heard, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[SessionHost]:
    monkeypatch.setattr("agent.session.host_process.child_environment", lambda: {**os.environ})
    argv = [sys.executable, "-m", "tests.agent.session.mischief_host", str(tmp_path)]
    host = SessionHost(SECRET, heard, heard.lost.append, argv=argv)
    yield host
    host.kill()
    await host.gone()


def do(host: SessionHost, what: str, sequence: int = 1) -> None:
    host.run(sequence, "logs", json.dumps({"text": what}).encode(), NOW)


async def test_every_action_of_the_catalogue_answers_on_this_machine(real: SessionHost, heard: Heard) -> None:
    for sequence, (action, arguments) in enumerate(
        (("processes", b'{"limit":5}'), ("services", b"{}"), ("logs", b'{"list":true}'), ("diagnose", b"{}")), start=1
    ):
        real.run(sequence, action, arguments, int(time.time()))
        end = await heard.end_of(sequence)
        # A machine without systemd cannot tell its services: that is said, and is no defect.
        assert end.outcome is Outcome.DONE or "systemd" in end.detail, (action, end)
    assert heard.lost == []


async def test_actions_run_side_by_side(real: SessionHost, heard: Heard) -> None:
    for sequence in range(1, 4):
        real.run(sequence, "processes", b'{"limit":3}', NOW)
    ends = [await heard.end_of(sequence) for sequence in range(1, 4)]
    assert [end.outcome for end in ends] == [Outcome.DONE] * 3


async def test_it_holds_no_key_and_no_file_of_the_agent(mischief: SessionHost, heard: Heard) -> None:
    await mischief.start()
    do(mischief, "environment")
    assert (await heard.end_of(1)).outcome is Outcome.DONE
    files, environment, no_new_privileges = heard.bodies
    assert isinstance(files, list)
    assert isinstance(environment, list)
    kinds = {name.partition(":")[0] for name in files if not name.startswith("/")}
    assert kinds <= {"pipe", "anon_inode"}, files
    assert [name for name in files if "identity" in name or name.endswith((".db", ".key", ".sock"))] == []
    assert MARK in environment
    assert no_new_privileges is True


async def test_it_cannot_write_files(mischief: SessionHost, heard: Heard, tmp_path: Path) -> None:
    await mischief.start()
    do(mischief, "write")
    assert (await heard.end_of(1)).outcome is Outcome.DONE
    assert not (tmp_path / "written").exists() or (tmp_path / "written").read_text() == ""


async def test_a_daemon_that_left_its_parents_dies_with_the_visit(mischief: SessionHost, heard: Heard) -> None:
    await mischief.start()
    pid = mischief.pid
    assert pid is not None
    do(mischief, "escape")
    # While the action runs they are below it; the host ends strays when the action ends. Stop comes first here.
    await heard.until(lambda: len(heard.bodies) == 2)
    tree = below(pid)
    assert len(tree) >= 1
    began = time.monotonic()
    mischief.kill()
    await mischief.gone()
    await until(lambda: not any(_alive(each) for each in tree), STOP_CHILDREN_S)
    assert time.monotonic() - began < STOP_CHILDREN_S


async def test_strays_of_an_action_end_with_the_action(mischief: SessionHost, heard: Heard) -> None:
    await mischief.start()
    pid = mischief.pid
    assert pid is not None
    do(mischief, "escape")
    await heard.end_of(1)
    await until(lambda: not below(pid), 5)


async def test_an_action_that_hangs_is_ended_at_its_limit(
    mischief: SessionHost, heard: Heard, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MISCHIEF_TIMEOUT_S", "1")
    await mischief.start()
    do(mischief, "hang")
    end = await heard.end_of(1)
    assert end.outcome is Outcome.FAILED
    assert "longer than" in end.detail
    do(mischief, "environment", 2)  # the host itself goes on
    assert (await heard.end_of(2)).outcome is Outcome.DONE


async def test_an_action_that_says_too_much_is_cut_off(mischief: SessionHost, heard: Heard) -> None:
    await mischief.start()
    do(mischief, "flood")
    end = await heard.end_of(1)
    assert end.outcome is Outcome.FAILED
    assert "8 MiB" in end.detail
    assert sum(len(event.lines) for event in heard.events if isinstance(event, Rows)) < 9 << 20


async def test_an_action_that_takes_too_much_memory_is_ended(mischief: SessionHost, heard: Heard) -> None:
    await mischief.start()
    do(mischief, "gobble")
    end = await heard.end_of(1)
    assert end.outcome is Outcome.FAILED
    assert "memory" in end.detail or "256 MB" in end.detail


async def test_a_cancelled_action_is_killed_and_says_nothing_more(mischief: SessionHost, heard: Heard) -> None:
    await mischief.start()
    pid = mischief.pid
    assert pid is not None
    do(mischief, "hang")
    await heard.until(lambda: bool(heard.events))
    mischief.cancel(1)
    await until(lambda: not below(pid), 5)
    assert not any(isinstance(event, Finished) for event in heard.events)


async def test_a_host_that_dies_fails_its_actions_and_takes_its_children_along(
    mischief: SessionHost, heard: Heard
) -> None:
    await mischief.start()
    pid = mischief.pid
    assert pid is not None
    do(mischief, "escape")
    do(mischief, "hang", 2)
    await heard.until(lambda: len(heard.bodies) == 3)
    tree = below(pid)
    os.kill(pid, 9)
    assert (await heard.end_of(2)).outcome is Outcome.FAILED
    await heard.until(lambda: bool(heard.lost) or not any(_alive(each) for each in tree))
    await until(lambda: not any(_alive(each) for each in tree), STOP_CHILDREN_S)


async def test_stop_while_it_is_still_starting(heard: Heard) -> None:
    host = SessionHost(SECRET, heard, heard.lost.append)
    starting = asyncio.create_task(host.start())
    await asyncio.sleep(0)
    host.kill()
    await starting
    await host.gone()
    assert host.pid is None


def test_a_service_that_dies_takes_the_host_along(tmp_path: Path) -> None:
    """kill -9 of the service: the host ends by itself, and everything below it."""
    script = (
        "import asyncio, os, sys\n"
        "from agent.session.host_process import SessionHost\n"
        "async def main():\n"
        "    host = SessionHost(b'x' * 32, lambda event: print('event', flush=True), print)\n"
        "    await host.start()\n"
        "    host.run(1, 'processes', b'{\"limit\":1}', 1800000000)\n"
        "    print(host.pid, flush=True)\n"
        "    await asyncio.sleep(60)\n"
        "asyncio.run(main())\n"
    )
    service = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True)
    assert service.stdout is not None
    pid = int(service.stdout.readline())
    assert service.stdout.readline() == "event\n"
    service.kill()
    service.wait(10)
    service.stdout.close()
    give_up = time.monotonic() + STOP_CHILDREN_S
    while _alive(pid):
        assert time.monotonic() < give_up
        time.sleep(0.01)


def test_a_fork_bomb_is_killed_to_the_last(tmp_path: Path) -> None:
    bomb = (
        "import os, sys, time\n"
        "from agent.session.linux_process import become_subreaper\n"
        "become_subreaper()\n"
        "print('ready', flush=True)\n"
        "for _ in range(30):\n"
        "    if os.fork() == 0:\n"
        "        os.setsid()\n"
        "        for _ in range(3):\n"
        "            os.fork()\n"
        "        while True:\n"
        "            time.sleep(0.001)\n"
        "            if os.fork() == 0:\n"
        "                os._exit(0)\n"
        "            os.wait()\n"
        "time.sleep(60)\n"
    )
    process = subprocess.Popen([sys.executable, "-c", bomb], stdout=subprocess.PIPE)
    assert process.stdout is not None
    process.stdout.readline()
    give_up = time.monotonic() + 10
    while len(below(process.pid)) < 60 and time.monotonic() < give_up:
        time.sleep(0.01)
    tree = below(process.pid)
    assert len(tree) >= 60
    began = time.monotonic()
    kill_tree(process.pid)
    assert time.monotonic() - began < 1
    process.wait(10)
    process.stdout.close()
    give_up = time.monotonic() + STOP_CHILDREN_S
    while any(_alive(each) for each in tree):
        assert time.monotonic() < give_up
        time.sleep(0.01)


def test_marks_find_what_no_tree_holds_any_more(tmp_path: Path) -> None:
    mark = mark_of(tmp_path)
    orphan = subprocess.Popen(["/bin/sleep", "60"], env={MARK: f"{mark}-1f2e"}, start_new_session=True)
    assert kill_marked(mark_of(tmp_path / "another state folder")) == 0
    assert kill_marked(mark) == 1
    assert orphan.wait(5) == -9


def _alive(pid: int) -> bool:
    """A zombie is dead: it waits for its parent only."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_bytes()
    except OSError:
        return False
    return stat[stat.rindex(b")") + 2 : stat.rindex(b")") + 3] not in (b"Z", b"X")
