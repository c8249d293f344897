"""The engine: readers that never block, one writer at a time, and `acknowledged` means `on disk`.

SQLite: write-ahead log, `synchronous=FULL`, every write transaction starts with BEGIN IMMEDIATE on the one writing
connection, so that no transaction fails half-way for a lock. PostgreSQL: one pool for both.
Leaves to others: batching small writes (batch.py), tables (each room's model.py), migrations (migrate.py).
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from sqlalchemy import Table, event, text
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from server.config import ConfigError

_PRAGMAS = (
    "PRAGMA journal_mode=WAL",
    "PRAGMA synchronous=FULL",
    "PRAGMA foreign_keys=ON",
    "PRAGMA busy_timeout=5000",
    "PRAGMA trusted_schema=OFF",
)


class Database:
    """`read()` and `write()` give a connection inside a transaction; `write()` commits on leaving, or rolls back."""

    def __init__(self, url: str) -> None:
        self.url = checked_url(url)
        self.is_sqlite = self.url.get_backend_name() == "sqlite"
        self._writing = asyncio.Lock()
        if self.is_sqlite:
            self._reader = _sqlite_engine(self.url, "BEGIN", pool_size=4)
            self._writer = _sqlite_engine(self.url, "BEGIN IMMEDIATE", pool_size=1)
        else:
            self._reader = self._writer = create_async_engine(
                self.url, pool_size=10, pool_pre_ping=True, hide_parameters=True
            )

    @asynccontextmanager
    async def read(self) -> AsyncIterator[AsyncConnection]:
        async with self._reader.connect() as connection, connection.begin():
            yield connection

    @asynccontextmanager
    async def write(self) -> AsyncIterator[AsyncConnection]:
        if not self.is_sqlite:
            async with self._writer.begin() as connection:
                yield connection
            return
        async with self._writing, self._writer.begin() as connection:
            yield connection

    def insert(self, table: Table) -> Any:
        """An INSERT that knows `on_conflict_do_nothing` and `on_conflict_do_update`, alike in both dialects."""
        return sqlite.insert(table) if self.is_sqlite else postgresql.insert(table)

    async def answers(self) -> bool:
        try:
            async with asyncio.timeout(2), self.read() as connection:
                await connection.execute(text("SELECT 1"))
        except (TimeoutError, OSError, SQLAlchemyError):
            return False
        return True

    async def close(self) -> None:
        # Without this the drivers' threads keep the process alive.
        await self._reader.dispose()
        await self._writer.dispose()


def checked_url(address: str) -> URL:
    """A database URL with the asynchronous driver filled in."""
    try:
        url = make_url(address)
    except ArgumentError:
        raise ConfigError("--database is not a database URL; for example postgresql://user@host/bellpull") from None
    match url.get_backend_name():
        case "sqlite":
            return url.set(drivername="sqlite+aiosqlite")
        case "postgresql" | "postgres":
            return url.set(drivername="postgresql+asyncpg")
        case other:
            raise ConfigError(f"--database speaks {other}; sqlite and postgresql are what this server knows")


def _sqlite_engine(url: URL, begin: str, *, pool_size: int) -> AsyncEngine:
    engine = create_async_engine(
        # hide_parameters: what people wrote must not reach a log through an error.
        url,
        pool_size=pool_size,
        max_overflow=0,
        pool_timeout=30,
        hide_parameters=True,
    )

    def on_connect(connection: Any, _record: object) -> None:
        # The driver must not open transactions of its own: ours begin where we say, as we say.
        connection.isolation_level = None
        cursor = connection.cursor()
        for pragma in _PRAGMAS:
            cursor.execute(pragma)
        cursor.close()

    def on_begin(connection: Any) -> None:
        connection.exec_driver_sql(begin)

    event.listen(engine.sync_engine, "connect", on_connect)
    event.listen(engine.sync_engine, "begin", on_begin)
    return engine
