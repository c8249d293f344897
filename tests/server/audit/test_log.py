"""The log on both databases: exact bytes, one leaf for each entry, and any change behind its back is found."""

import asyncio
import contextlib
from collections.abc import AsyncIterator

import pytest
from sqlalchemy import delete, update
from sqlalchemy.exc import OperationalError

from protocol.audit import AuditEntry, AuditWord, check_inclusion
from protocol.checkpoints import LogKey, open_checkpoint
from protocol.merkle import leaf_hash, root_of, verify_consistency
from server.audit.model import head, leaves
from server.audit.store import AuditLog, BrokenLog
from server.storage.engine import Database
from tests.making import NOW, seed
from tests.server.actors import Clock, uuid
from tests.server.stores import Stores

DEVICE = "d-" + "a" * 26


def entry(at: int) -> AuditEntry:
    return AuditEntry(word=AuditWord.ACTION_STARTED, author=DEVICE, at=at, device=DEVICE, sequence=at % 1000)


@contextlib.asynccontextmanager
async def running(log: AuditLog) -> AsyncIterator[AuditLog]:
    await log.load()
    task = asyncio.create_task(log.run())
    try:
        yield log
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


@pytest.fixture
async def log(database: Database, clock: Clock) -> AsyncIterator[AuditLog]:
    async with running(Stores(database, clock).log) as started:
        yield started


async def test_many_at_once_become_one_order_and_every_proof_holds(log: AuditLog) -> None:
    appended = await asyncio.gather(
        *(log.append(entry(NOW + at), device=DEVICE, item=uuid(str(at))) for at in range(300))
    )
    assert sorted(one.index for one in appended) == list(range(300))
    checkpoint = open_checkpoint(log.note, log.key.verifier)
    assert (checkpoint.size, checkpoint.root) == (300, root_of(leaf_hash(each) for each in await log.entries()))
    for at, one in enumerate(appended):
        check_inclusion(log.proof(one), entry(NOW + at), checkpoint.size, checkpoint.root)


async def test_the_same_item_again_is_the_same_leaf_also_at_once(log: AuditLog) -> None:
    twice = await asyncio.gather(
        *(log.append(entry(NOW), device=DEVICE, item=uuid("one")) for _ in range(5)),
    )
    later = await log.append(entry(NOW + 9), device=DEVICE, item=uuid("one"))
    assert {(one.index, one.leaf) for one in (*twice, later)} == {(0, twice[0].leaf)}
    other = await log.append(entry(NOW), device="d-" + "b" * 26, item=uuid("one"))
    assert (other.index, log.size) == (1, 2)


async def test_each_tree_is_the_beginning_of_every_later_one(log: AuditLog) -> None:
    notes = [log.note]
    for at in range(12):
        await log.append(entry(NOW + at))
        notes.append(log.note)
    newest = open_checkpoint(notes[-1], log.key.verifier)
    for note in notes:
        old = open_checkpoint(note, log.key.verifier)
        verify_consistency(old.size, old.root, newest.size, newest.root, log.consistency(old.size))
    assert log.consistency(99) == ()
    assert log.checkpoint_at(99) is None


async def test_a_restart_goes_on_with_the_same_tree(database: Database, clock: Clock) -> None:
    async with running(Stores(database, clock).log) as first:
        for at in range(7):
            await first.append(entry(NOW + at))
        before = first.note
    async with running(Stores(database, clock).log) as second:
        assert second.note == before
        assert (await second.append(entry(NOW + 7))).index == 7


async def tampered(database: Database, clock: Clock, *changes: object) -> AuditLog:
    async with running(Stores(database, clock).log) as log:
        for at in range(9):
            await log.append(entry(NOW + at))
    async with database.write() as connection:
        for change in changes:
            await connection.execute(change)  # type: ignore[call-overload]
    return Stores(database, clock).log


@pytest.mark.parametrize("index", range(9))
async def test_any_changed_or_removed_entry_stops_the_server(database: Database, clock: Clock, index: int) -> None:
    forged = update(leaves).where(leaves.c.index == index).values(leaf=b"{}")
    with pytest.raises(BrokenLog):
        await (await tampered(database, clock, forged)).load()
    async with database.write() as connection:
        await connection.execute(delete(leaves).where(leaves.c.index == index))
    with pytest.raises(BrokenLog):
        await Stores(database, clock).log.load()


async def test_an_added_entry_a_cut_tail_and_a_lost_or_foreign_head_stop_the_server(
    database: Database, clock: Clock
) -> None:
    added = leaves.insert().values(index=9, leaf=b"{}")
    log = await tampered(database, clock, added)
    with pytest.raises(BrokenLog, match="changed"):
        await log.load()
    async with database.write() as connection:
        await connection.execute(delete(leaves).where(leaves.c.index >= 5))
    with pytest.raises(BrokenLog, match="signed 9 entries"):
        await log.load()
    foreign = AuditLog(database, LogKey.from_raw("test/log", seed("another log key")), clock)
    with pytest.raises(BrokenLog, match="log key"):
        await foreign.load()
    async with database.write() as connection:
        await connection.execute(delete(head))
    with pytest.raises(BrokenLog, match="no signed checkpoint"):
        await log.load()


async def test_a_failed_write_fails_its_askers_and_the_log_goes_on_whole(
    log: AuditLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    await log.append(entry(NOW))

    def broken(_self: object) -> str:
        raise OperationalError("COMMIT", {}, Exception("disk I/O error"))

    with monkeypatch.context() as patched:
        patched.setattr(AuditLog, "_sign", broken)
        with pytest.raises(OperationalError):
            await log.append(entry(NOW + 1))
    again = await log.append(entry(NOW + 1))
    assert (again.index, log.size) == (1, 2)
    checkpoint = open_checkpoint(log.note, log.key.verifier)
    check_inclusion(log.proof(again), entry(NOW + 1), checkpoint.size, checkpoint.root)
