"""A server that is stopped, killed and started again: nothing acknowledged is lost, nothing is there twice."""

import asyncio
import os
import random
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import httpx2
import pytest
from websockets.exceptions import ConnectionClosed

from protocol.audit import AuditEntry, AuditWord
from protocol.checkpoints import open_checkpoint
from protocol.limits import UPLOAD_CHUNK_BYTES
from protocol.merkle import verify_consistency
from protocol.messages.api import AuditExport, SessionAsk, SessionList, SessionRoom, TicketDetail
from protocol.messages.desk import CustomerText
from protocol.messages.items import AuditItem, Stored, TicketItem
from protocol.messages.login import Closing, Welcome
from protocol.messages.sessions import SessionOffer
from tests.making import DAY, Organisation
from tests.running import PLAIN, RunningServer, start_server
from tests.server.actors import Clock, World, log_verifier, paired, sealed_bytes, uuid
from tests.server.bundles.test_uploads import sender

KILLS = 30 if os.environ.get("BELLPULL_SOAK") == "1" else 3


@asynccontextmanager
async def outside(server: RunningServer) -> AsyncIterator[World]:
    """The people around a server in a process of its own: real time, real organisation."""
    now = int(time.time())
    organisation = Organisation(not_before=now - 10 * DAY, not_after=now + 100 * DAY)
    async with httpx2.AsyncClient(verify=PLAIN, base_url=server.origin, timeout=20) as http:
        world = World(server.origin, server.setup_code, http, Clock(now), organisation, server.data)
        assert (await world.pin()).status_code == 200
        yield world


@pytest.fixture
def server(tmp_path: Path) -> RunningServer:
    with start_server(tmp_path) as running:
        yield running  # type: ignore[misc]


async def test_an_upload_goes_on_after_a_restart_in_its_middle(server: RunningServer) -> None:
    data = sealed_bytes("bundle", 2 * UPLOAD_CHUNK_BYTES + 100)
    async with outside(server) as world:
        async with sender(world) as one:
            granted = await one.granted(data)
            await one.patch(granted, 0, data[:UPLOAD_CHUNK_BYTES])
            server.kill()
        server.start_again()
        # The token and the offset are on disk: the agent need not even ask again.
        assert (await one.head(granted)).headers["upload-offset"] == str(UPLOAD_CHUNK_BYTES)
        for offset in (UPLOAD_CHUNK_BYTES, 2 * UPLOAD_CHUNK_BYTES):
            done = await one.patch(granted, offset, data[offset : offset + UPLOAD_CHUNK_BYTES])
            assert done.status_code == 204
        fetched = await world.get(f"/api/blobs/{granted.id}", await world.technician_token())
        assert fetched.content == data


async def test_a_visit_ends_for_both_with_a_reason_when_the_server_is_asked_to_stop(server: RunningServer) -> None:
    async with outside(server) as world:
        device, token = await world.approved(), await world.technician_token()
        async with world.link(device) as link:
            await link.hear(Welcome)
            done = await world.post("/api/sessions", SessionAsk(device=device.device, ticket=None), token)
            room, offer = SessionRoom.model_validate_json(done.content), await link.hear(SessionOffer)
            async with (
                world.relay(room.room, room.join_token) as technician,
                world.relay(offer.room, offer.join_token) as agent,
            ):
                await asyncio.gather(paired(technician), paired(agent))
                started_s = time.monotonic()
                stopping = asyncio.create_task(asyncio.to_thread(server.stop))
                goodbye = await link.hear(Closing)
                assert (goodbye.reason, goodbye.retry_after_s >= 1) == ("the server is restarting", True)
                for socket in (technician, agent):
                    with pytest.raises(ConnectionClosed):
                        await socket.recv()
                    assert (socket.close_code, socket.close_reason) == (1012, "the server is restarting")
                assert await stopping == 0
                # About a second on an idle machine; here only that nothing waits for ever.
                assert time.monotonic() - started_s < 10
        server.start_again()
        listed = SessionList.model_validate_json((await world.get("/api/sessions", token)).content).sessions
        assert [(one.room, one.end_reason) for one in listed] == [(room.room, "the server is restarting")]


