"""Keeps what an account proves itself with besides a password: codes of an app, recovery codes. Passkeys: passkeys.py.

    begin_codes ─► a secret, not in force ─► confirm_codes with a first right code ─► asked for at each sign-in
    new_recovery_codes ─► ten codes, shown once, kept as hashes ─► each good for one sign-in

A code is taken once: the step it belongs to is written in the same statement that checks it, so that of two browsers
with the same code one gets in. Recovery codes are for who lost the telephone; they go with the last factor.
"""

import hashlib
import os
from dataclasses import dataclass
from typing import Final

from sqlalchemy import delete, func, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from server.clock import Clock
from server.people.model import app_codes, passkeys, recovery_codes
from server.people.sealing import Sealer
from server.people.totp import SECRET_BYTES, step_of_code, typed_code
from server.refusal import Refusal
from server.storage.engine import Database
from server.tokens import new_setup_code

RECOVERY_CODES: Final = 10


@dataclass(frozen=True)
class Factors:
    """What an account has. `codes_since`: when codes of an app came into force; none: they are not."""

    codes_since: int | None
    passkeys: int
    recovery_codes: int

    @property
    def any(self) -> bool:
        return self.codes_since is not None or self.passkeys > 0


class FactorStore:
    def __init__(self, database: Database, now: Clock, sealer: Sealer) -> None:
        self._database = database
        self._now = now
        self._sealer = sealer

    async def of(self, name: str) -> Factors:
        async with self._database.read() as connection:
            return await _factors_of(connection, name)

    # --- codes of an app -------------------------------------------------------------------------------------

    async def begin_codes(self, name: str) -> bytes:
        """A fresh secret, in force once a first code was right."""
        secret, now = os.urandom(SECRET_BYTES), self._now()
        values = {"secret": self._sealer.seal(secret, name), "made_at": now, "confirmed_at": None, "last_step": 0}
        async with self._database.write() as connection:
            await connection.execute(
                delete(app_codes).where(app_codes.c.account == name, app_codes.c.confirmed_at.is_(None))
            )
            insert = self._database.insert(app_codes).values(account=name, **values)
            done = await connection.execute(insert.on_conflict_do_nothing(index_elements=["account"]))
            if done.rowcount != 1:
                raise Refusal(409, "codes of an app are in force already", hint="Remove them first.")
        return secret

    async def waiting_secret(self, name: str) -> bytes | None:
        """The secret that waits for its first code."""
        query = select(app_codes.c.secret).where(app_codes.c.account == name, app_codes.c.confirmed_at.is_(None))
        async with self._database.read() as connection:
            sealed = await connection.scalar(query)
        return None if sealed is None else self._sealer.open(sealed, name)

    async def confirm_codes(self, name: str, text: str) -> bool:
        return await self._use_code(name, text, in_force=False)

    async def use_code(self, name: str, text: str) -> bool:
        """Whether this is a code of now that nobody used before. It is used up by asking."""
        return await self._use_code(name, text, in_force=True)

    async def _use_code(self, name: str, text: str, *, in_force: bool) -> bool:
        code = typed_code(text)
        state = app_codes.c.confirmed_at.is_not(None) if in_force else app_codes.c.confirmed_at.is_(None)
        async with self._database.write() as connection:
            query = select(app_codes).where(app_codes.c.account == name, state)
            row = (await connection.execute(query)).one_or_none()
            secret = None if row is None or code is None else self._sealer.open(row.secret, name)
            if row is None or code is None or secret is None:
                return False
            now = self._now()
            step = step_of_code(secret, code, now=now, last_step=row.last_step)
            if step is None:
                return False
            changes = {"last_step": step} if in_force else {"last_step": step, "confirmed_at": now}
            # `last_step` once more: another connection may have used this code since it was read.
            unused = update(app_codes).where(app_codes.c.account == name, state, app_codes.c.last_step < step)
            return (await connection.execute(unused.values(**changes))).rowcount == 1

    async def remove_codes(self, name: str) -> None:
        async with self._database.write() as connection:
            await connection.execute(delete(app_codes).where(app_codes.c.account == name))
            await forget_idle_recovery_codes(connection, name)

    # --- recovery codes --------------------------------------------------------------------------------------

    async def new_recovery_codes(self, name: str) -> tuple[str, ...]:
        """Ten fresh codes, to be shown once; older ones end. None where there is no factor they could stand in for."""
        codes = tuple(new_setup_code() for _ in range(RECOVERY_CODES))
        async with self._database.write() as connection:
            if not (await _factors_of(connection, name)).any:
                return ()
            await connection.execute(delete(recovery_codes).where(recovery_codes.c.account == name))
            rows = [{"code_hash": _hash(name, code), "account": name} for code in codes]
            await connection.execute(recovery_codes.insert(), rows)
        return codes

    async def use_recovery_code(self, name: str, text: str) -> bool:
        """Whether this is one of the codes. It is gone then; of two who use it at once one gets in."""
        async with self._database.write() as connection:
            done = await connection.execute(
                delete(recovery_codes).where(
                    recovery_codes.c.code_hash == _hash(name, text), recovery_codes.c.account == name
                )
            )
        return done.rowcount == 1


async def reset_factors(connection: AsyncConnection, name: str) -> Factors:
    had = await _factors_of(connection, name)
    for table in (app_codes, passkeys, recovery_codes):
        await connection.execute(delete(table).where(table.c.account == name))
    return had


async def forget_idle_recovery_codes(connection: AsyncConnection, name: str) -> None:
    """Without a factor to stand in for, recovery codes are nothing but ten more passwords."""
    if not (await _factors_of(connection, name)).any:
        await connection.execute(delete(recovery_codes).where(recovery_codes.c.account == name))


async def _factors_of(connection: AsyncConnection, name: str) -> Factors:
    since = await connection.scalar(
        select(app_codes.c.confirmed_at).where(app_codes.c.account == name, app_codes.c.confirmed_at.is_not(None))
    )
    counts = [
        int(await connection.scalar(select(func.count()).select_from(table).where(table.c.account == name)) or 0)
        for table in (passkeys, recovery_codes)
    ]
    return Factors(since, *counts)


def _hash(name: str, code: str) -> bytes:
    """80 random bits need no slow hash. As people type it: with or without hyphens, blanks, capitals."""
    plain = "".join(character for character in code.lower() if character.isalnum())
    return hashlib.sha256(f"bellpull recovery v1\0{name}\0{plain}".encode("utf-8", "surrogatepass")).digest()
