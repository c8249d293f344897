"""One live visit carried through every weather: the agent's two connections run through a net that misbehaves.

Server, relay, agent (with its session host in a process of its own) and the technician's program are the real ones.
"""

import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import psutil
import pytest

from agent.link.connection import open_connection
from agent.session.relay import RelaySocket, join_room
from protocol.actions.processes import ProcessesArguments
from protocol.actions.scopes import Scope
from protocol.audit import AuditWord
from protocol.grants import EndedBy
from protocol.journal import Outcome
from technician.devices import find_device
from technician.session.visit import Visit
from technician.sign_in import Technician
from tests.faults.proxy import FINE, FaultProxy, Weather
from tests.hostile.machine import Machine
from tests.hostile.test_server_restart import entries, machine_at, the_receipts
from tests.making import DAY, Organisation
from tests.server.actors import Clock, World
from tests.server.conftest import running_world
from tests.technician.scene import make_technician

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="visits run on Linux only in this version")
SCOPES = (Scope.DIAGNOSE, Scope.PROCESSES)
PING_S = 0.5


@dataclass
class Place:
    world: World
    machine: Machine
    technician: Technician
    net: FaultProxy

    @asynccontextmanager
    async def visit(self) -> AsyncIterator[Visit]:
        ticket = self.machine.ask_for_help()
        await self.machine.until(lambda: self.machine.member.outbox.numbers().items == 0)
        async with self.technician.signed_in() as api:
            listed = (await api.devices()).devices
            trust = self.technician.store.trust
            device = find_device(listed, self.machine.device, trust, self.world.clock.now)
            async with Visit.open(self.technician, api, device, ticket, SCOPES, 15, "it is slow") as visit:
                self.machine.say_yes(await self.machine.question())
                await visit.granted()
                yield visit


@pytest.fixture
async def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Place]:
    monkeypatch.setenv("BELLPULL_NO_WINDOW", "1")
    now = int(time.time())
    async with running_world(tmp_path, Clock(now)) as world:
        world.organisation = Organisation(not_before=now - 10 * DAY, not_after=now + 100 * DAY)
        assert (await world.pin()).status_code == 200
        async with machine_at(tmp_path / "s", world) as machine, FaultProxy.before(world.origin) as net:
            through(net, machine)
            await machine.until(lambda: len(net.passages) == 1 and machine.member.link.connected)
            technician, _ = await make_technician(tmp_path / "t", world, scopes=SCOPES)
            yield Place(world, machine, technician, net)


def through(net: FaultProxy, machine: Machine) -> None:
    """From its next connection on, the agent reaches the server through the net only."""

    async def joining(origin: str, room: str, token: str) -> RelaySocket:
        return await join_room(net.origin, room, token, ping_s=PING_S, pong_s=PING_S)

    link = machine.member.link
    link._open = lambda origin: partial(open_connection, ping_s=PING_S, pong_s=PING_S)(net.origin)
    machine.member.door.visits._join = joining
    assert link._connection is not None
    link._connection._websocket.transport.abort()


async def rows(visit: Visit, count: int) -> int:
    run = await visit.run("processes", ProcessesArguments(limit=count))
    return len([item async for item in run])


async def test_a_visit_lives_through_poor_lines_and_goes_on_after_a_cut_and_after_a_silence(place: Place) -> None:
    machine, net = place.machine, place.net
    async with place.visit() as visit:
        (host,) = machine.member.session_hosts()
        assert len(net.passages) == 2
        for weather in (
            Weather(delay_s=0.05, jitter_s=0.1),
            Weather(slice_bytes=1),
            Weather(bytes_per_s=200_000, slice_bytes=2000),
        ):
            net.weather = weather
            assert await rows(visit, 3) == 3
        assert net.connections == 2, "a poor line is no lost one"
        net.weather = FINE
        assert await rows(visit, 2) == 2
        assert [kept.grant for kept in machine.member.door.receipts.list()] == []

        net.cut(reset=True)
        assert await rows(visit, 2) == 2
        assert len(machine.member.door.receipts.list()) == 1

        # A pulled cable: nobody is told anything, and both connections find out by their own pings.
        net.weather = Weather(silent=True)
        began = net.connections
        await machine.until(lambda: net.connections > began or len(machine.member.door.receipts.list()) == 2)
        net.cut()
        net.weather = FINE
        assert await rows(visit, 2) == 2
        assert list(machine.member.session_hosts()) == [host], "the same visit, in the same process"
        assert machine.prompts_ever == 1, "nobody was asked again"
        ended = await visit.end("that was all")
    assert (ended.by, ended.fault) == ("technician", "")
    await machine.until(lambda: not machine.member.door.busy)
    await machine.until(lambda: machine.member.outbox.numbers().items == 0)
    kept = machine.member.door.receipts.list()
    assert len(kept) == 3, "one receipt for each grant"
    before, after = the_receipts(machine, place.world)
    assert (before.ended_by, after.ended_by) == (EndedBy.CONNECTION_LOST, EndedBy.TECHNICIAN)
    written = await entries(place.technician)
    done = [entry for entry in written if entry.word is AuditWord.ACTION_ENDED]
    assert len(done) == 6, "each action once in the books, none twice"
    assert [each.outcome for each in after.actions] == [Outcome.DONE]
    assert machine.alarms == []
    assert machine.member.outbox.dead_letters() == []
    assert not psutil.pid_exists(host)
