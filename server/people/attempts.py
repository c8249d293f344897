"""Counts failed sign-ins, by account and by address, and says how long the next attempt waits (rules.py).

    attempt ─► 0: try now, counted as failed ─► forgive, when it was right
            └► seconds to wait; nothing is counted

Counted before anything is looked at, so that a hundred attempts at once are a hundred and not one. Names that nobody
has are counted like others: waiting tells nothing about which accounts there are. Only hashes are kept.
"""

from sqlalchemy import delete, select, update

from server.clock import Clock
from server.people.model import sign_in_attempts
from server.people.rules import (
    ACCOUNT_LIMIT,
    ADDRESS_LIMIT,
    FORGET_FAILURES_S,
    SECOND_LIMIT,
    Limit,
    account_key,
    address_key,
    second_key,
)
from server.storage.engine import Database


class Attempts:
    def __init__(self, database: Database, now: Clock) -> None:
        self._database = database
        self._now = now

    async def attempt(self, name: str, address: str) -> int:
        """0: try a password now, and it is counted as failed until `forgive`. Else: seconds to wait."""
        return await self._attempt({account_key(name): ACCOUNT_LIMIT, address_key(address): ADDRESS_LIMIT})

    async def attempt_second(self, name: str, address: str) -> int:
        """As `attempt`, for a code. Its own count: the right password does not make guessing codes cheap again."""
        return await self._attempt({second_key(name): SECOND_LIMIT, address_key(address): ADDRESS_LIMIT})

    async def attempt_from(self, address: str) -> int:
        """As `attempt`, where it is not known yet whose sign-in this is to be."""
        return await self._attempt({address_key(address): ADDRESS_LIMIT})

    async def _attempt(self, limits: dict[bytes, Limit]) -> int:
        now = self._now()
        async with self._database.write() as connection:
            for key in sorted(limits):
                fresh = self._database.insert(sign_in_attempts).values(key=key, failures=0, last_at=now)
                await connection.execute(fresh.on_conflict_do_nothing(index_elements=["key"]))
            query = select(sign_in_attempts).where(sign_in_attempts.c.key.in_(limits)).order_by(sign_in_attempts.c.key)
            # Locked, so that attempts at once are judged one after the other.
            known = (await connection.execute(query.with_for_update())).all()
            wait = max(limits[row.key].wait_s(row.failures, row.last_at, now) for row in known)
            if wait:
                return wait
            for row in known:
                forgotten = row.last_at < now - FORGET_FAILURES_S
                await connection.execute(
                    update(sign_in_attempts)
                    .where(sign_in_attempts.c.key == row.key)
                    .values(failures=1 if forgotten else row.failures + 1, last_at=now)
                )
        return 0

    async def forgive(self, name: str, address: str) -> None:
        """The attempt just made was right: forget the account's failures, and take this one from the address."""
        await self._forgive(account_key(name), address)

    async def forgive_second(self, name: str, address: str) -> None:
        await self._forgive(second_key(name), address)

    async def forgive_from(self, address: str) -> None:
        await self._forgive(None, address)

    async def _forgive(self, key: bytes | None, address: str) -> None:
        async with self._database.write() as connection:
            await connection.execute(delete(sign_in_attempts).where(sign_in_attempts.c.key == key))
            await connection.execute(
                update(sign_in_attempts)
                .where(sign_in_attempts.c.key == address_key(address), sign_in_attempts.c.failures > 0)
                .values(failures=sign_in_attempts.c.failures - 1)
            )

    async def sweep(self) -> None:
        async with self._database.write() as connection:
            await connection.execute(
                delete(sign_in_attempts).where(sign_in_attempts.c.last_at < self._now() - FORGET_FAILURES_S)
            )
