"""Entries that another process asks for. Only the running server writes into the log; the command line puts what it is
about to do in line, on disk, and the server takes the line at its start and every second.

    bellpull-server user role anna admin ─► [audit_waiting] ─► the running server ─► the log

An entry is in line before the change it speaks of is made. It is taken once: under its id in line it has one leaf, also
when the server is killed between the leaf and the removal from the line.
"""

import asyncio
import secrets
import time
from collections.abc import Awaitable, Callable

from sqlalchemy import delete, select
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection

from protocol import strict_json
from protocol.audit import AuditEntry
from server.audit.model import waiting
from server.logs import log
from server.storage.engine import Database

LOOK_EVERY_S = 1.0
_AT_ONCE = 200


async def ask_for_entry(connection: AsyncConnection, entry: AuditEntry) -> None:
    """Put `entry` in line, within the transaction of `connection`."""
    # Ids rise with time, so that what is asked within a second keeps its order.
    row = {
        "id": f"{time.time_ns():016x}-{secrets.token_hex(8)}",
        "asked_at": entry.at,
        "entry": strict_json.dump(entry),
    }
    await connection.execute(waiting.insert().values(**row))


class WaitingLine:
    """`append`: writes an entry into the log once, under its id in line."""

    def __init__(self, database: Database, append: Callable[[AuditEntry, str], Awaitable[object]]) -> None:
        self._database = database
        self._append = append

    async def take(self) -> int:
        """Everything in line goes into the log, in the order it was asked for. How many entries that were."""
        taken = 0
        while True:
            async with self._database.read() as connection:
                query = select(waiting).order_by(waiting.c.id).limit(_AT_ONCE)
                rows = (await connection.execute(query)).all()
            if not rows:
                return taken
            for row in rows:
                entry = strict_json.parse(row.entry, AuditEntry, what="entry in line")
                await self._append(entry, row.id)
            async with self._database.write() as connection:
                await connection.execute(delete(waiting).where(waiting.c.id.in_([row.id for row in rows])))
            taken += len(rows)

    async def run(self) -> None:
        while True:
            try:
                await self.take()
            except (SQLAlchemyError, OSError):
                log.error("audit-line-waits-for-database")
            await asyncio.sleep(LOOK_EVERY_S)
