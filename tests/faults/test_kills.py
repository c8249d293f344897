"""kill -9 at random moments of whoever does the work: agent, check worker, session host, server with its relay.

One house lives through all of it, with every program real and started as people start it. Words that the customer
said, once the agent took them, are at the desk once; each grant has one receipt that verifies; nothing raises an alarm.

Each part alone, at every run: the outbox in tests/agent/test_kill.py (thirty lives), the server in
tests/server/test_restarts.py, bundles in tests/agent/test_bundle_killed.py, agent and server in a visit in
tests/agent/session/test_whole_way.py, remedies in tests/diagnostics/remedies. The worker here.
"""

import asyncio
import os
import random
import signal
import sqlite3
import sys
import time
from contextlib import closing
from pathlib import Path

import pytest

from agent.local.client import call
from agent.refusal import Refusal
from agent.session.descendants import below
from agent.store.database import Database
from agent.watch.watch import Watch, run_worker
from tests.agent.doubles import HandClocks, MemoryLog
from tests.agent.session.programs import Connect, World, wait_for

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="kills by signal, reads /proc")
VICTIMS = ("agent", "server", "host", "worker")
LIVES = int(os.environ.get("BELLPULL_KILLS", "60"))


async def test_a_worker_killed_in_the_middle_of_a_look_costs_that_look_only(tmp_path: Path) -> None:
    from agent.config import Config
    from diagnostics.machine.own_use import AgentState

    database = Database(tmp_path / "agent.db")
    watch = Watch(
        database,
        HandClocks(),
        Config(),
        log=MemoryLog(),
        agent_state=lambda: AgentState(pid=os.getpid()),
        worker=run_worker,
    )
    looking = asyncio.create_task(watch.look())
    while not (workers := [pid for pid in below(os.getpid()) if named(pid, b"agent.watch.worker")]):
        assert not looking.done(), looking.result()
        await asyncio.sleep(0.01)
    os.kill(workers[0], signal.SIGKILL)
    with pytest.raises(Refusal, match="the check worker failed"):
        await looking
    assert "check worker failed" in watch.trouble
    assert watch.store.check_runs() == []
    assert not [pid for pid in below(os.getpid()) if named(pid, b"agent.watch.worker")]
    database.close()


def named(pid: int, module: bytes) -> bool:
    try:
        return module in Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return False


class House:
    """What was promised, and how often each was killed."""

    def __init__(self, world: World, chance: random.Random) -> None:
        self.world, self.chance = world, chance
        self.promised: list[str] = []
        self.killed: dict[str, int] = dict.fromkeys(VICTIMS, 0)
        self.visit: Connect | None = None

    def say(self, words: str) -> None:
        """The customer writes; promised when the agent says that it has it."""
        try:
            call(self.world.state, "ticket-text", ticket=self.world.ticket, text=words)
        except (Refusal, OSError):
            return
        self.promised.append(words)

    def visited(self) -> None:
        """Somebody is here, or comes."""
        if self.visit is not None and self.visit.process.poll() is None and self.hosts():
            return
        self.leave()
        self.say("I am here")  # a local act: whoever waits for help may be asked again
        self.visit = self.world.connect("processes")
        asked = self.world.asks
        wait_for(
            lambda: bool(asked("consent-list")["pending"]) or any("error" in e.values() for e in self.visit_said())
        )
        assert asked("consent-list")["pending"], f"nobody was let in after {self.killed}: {self.visit_said()[-4:]}"
        self.world.approve()
        self.visit.until("granted")
        self.visit.say("ps")

    def visit_said(self) -> list[dict[str, object]]:
        return [] if self.visit is None else list(self.visit.events)

    def leave(self) -> None:
        if self.visit is not None:
            self.visit.close()
            self.visit = None
            # It would wait for its technician to come back; the customer has waited enough.
            call(self.world.state, "session-stop")
            wait_for(lambda: self.world.asks("session-list")["sessions"] == [], 60)

    def hosts(self) -> list[int]:
        return [pid for pid in below(self.world.service.pid) if named(pid, b"agent.session.host")]

    def kill(self, victim: str) -> None:
        time.sleep(self.chance.uniform(0, 0.3))
        match victim:
            case "agent":
                self.world.kill_service()
            case "server":
                self.world.server.kill()
            case "host":
                self._kill_below(b"agent.session.host")
            case "worker":
                self._kill_below(b"agent.watch.worker")
        self.killed[victim] += 1

    def _kill_below(self, module: bytes) -> None:
        for pid in below(self.world.service.pid):
            if named(pid, module):
                os.kill(pid, signal.SIGKILL)

    def mend(self) -> None:
        """As a supervisor would."""
        if self.world.server.process.poll() is not None:
            self.world.server.start_again()
        if self.world.service.poll() is not None:
            self.world.start_again()
        wait_for(self.world._connected, 90)


@pytest.mark.soak
@pytest.mark.timeout(3600)
def test_sixty_kills_of_anybody_lose_nothing_promised_and_leave_one_receipt_a_grant(tmp_path: Path) -> None:
    world = World(tmp_path)
    house = House(world, random.Random(20261122))
    try:
        for number in range(LIVES):
            victim = VICTIMS[number % len(VICTIMS)]
            house.visited()
            if victim == "worker":
                house.say("before a look")
            house.say(f"words {number}")
            house.kill(victim)
            house.say(f"words {number} after {victim}")
            house.mend()
        house.leave()
        wait_for(lambda: world.asks("status")["outbox"]["items"] == 0, 120)
        status = world.asks("status")
        assert status["alarms"] == []
        assert status["outbox"]["dead_letters"] == 0
        wait_for(lambda: world.asks("session-list")["sessions"] == [], 60)
        check(house)
    finally:
        if house.visit is not None:
            house.visit.close()
        world.close()


def check(house: House) -> None:
    with closing(sqlite3.connect(f"file:{house.world.server.data / 'bellpull.db'}?mode=ro", uri=True)) as connection:
        rows = connection.execute("SELECT text FROM messages WHERE source = 'customer'").fetchall()
    at_the_desk = [text for (text,) in rows]
    assert set(house.promised) <= set(at_the_desk), "lost"
    numbered = [text for text in at_the_desk if text.startswith("words ")]
    assert len(numbered) == len(set(numbered)), "something was said once and stands there twice"
    assert at_the_desk.count("I am here") >= house.promised.count("I am here")
    receipts = house.world.receipts()
    assert len(receipts) == len({receipt["grant"] for receipt in receipts})
    assert len(receipts) >= house.killed["agent"]
    assert house.world.agent("receipts", "verify")["ok"]
