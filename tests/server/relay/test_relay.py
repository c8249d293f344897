"""The relay over real sockets: order, bounds, tokens, endings. Nothing it carries is looked at."""

import asyncio
import hashlib
import json
import os
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, ConnectionClosedError, InvalidStatus

from protocol.limits import RELAY_MESSAGE_MAX_BYTES, RELAY_QUEUE_BYTES
from protocol.messages.api import SessionAsk, SessionList, SessionRoom, SessionRow
from protocol.messages.login import Welcome
from protocol.messages.sessions import OfferDeclined, SessionOffer
from server.patience import Patience
from server.relay.frames import TOO_BIG
from server.relay.meeting import BAD_MESSAGE, DECLINED, LEFT, NOBODY_CAME, NOT_ADMITTED, STUCK
from tests.server.actors import AgentLink, Clock, DeviceActor, World, paired, until, until_async
from tests.server.conftest import running_world

Ends = tuple[ClientConnection, ClientConnection]


@asynccontextmanager
async def offered(world: World) -> AsyncIterator[tuple[SessionRoom, SessionOffer, AgentLink, DeviceActor, str]]:
    """A room both sides were told of, and nobody in it yet."""
    device = await world.approved()
    token = await world.technician_token()
    async with world.link(device) as link:
        await link.hear(Welcome)
        done = await world.post("/api/sessions", SessionAsk(device=device.device, ticket=None), token)
        room = SessionRoom.model_validate_json(done.content)
        yield room, await link.hear(SessionOffer), link, device, token


@asynccontextmanager
async def visit(world: World) -> AsyncIterator[Ends]:
    """Technician's and device's ends of a paired room."""
    async with (
        offered(world) as (room, offer, _, _, _),
        world.relay(room.room, room.join_token) as technician,
        world.relay(offer.room, offer.join_token) as agent,
    ):
        await asyncio.gather(paired(technician), paired(agent))
        yield technician, agent


async def closing(socket: ClientConnection) -> tuple[int | None, str | None]:
    """Read to the end; the close code and reason the server gave."""
    async with asyncio.timeout(20):
        with suppress(ConnectionClosedError):
            async for _ in socket:
                pass
    return socket.close_code, socket.close_reason


async def test_a_random_exchange_both_ways_arrives_whole_and_in_order(desk: World) -> None:
    count = 3000 if os.environ.get("BELLPULL_SOAK") == "1" else 300
    chance = random.Random(7)
    there = [chance.randbytes(chance.choice((1, 40, 4096, RELAY_MESSAGE_MAX_BYTES))) for _ in range(count)]
    back = [chance.randbytes(chance.choice((1, 900, 20_000))) for _ in range(count)]

    async def send(socket: ClientConnection, messages: list[bytes]) -> None:
        for message in messages:
            await socket.send(message)

    async def receive(socket: ClientConnection, messages: list[bytes]) -> list[str]:
        return [hashlib.sha256(await socket.recv(decode=False)).hexdigest() for _ in messages]

    async with visit(desk) as (technician, agent):
        _, _, at_agent, at_technician = await asyncio.gather(
            send(technician, there), send(agent, back), receive(agent, there), receive(technician, back)
        )
    assert at_agent == [hashlib.sha256(message).hexdigest() for message in there]
    assert at_technician == [hashlib.sha256(message).hexdigest() for message in back]


async def test_a_reader_who_stops_stops_the_sender_and_the_server_holds_a_bounded_queue(tmp_path: Path) -> None:
    async with running_world(tmp_path, Clock(), patience=Patience(stuck_s=60)) as desk:
        await desk.pin()
        async with visit(desk) as (technician, agent):
            agent.transport.pause_reading()
            message = os.urandom(RELAY_MESSAGE_MAX_BYTES)
            sent = 0

            async def flood() -> None:
                nonlocal sent
                while True:
                    await technician.send(message)
                    sent += 1

            flooding = asyncio.create_task(flood())
            before = -1
            while sent != before:  # until nothing moves any more
                before = sent
                await asyncio.sleep(0.3)
            held = max(
                seat.queued_bytes for one in desk.office.relay._meetings.values() for seat in one._seats.values()
            )
            assert not flooding.done()
            assert 0 < held <= RELAY_QUEUE_BYTES
            flooding.cancel()
            agent.transport.resume_reading()
            arrived = 0
            while arrived < sent:  # nothing of it was dropped
                assert await agent.recv(decode=False) == message
                arrived += 1


