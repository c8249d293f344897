"""Joining a room of a relay that may be anything: honest, silent, talkative, or hostile to every byte."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed
from websockets.typing import Subprotocol

from agent.link.connection import LinkLost
from agent.session.relay import RelaySocket, join_room
from protocol.grants import EndedBy
from protocol.limits import RELAY_MESSAGE_MAX_BYTES
from tests.agent.technician_end import MemorySocket, TechnicianEnd, until
from tests.agent.visit_rig import TOKEN, Rig, yes_to
from tests.agent.visiting import ROOM, SCOPES

PAIRED = '{"type":"paired"}'
Behaviour = Callable[[ServerConnection], Awaitable[None]]


@asynccontextmanager
async def relay(behave: Behaviour, *, subprotocol: str = "bellpull.relay.v1") -> AsyncIterator[str]:
    """A relay that does to its one guest whatever `behave` does; its origin."""
    names = [Subprotocol(subprotocol)]
    async with serve(behave, "127.0.0.1", 0, subprotocols=names, compression=None, max_size=1 << 20) as server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"


async def joined(connection: ServerConnection) -> None:
    """Take the join message as an honest relay does."""
    assert connection.request is not None
    assert connection.request.path == f"/relay/{ROOM}"
    assert await connection.recv() == f'{{"type":"join","token":"{TOKEN}"}}'
    await connection.send(PAIRED)


async def test_an_honest_relay_carries_bytes_both_ways() -> None:
    async def behave(connection: ServerConnection) -> None:
        await joined(connection)
        while True:
            await connection.send(await connection.recv())

    async with relay(behave) as origin:
        room = await join_room(origin, ROOM, TOKEN)
        for data in (b"", b"x", bytes(RELAY_MESSAGE_MAX_BYTES)):
            await room.send(data)
            assert await room.receive() == data
        await room.close()


@pytest.mark.parametrize(
    "first", ["", "{}", '{"type":"paired","more":1}', '{"type":"paired"', "paired", '{"type":"grant"}', b"bytes"]
)
async def test_a_first_word_that_is_not_paired_ends_it(first: str | bytes) -> None:
    async def behave(connection: ServerConnection) -> None:
        await connection.recv()
        await connection.send(first)
        await connection.wait_closed()

    async with relay(behave) as origin:
        with pytest.raises(LinkLost):
            await join_room(origin, ROOM, TOKEN)


async def test_nobody_comes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("agent.session.relay.ROOM_WAIT_S", 0.05)

    async def behave(connection: ServerConnection) -> None:
        await connection.wait_closed()

    async with relay(behave) as origin:
        with pytest.raises(LinkLost, match="did not come into the room"):
            await join_room(origin, ROOM, TOKEN)


async def test_the_relays_reason_is_told_in_plain_letters() -> None:
    async def behave(connection: ServerConnection) -> None:
        await connection.recv()
        await connection.close(4403, "token used \x1b[31m\u202e")

    async with relay(behave) as origin:
        with pytest.raises(LinkLost) as lost:
            await join_room(origin, ROOM, TOKEN)
    assert "4403: token used" in str(lost.value)
    assert not {"\x1b", "\u202e"} & set(str(lost.value))


async def test_another_protocol_is_not_spoken() -> None:
    async def behave(connection: ServerConnection) -> None:
        await joined(connection)

    async with relay(behave, subprotocol="something.else") as origin:
        with pytest.raises(LinkLost):
            await join_room(origin, ROOM, TOKEN)


async def test_nobody_listens() -> None:
    with pytest.raises(LinkLost):
        await join_room("http://127.0.0.1:1", ROOM, TOKEN)


async def test_an_address_in_clear_is_refused_except_on_this_machine() -> None:
    with pytest.raises(LinkLost, match="not encrypted"):
        await join_room("http://relay.example", ROOM, TOKEN)


@pytest.mark.parametrize("bad", ["text", "too long", "gone"])
async def test_what_no_relay_says_after_pairing_ends_it(bad: str) -> None:
    async def behave(connection: ServerConnection) -> None:
        await joined(connection)
        match bad:
            case "text":
                await connection.send("hello")
            case "too long":
                await connection.send(bytes(RELAY_MESSAGE_MAX_BYTES + 1))
            case _:
                connection.transport.abort()
        await connection.wait_closed()

    async with relay(behave) as origin:
        room = await join_room(origin, ROOM, TOKEN)
        with pytest.raises(LinkLost):
            await room.receive()
        await room.close()


# --- a whole visit over a real socket, with a hand in between --------------------------------------------------------


class Between:
    """A relay between the agent's real socket and the technician's end in memory; `tamper` sees every message."""

    def __init__(self, tamper: Callable[[str, int, bytes], list[bytes]]) -> None:
        self.tamper = tamper
        self.technician, self.inner = _pair()
        self.counts = {"to device": 0, "to technician": 0}

    async def behave(self, connection: ServerConnection) -> None:
        await joined(connection)
        inwards = asyncio.create_task(self._inwards(connection))
        try:
            async for message in connection:
                assert isinstance(message, bytes)
                for data in self._changed("to technician", message):
                    await self.inner.send(data)
        finally:
            inwards.cancel()
            await self.inner.close()

    async def _inwards(self, connection: ServerConnection) -> None:
        try:
            while True:
                for data in self._changed("to device", await self.inner.receive()):
                    await connection.send(data)
        except (LinkLost, ConnectionClosed):
            await connection.close()

    def _changed(self, direction: str, data: bytes) -> list[bytes]:
        number, self.counts[direction] = self.counts[direction], self.counts[direction] + 1
        return self.tamper(direction, number, data)


def _pair() -> tuple[MemorySocket, MemorySocket]:
    one, other = MemorySocket(), MemorySocket()
    one.other, other.other = other, one
    return one, other


async def visit_over(rig: Rig, between: Between) -> TechnicianEnd:
    """Offer, join over the real socket, handshake; the customer says yes if they are asked."""
    async with relay(between.behave) as origin:

        async def join(_: str, room: str, token: str) -> RelaySocket:
            return await join_room(origin, room, token)

        rig.visits._join = join
        await rig.offer()
        await until(lambda: between.inner.other is not None)
        technician = TechnicianEnd(rig, between.technician, SCOPES, 15)
        await technician.begin()
        await until(lambda: bool(rig.gate.pending()) or not rig.visits.busy)
        if rig.gate.pending():
            yes_to(rig, rig.gate.pending()[0])
            await until(lambda: technician.initiator.chain is not None or not rig.visits.busy or technician.gone)
        if technician.initiator.chain is not None:
            from protocol.actions.processes import ProcessesArguments

            technician.initiator.open_action("processes", ProcessesArguments(), rig.clocks.wall())
            await technician.flush()
            await until(lambda: bool(rig.hosts and rig.hosts[0].ran) or not rig.visits.busy)
        rig.visits.stop_all(EndedBy.CUSTOMER)
        rig.clocks.pass_s(4)
        await rig.over()
    return technician


def untouched(direction: str, number: int, data: bytes) -> list[bytes]:
    return [data]


async def test_a_whole_visit_over_a_real_socket(tmp_path: Path) -> None:
    rig = Rig(tmp_path / "s")
    await visit_over(rig, Between(untouched))
    assert [action for _, action, _ in rig.hosts[0].ran] == ["processes"]
    assert len(rig.proofs()) == 1
    rig.close()


@pytest.mark.parametrize("victim", [0, 1, 2, 3])
@pytest.mark.parametrize("how", ["flipped", "dropped", "doubled", "truncated"])
async def test_a_message_touched_on_its_way_to_the_device_runs_nothing(tmp_path: Path, victim: int, how: str) -> None:
    """Message 1, message 3, hello, action: whichever it is, nothing runs from there on."""

    def tamper(direction: str, number: int, data: bytes) -> list[bytes]:
        if direction != "to device" or number != victim:
            return [data]
        return {
            "flipped": [data[:-1] + bytes([data[-1] ^ 1])],
            "dropped": [],
            "doubled": [data, data],
            "truncated": [data[: len(data) // 2]],
        }[how]

    rig = Rig(tmp_path / "s")
    if how == "dropped":
        # Nothing comes any more: the visit ends when its time for the handshake is over.
        moving = asyncio.create_task(_pass_time(rig))
    await visit_over(rig, Between(tamper))
    ran = [action for host in rig.hosts for _, action, _ in host.ran]
    assert len(ran) <= (1 if how == "doubled" and victim == 3 else 0)
    assert len(rig.proofs()) == len(rig.database.query("SELECT 1 FROM grants"))
    if how == "dropped":
        moving.cancel()
    rig.close()


async def _pass_time(rig: Rig) -> None:
    while True:
        await asyncio.sleep(0.05)
        rig.clocks.pass_s(60)
