"""A log that cannot be written: no visit begins, nothing risky is vouched for, and once it can, nothing was lost."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import pytest
from sqlalchemy.exc import SQLAlchemyError

from protocol.audit import AuditEntry, AuditWord, check_inclusion
from protocol.checkpoints import open_checkpoint
from protocol.messages.api import SessionAsk, SessionRoom
from protocol.messages.items import AuditItem, Stored
from protocol.messages.login import Welcome
from protocol.messages.sessions import SessionOffer
from tests.making import NOW
from tests.server.actors import AgentLink, DeviceActor, World, log_verifier, until, until_async, uuid


@asynccontextmanager
async def full(desk: World) -> AsyncIterator[None]:
    """No page more for this database: what SQLite says is `database or disk is full`."""
    database = desk.office.database
    async with database.write() as connection:
        pages = (await connection.exec_driver_sql("PRAGMA page_count")).scalar()
        await connection.exec_driver_sql(f"PRAGMA max_page_count = {pages}")
    with pytest.raises(SQLAlchemyError, match="full"):
        await _write_on(desk)
    yield
    async with database.write() as connection:
        await connection.exec_driver_sql("PRAGMA max_page_count = 1000000")


@asynccontextmanager
async def read_only(desk: World) -> AsyncIterator[None]:
    """`attempt to write a readonly database`."""
    await _outside_a_transaction(desk, "PRAGMA query_only = ON")
    with pytest.raises(SQLAlchemyError, match="readonly"):
        await _write_on(desk)
    yield
    await _outside_a_transaction(desk, "PRAGMA query_only = OFF")


async def _write_on(desk: World) -> None:
    """What is left in the last pages: many at once until that fails, then one by one until nothing fits any more."""
    with suppress(SQLAlchemyError):
        for _ in range(20):
            await asyncio.gather(*(desk.office.record(AuditWord.SIGN_IN, commitment=bytes(32)) for _ in range(50)))
    for _ in range(500):
        await desk.office.record(AuditWord.SIGN_IN, commitment=bytes(32))


async def _outside_a_transaction(desk: World, pragma: str) -> None:
    async with desk.office.database._writer.connect() as connection:
        raw = await connection.get_raw_connection()
        await raw.driver_connection.execute(pragma)


FAILURES = pytest.mark.parametrize("broken", [full, read_only], ids=["disk full", "read-only"])


@FAILURES
async def test_no_visit_begins_and_the_device_hears_nothing_of_it(desk: World, broken) -> None:  # type: ignore[no-untyped-def]
    device = await desk.approved()
    token = await desk.technician_token()
    asked = SessionAsk(device=device.device, ticket=None)
    async with desk.link(device) as link:
        await link.hear(Welcome)
        async with broken(desk):
            done = await desk.post("/api/sessions", asked, token)
            assert done.status_code == 503, done.text
            assert desk.office.relay.rooms == 0
        await until_async(lambda: _answers(desk, asked, token))
        offer = await link.hear(SessionOffer)  # the first one ever: of the visit that was written down
        assert desk.office.relay.device_of(offer.room) == device.device
        assert desk.office.relay.rooms == 1


@FAILURES
async def test_a_visit_that_ends_meanwhile_takes_nothing_else_down(desk: World, broken) -> None:  # type: ignore[no-untyped-def]
    device = await desk.approved()
    token = await desk.technician_token()
    async with desk.link(device) as link:
        await link.hear(Welcome)
        room = SessionRoom.model_validate_json(
            (await desk.post("/api/sessions", SessionAsk(device=device.device, ticket=None), token)).content
        )
        async with desk.relay(room.room, room.join_token) as technician:
            async with broken(desk):
                desk.office.relay.end(room.room, 1000, "over")
                await technician.wait_closed()
                await until(lambda: desk.office.relay.rooms == 0)
            assert desk.office.failure is None
            assert (await desk.get("/healthz")).status_code == 200


async def _answers(desk: World, asked: SessionAsk, token: str) -> bool:
    return (await desk.post("/api/sessions", asked, token)).status_code == 200


@FAILURES
async def test_a_risky_act_is_not_vouched_for_until_it_stands_in_the_log(desk: World, broken) -> None:  # type: ignore[no-untyped-def]
    """The agent waits for `stored` before an act of risk 2: it does not get one, and gets it once there is a log."""
    device = await desk.approved()
    entry = AuditEntry(
        word=AuditWord.ACTION_STARTED, author=device.device, at=NOW, device=device.device, sequence=1, risk=2
    )
    item = AuditItem(id=uuid("risky"), entry=entry)
    size = desk.office.audit.size
    async with broken(desk):
        size = desk.office.audit.size
        async with desk.link(device) as link:
            await link.hear(Welcome)
            await link.say(item)
            assert await _never_stored(link)
    stored = await _stored(desk, device, item)
    assert stored.proof is not None
    checkpoint = open_checkpoint(stored.proof.checkpoint, log_verifier((await desk.get("/api/server")).json()))
    check_inclusion(stored.proof, entry, checkpoint.size, checkpoint.root)
    assert (stored.proof.index, checkpoint.size) == (size, size + 1)  # once, and nothing of the failed try


async def _never_stored(link: AgentLink) -> bool:
    """Whether the link ends, or says other things for a while, without a `stored`."""
    try:
        async with asyncio.timeout(0.5):
            async for text in link.socket:
                if '"stored"' in str(text):
                    return False
    except TimeoutError:
        pass
    return True


async def _stored(desk: World, device: DeviceActor, item: AuditItem) -> Stored:
    """As the outbox does it: again on a new link, until there is an answer."""
    for _ in range(20):
        try:
            async with desk.link(device) as link:
                await link.hear(Welcome)
                await link.say(item)
                return await link.hear(Stored)
        except Exception:  # noqa: BLE001 - the log is being read anew: the link was closed
            await asyncio.sleep(0.2)
    raise AssertionError("never stored")