async def test_a_reader_stuck_too_long_ends_the_room_for_both_with_a_reason(tmp_path: Path) -> None:
    async with running_world(tmp_path, Clock(), patience=Patience(stuck_s=0.5)) as desk:
        await desk.pin()
        async with visit(desk) as (technician, agent):
            agent.transport.pause_reading()
            flooding = asyncio.create_task(flood(technician, b"x" * RELAY_MESSAGE_MAX_BYTES))
            assert await closing(technician) == (STUCK, "the device took nothing for 0.5 s")
            with pytest.raises(ConnectionClosed):
                await flooding
            agent.transport.abort()
        await until(lambda: desk.office.relay.rooms == 0)


async def flood(socket: ClientConnection, message: bytes) -> None:
    while True:
        await socket.send(message)


async def test_what_was_sent_before_leaving_still_arrives_and_then_the_other_side_hears_who_left(desk: World) -> None:
    async with visit(desk) as (technician, agent):
        for at in range(50):
            await technician.send(bytes([at]) * 1000)
        await technician.close()
        assert [await agent.recv(decode=False) for _ in range(50)] == [bytes([at]) * 1000 for at in range(50)]
        assert await closing(agent) == (LEFT, "the technician left")


@pytest.mark.parametrize("message", ["a text", b""])
async def test_a_message_of_a_wrong_kind_ends_the_room(desk: World, message: str | bytes) -> None:
    async with visit(desk) as (technician, agent):
        await technician.send(message)
        for socket in (technician, agent):
            code, reason = await closing(socket)
            assert (code, "technician sent something else" in str(reason)) == (BAD_MESSAGE, True)


async def test_a_message_that_is_too_long_ends_the_room_for_its_sender_by_the_code_for_it(desk: World) -> None:
    async with visit(desk) as (technician, agent):
        await technician.send(b"x" * (RELAY_MESSAGE_MAX_BYTES + 1))
        reason = f"the technician sent more than {RELAY_MESSAGE_MAX_BYTES} bytes in one message"
        assert await closing(technician) == (TOO_BIG, reason)
        assert await closing(agent) == (BAD_MESSAGE, reason)


async def test_a_message_before_both_sides_are_there_ends_the_room(desk: World) -> None:
    async with offered(desk) as (room, _, _, _, _), desk.relay(room.room, room.join_token) as technician:
        await technician.send(b"too early")
        assert (await closing(technician))[0] == BAD_MESSAGE


async def test_a_join_token_opens_one_connection_and_a_wrong_one_none(desk: World) -> None:
    async with offered(desk) as (room, offer, _, _, _):
        for token in ("A" * 43, "short", ""):
            async with connect(
                f"{desk.websocket}/relay/{room.room}",
                subprotocols=["bellpull.relay.v1"],  # type: ignore[list-item]
            ) as socket:
                await socket.send(json.dumps({"type": "join", "token": token}))
                assert (await closing(socket))[0] == NOT_ADMITTED
        async with desk.relay(room.room, room.join_token) as first, desk.relay(room.room, room.join_token) as again:
            assert (await closing(again))[0] == NOT_ADMITTED
            async with desk.relay(room.room, offer.join_token) as agent:
                await asyncio.gather(paired(first), paired(agent))


async def test_a_technicians_token_does_not_open_another_room(desk: World) -> None:
    async with offered(desk) as (room, _, link, device, token):
        other = SessionRoom.model_validate_json(
            (await desk.post("/api/sessions", SessionAsk(device=device.device, ticket=None), token)).content
        )
        assert (await link.hear(SessionOffer)).room == other.room
        async with desk.relay(other.room, room.join_token) as socket:
            assert (await closing(socket))[0] == NOT_ADMITTED


