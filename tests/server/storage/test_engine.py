"""The database: whole transactions or none, readers beside a writer, and tables as the code says."""

import asyncio

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection, func, select, text
from sqlalchemy.exc import IntegrityError

from server.config import ConfigError
from server.organisation.model import setup_codes
from server.storage.batch import BatchWriter
from server.storage.engine import Database, checked_url
from server.storage.migrate import migrate
from server.storage.tables import METADATA


async def rows(database: Database) -> int:
    async with database.read() as connection:
        return int(await connection.scalar(select(func.count()).select_from(setup_codes)) or 0)


def code(at: int) -> object:
    return setup_codes.insert().values(code_hash=at.to_bytes(32, "big"), made_at=at)


async def test_the_migrations_make_exactly_the_tables_of_the_code(empty_database_url: str) -> None:
    database = Database(empty_database_url)
    await migrate(database)

    def compare(connection: Connection) -> list[object]:
        return list(compare_metadata(MigrationContext.configure(connection), METADATA))

    async with database.write() as connection:
        assert await connection.run_sync(compare) == []
    await database.close()


async def test_migrating_again_changes_nothing(database: Database) -> None:
    async with database.write() as connection:
        await connection.execute(code(1))  # type: ignore[call-overload]
    await migrate(database)
    assert await rows(database) == 1


async def test_a_database_of_a_newer_version_is_refused(database: Database) -> None:
    async with database.write() as connection:
        await connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(ConfigError, match="newer"):
        await migrate(database)


async def test_a_transaction_that_raises_leaves_nothing(database: Database) -> None:
    async def two_and_fail() -> None:
        async with database.write() as connection:
            await connection.execute(code(1))  # type: ignore[call-overload]
            raise ValueError("stop")

    with pytest.raises(ValueError, match="stop"):
        await two_and_fail()
    assert await rows(database) == 0


async def test_readers_go_on_while_somebody_writes(database: Database) -> None:
    async with database.write() as connection:
        await connection.execute(code(1))  # type: ignore[call-overload]
        async with asyncio.timeout(5):
            assert await rows(database) == 0  # not committed, not seen
    assert await rows(database) == 1


async def test_fifty_writers_at_once_all_succeed(database: Database) -> None:
    async def one(at: int) -> None:
        async with database.write() as connection:
            await connection.execute(code(at))  # type: ignore[call-overload]

    await asyncio.gather(*(one(at) for at in range(50)))
    assert await rows(database) == 50


async def test_sqlite_keeps_what_it_acknowledged_and_checks_its_keys(database: Database) -> None:
    if not database.is_sqlite:
        pytest.skip("PRAGMAs are SQLite's")
    async with database.write() as connection:
        settings = [
            (await connection.execute(text(f"PRAGMA {name}"))).scalar()
            for name in ("journal_mode", "synchronous", "foreign_keys")
        ]
    assert settings == ["wal", 2, 1]


async def test_an_error_does_not_tell_what_people_wrote(database: Database) -> None:
    async with database.write() as connection:
        await connection.execute(code(1))  # type: ignore[call-overload]
    again = setup_codes.insert().values(code_hash=(1).to_bytes(32, "big"), made_at=4_711_000_001)
    async with database.write() as connection:
        with pytest.raises(IntegrityError) as caught:
            await connection.execute(again)
    assert "4711000001" not in str(caught.value)


@pytest.mark.parametrize("url", ["", "not a url", "mysql://x/y", "postgres"])
def test_what_is_no_database_url_is_refused_in_words(url: str) -> None:
    with pytest.raises(ConfigError, match="--database"):
        checked_url(url)


@pytest.mark.parametrize("url", ["postgresql://u@h/d", "postgresql+asyncpg://u@h/d", "sqlite:///x.db"])
def test_the_asynchronous_driver_is_filled_in(url: str) -> None:
    assert checked_url(url).drivername in ("postgresql+asyncpg", "sqlite+aiosqlite")


async def test_what_is_put_together_is_written_together_and_answered_after_the_commit(database: Database) -> None:
    writer = BatchWriter(database)
    running = asyncio.create_task(writer.run())

    async def put(at: int) -> int:
        async def job(connection) -> None:  # type: ignore[no-untyped-def]
            await connection.execute(code(at))

        await writer.put(job)
        return await rows(database)

    seen = await asyncio.gather(*(put(at) for at in range(500)))
    assert all(count > 0 for count in seen), "answered before it could be read back"
    assert await rows(database) == 500
    running.cancel()


async def test_one_bad_job_fails_alone(database: Database) -> None:
    writer = BatchWriter(database)

    async def put(at: int) -> None:
        async def job(connection) -> None:  # type: ignore[no-untyped-def]
            await connection.execute(code(at))
            if at == 7:
                raise ValueError("the seventh")

        await writer.put(job)

    asked = [asyncio.create_task(put(at)) for at in range(20)]
    await asyncio.sleep(0)
    running = asyncio.create_task(writer.run())
    done = await asyncio.gather(*asked, return_exceptions=True)
    assert [str(one) for one in done if one is not None] == ["the seventh"]
    assert await rows(database) == 19
    running.cancel()
