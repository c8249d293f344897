"""What stands behind the commitments in the log: kept apart from it, given to an auditor as a file, and erasable.

    log         … {"word":"sign-in","commitment":"9f…"} …            never changes
    values      9f… · salt · «account anna»                          can be erased
    log again   … {"word":"value-erased","commitment":"9f…"}         says that it was

Erased together are salt and value: what is left in the log is a hash of 32 unknown bytes and more, which nobody can
hold against a guess. The entry about it goes through waiting.py, in the transaction that erases.
"""

import os

from sqlalchemy import delete, select
from sqlalchemy.ext.asyncio import AsyncConnection

from protocol.audit import AuditEntry, AuditWord, CommittedValue, value_commitment
from server.audit.model import salts
from server.audit.rules import Kind, speaks_of
from server.audit.waiting import ask_for_entry
from server.clock import Clock
from server.storage.engine import Database


async def commit_to(connection: AsyncConnection, value: str) -> bytes:
    """Keep `value` under a fresh salt; its commitment is what goes into the log."""
    salt = os.urandom(32)
    hashed = value_commitment(salt, value)
    await connection.execute(salts.insert().values(commitment=hashed, salt=salt, value=value))
    return hashed


class ValueStore:
    def __init__(self, database: Database, now: Clock) -> None:
        self._database = database
        self._now = now

    async def all(self) -> tuple[CommittedValue, ...]:
        async with self._database.read() as connection:
            rows = await connection.execute(select(salts).order_by(salts.c.commitment))
            return tuple(CommittedValue(commitment=row.commitment, salt=row.salt, value=row.value) for row in rows)

    async def of(self, kind: Kind, name: str) -> tuple[bytes, ...]:
        """Commitments to values that speak of `name`."""
        async with self._database.read() as connection:
            return await self._of(connection, kind, name)

    async def keeps(self, commitment: bytes) -> bool:
        async with self._database.read() as connection:
            query = select(salts.c.commitment).where(salts.c.commitment == commitment)
            return await connection.scalar(query) is not None

    async def erase(self, kind: Kind, name: str) -> int:
        """Forget every value that speaks of `name`: the log stays whole, and says for each that it is gone."""
        async with self._database.write() as connection:
            found = await self._of(connection, kind, name)
            for commitment in found:
                await connection.execute(delete(salts).where(salts.c.commitment == commitment))
                entry = AuditEntry(word=AuditWord.VALUE_ERASED, author="server", at=self._now(), commitment=commitment)
                await ask_for_entry(connection, entry)
        return len(found)

    async def _of(self, connection: AsyncConnection, kind: Kind, name: str) -> tuple[bytes, ...]:
        query = select(salts.c.commitment, salts.c.value).where(salts.c.value.contains(name, autoescape=True))
        rows = (await connection.execute(query.order_by(salts.c.commitment))).all()
        return tuple(row.commitment for row in rows if speaks_of(row.value, kind, name))