async def test_a_browser_and_a_stranger_to_the_protocol_are_not_admitted(desk: World) -> None:
    uri = f"{desk.websocket}/relay/{'a' * 26}"
    for origin in ("null", desk.origin, "https://evil.example"):
        with pytest.raises(InvalidStatus):
            await connect(uri, subprotocols=["bellpull.relay.v1"], origin=origin)  # type: ignore[list-item, arg-type]
    with pytest.raises(InvalidStatus):
        await connect(uri)


async def test_who_says_nothing_after_connecting_is_let_go(tmp_path: Path) -> None:
    async with running_world(tmp_path, Clock(), patience=Patience(login_s=0.2)) as desk:
        await desk.pin()
        async with connect(
            f"{desk.websocket}/relay/{'a' * 26}",
            subprotocols=["bellpull.relay.v1"],  # type: ignore[list-item]
        ) as socket:
            assert (await closing(socket))[0] == NOT_ADMITTED


async def test_an_agent_that_declines_ends_the_technicians_waiting_with_its_reason(desk: World) -> None:
    async with offered(desk) as (room, _, link, _, token):
        async with desk.relay(room.room, room.join_token) as technician:
            await link.say(OfferDeclined(room=room.room, reason="cool-down"))
            assert await closing(technician) == (DECLINED, "declined: cool-down")
        await ended_session(desk)
        listed = SessionList.model_validate_json((await desk.get("/api/sessions", token)).content).sessions
        assert [(one.room, one.end_reason) for one in listed] == [(room.room, "declined: cool-down")]


async def test_a_technician_who_comes_after_the_no_hears_its_reason_too(desk: World) -> None:
    async with offered(desk) as (room, _, _, _, _):
        desk.office.relay.end(room.room, DECLINED, "declined: busy")  # as the agent's word, before they are in the room
        async with desk.relay(room.room, room.join_token) as technician:
            assert await closing(technician) == (DECLINED, "declined: busy")


async def test_another_device_cannot_decline_a_room_that_is_not_its_own(desk: World) -> None:
    other = await desk.approved("stranger")
    async with (
        offered(desk) as (room, offer, _, _, _),
        desk.link(other) as link,
        desk.relay(room.room, room.join_token) as technician,
    ):
        await link.hear(Welcome)
        await link.say(OfferDeclined(room=room.room, reason="busy"))
        async with desk.relay(room.room, offer.join_token) as agent:
            await asyncio.gather(paired(technician), paired(agent))


async def test_a_room_in_which_nobody_comes_is_closed(desk: World, monkeypatch: pytest.MonkeyPatch) -> None:
    async with offered(desk) as (room, _, _, _, _), desk.relay(room.room, room.join_token) as technician:
        await until(lambda: desk.office.relay._book.get(room.room).joined)
        ahead = desk.office.mono() + 3600
        monkeypatch.setattr(desk.office.relay, "_mono", lambda: ahead)
        assert await closing(technician) == (NOBODY_CAME, "the other side did not come")


async def test_sizes_and_times_of_a_visit_are_kept_and_nothing_else(desk: World) -> None:
    canary = b"canary-" + os.urandom(16)
    async with visit(desk) as (technician, agent):
        await technician.send(canary)
        await agent.recv()
        await agent.send(b"x" * 10)
        await technician.recv()
        await technician.close()
        await closing(agent)
    row = await ended_session(desk)
    assert (row.bytes_to_device, row.bytes_to_technician, row.end_reason) == (23, 10, "the technician left")
    assert row.paired_at is not None
    assert desk.data is not None
    for file in desk.data.rglob("*"):
        if file.is_file():
            assert canary not in file.read_bytes()


async def ended_session(desk: World) -> SessionRow:
    """The one session, once its end is written down."""
    await until_async(lambda: _has_ended(desk))
    return (await desk.office.sessions.rows(None))[0]


async def _has_ended(desk: World) -> bool:
    return (await desk.office.sessions.rows(None))[0].ended_at is not None