@pytest.mark.soak
async def test_after_a_kill_in_a_visit_both_sides_are_cut_and_the_session_is_closed_in_the_books(
    server: RunningServer,
) -> None:
    async with outside(server) as world:
        device, token = await world.approved(), await world.technician_token()
        async with world.link(device) as link:
            await link.hear(Welcome)
            done = await world.post("/api/sessions", SessionAsk(device=device.device, ticket=None), token)
            room, offer = SessionRoom.model_validate_json(done.content), await link.hear(SessionOffer)
            async with (
                world.relay(room.room, room.join_token) as technician,
                world.relay(offer.room, offer.join_token) as agent,
            ):
                await asyncio.gather(paired(technician), paired(agent))
                server.kill()
                for socket in (technician, agent):
                    with pytest.raises(ConnectionClosed):
                        await socket.recv()
        server.start_again()
        listed = SessionList.model_validate_json((await world.get("/api/sessions", token)).content).sessions
        assert [one.end_reason for one in listed] == ["the server was restarted"]


@pytest.mark.soak
async def test_kills_at_random_moments_lose_nothing_acknowledged_and_double_nothing(server: RunningServer) -> None:
    """An outbox as an agent keeps it: what is not answered is sent again, whatever happened to the server."""
    chance = random.Random(11)
    async with outside(server) as world:
        device = await world.approved()
        verifier = log_verifier((await world.get("/api/server")).json())
        statement = device.ticket()
        outbox: dict[str, object] = {uuid("ticket"): TicketItem(id=uuid("ticket"), ticket=device.key.sign(statement))}
        seen = open_checkpoint((await _export(world)).checkpoint, verifier)
        said = 0
        for _ in range(KILLS):
            for _ in range(8):
                said += 1
                words = CustomerText(id=uuid(f"w{said}"), ticket=statement.ticket, text=f"word {said}", at=1)
                entry = AuditEntry(
                    word=AuditWord.ACTION_STARTED, author=device.device, at=1, device=device.device, sequence=said
                )
                outbox |= {words.id: words, uuid(f"a{said}"): AuditItem(id=uuid(f"a{said}"), entry=entry)}
            killing = asyncio.create_task(_kill_after(server, chance.uniform(0, 0.08)))
            await _deliver(world, device, outbox)
            await killing
            server.start_again()
        while outbox:
            await _deliver(world, device, outbox)
        token = await world.technician_token()
        detail = TicketDetail.model_validate_json((await world.get(f"/api/tickets/{statement.ticket}", token)).content)
        assert sorted(row.text for row in detail.messages) == sorted(f"word {at}" for at in range(1, said + 1))
        export = await _export(world)
        sequences = [_sequence(leaf) for leaf in export.entries if b'"action-started"' in leaf]
        assert sorted(sequences) == list(range(1, said + 1))
        checkpoint = open_checkpoint(export.checkpoint, verifier)
        assert checkpoint.size == len(export.entries)
        consistency = (await world.get(f"/api/checkpoint?size={seen.size}", token)).json()
        from protocol.fields import decode_base64

        now = open_checkpoint(consistency["note"], verifier)
        proof = [decode_base64(step) for step in consistency["consistency"]]
        verify_consistency(seen.size, seen.root, now.size, now.root, proof)


async def _kill_after(server: RunningServer, seconds: float) -> None:
    await asyncio.sleep(seconds)
    await asyncio.to_thread(server.kill)


async def _deliver(world: World, device, outbox: dict[str, object]) -> None:  # type: ignore[no-untyped-def]
    """Send all that waits; forget what is answered; give up when the connection is lost."""
    with suppress(ConnectionClosed, OSError, TimeoutError, EOFError):
        async with world.link(device) as link:
            await link.hear(Welcome)
            for item in list(outbox.values()):
                await link.say(item)  # type: ignore[arg-type]
            while outbox:
                stored = await link.hear(Stored)
                del outbox[stored.id]


async def _export(world: World) -> AuditExport:
    done = await world.get("/api/audit/export", await world.technician_token())
    return AuditExport.model_validate_json(done.content)


def _sequence(leaf: bytes) -> int:
    from protocol.audit import AuditLeaf

    return AuditLeaf.model_validate_json(leaf).entry.sequence
