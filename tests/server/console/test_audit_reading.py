"""Reading the log, on both databases: pages, words, search, and what one visit left."""

import asyncio
import contextlib
from collections.abc import AsyncIterator

import pytest

from protocol.audit import AuditEntry, AuditWord
from protocol.checkpoints import LogKey
from server.audit.reading import AuditReading
from server.audit.store import AuditLog
from server.storage.engine import Database
from tests.making import NOW, seed
from tests.server.actors import Clock, uuid
from tests.server.console.rows import device_id

DEVICE, OTHER = device_id("laptop"), device_id("other")


@pytest.fixture
async def log(database: Database, clock: Clock) -> AsyncIterator[AuditLog]:
    made = AuditLog(database, LogKey("test/log", seed("log key")), clock)
    await made.load()
    task = asyncio.create_task(made.run())
    yield made
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task


async def append(log: AuditLog, device: str, word: AuditWord, name: str, **facts: object) -> None:
    entry = AuditEntry(word=word, author=device, at=NOW, device=device, **facts)  # type: ignore[arg-type]
    await log.append(entry, device=device, item=uuid(name))


async def test_pages_go_from_the_newest_back_to_the_first(database: Database, log: AuditLog) -> None:
    for at in range(7):
        await append(log, DEVICE, AuditWord.SESSION_ENDED, f"entry {at}")
    reading = AuditReading(database)
    pages, below = [], None
    while True:
        page = await reading.page(below=below, rows=3)
        pages.append([one.index for one in page.entries])
        below = page.older
        if below is None:
            break
    assert pages == [[6, 5, 4], [3, 2, 1], [0]]
    assert (await reading.page(below=0)).entries == ()


async def test_search_finds_words_devices_actions_and_hashes(database: Database, log: AuditLog) -> None:
    grant = seed("grant")
    await append(log, DEVICE, AuditWord.SESSION_STARTED, "a", session=grant)
    await append(log, DEVICE, AuditWord.ACTION_STARTED, "b", session=grant, sequence=1, action="diagnose.run")
    await append(log, OTHER, AuditWord.ACTION_STARTED, "c", session=seed("x"), sequence=1, action="services.list")
    reading = AuditReading(database)

    async def found(**asked: object) -> list[int]:
        return [one.index for one in (await reading.page(**asked)).entries]  # type: ignore[arg-type]

    assert await found(word=AuditWord.ACTION_STARTED) == [2, 1]
    assert await found(text=DEVICE) == [1, 0]
    assert await found(text="diagnose.run") == [1]
    assert await found(text=grant.hex().upper()) == [1, 0]
    assert await found(text='"') == []
    assert await found(text="%") == []
    assert await found(text="\\") == []
    assert await found(text="nothing of the kind") == []
    assert await found(word=AuditWord.ACTION_STARTED, text=OTHER) == [2]


async def test_a_visit_is_what_its_own_device_wrote_under_its_grant(database: Database, log: AuditLog) -> None:
    grant = seed("grant")
    await append(log, DEVICE, AuditWord.SESSION_STARTED, "a", session=grant)
    await append(log, OTHER, AuditWord.ACTION_STARTED, "b", session=grant, sequence=1, action="forged.act")
    await append(log, DEVICE, AuditWord.SESSION_ENDED, "c", session=grant)
    entries = await AuditReading(database).of_session(DEVICE, grant)
    assert [one.index for one in entries] == [0, 2]


async def test_one_entry_is_its_exact_bytes(database: Database, log: AuditLog) -> None:
    await append(log, DEVICE, AuditWord.SESSION_ENDED, "a")
    reading = AuditReading(database)
    found = await reading.get(0)
    assert found is not None
    assert [found.leaf] == await log.entries()
    assert await reading.get(1) is None
