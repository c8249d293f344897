"""Keeps accounts, their sessions and one-use links. Besides: attempts.py, factors.py, passkeys.py, tokens.py.

Changing a password, a role or removing an account ends what was open under it: at once, and also when another process
(the command line) did it, since every request reads the row anew.
"""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Select, delete, exists, func, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from server.clock import Clock
from server.people.attempts import Attempts
from server.people.factors import Factors, reset_factors
from server.people.model import (
    accounts,
    api_tokens,
    app_codes,
    console_sessions,
    half_sign_ins,
    one_use_links,
    passkeys,
    recovery_codes,
)
from server.people.rules import (
    HALF_S,
    LINK_S,
    SEEN_EVERY_S,
    SESSION_S,
    HowSignedIn,
    Role,
    account_name,
    session_holds,
)
from server.people.tokens import TokenStore
from server.refusal import Refusal
from server.storage.engine import Database
from server.tokens import new_token, token_hash


@dataclass(frozen=True)
class Account:
    """`has_password`: false until its owner set one. `second_factor`: there are codes of an app, or a passkey."""

    name: str
    role: Role
    has_password: bool
    technician_key: bytes | None
    made_at: int
    last_sign_in: int | None
    second_factor: bool = False


@dataclass(frozen=True)
class OpenSession:
    """One browser that is signed in. `handle` names it on pages; it is part of a hash and opens nothing."""

    account: Account
    handle: str
    made_at: int
    seen_at: int
    how: HowSignedIn | None
    browser: str


#: Everything of an account that ends with it.
_BELONGINGS = (console_sessions, half_sign_ins, one_use_links, app_codes, recovery_codes, passkeys, api_tokens)

_SECOND_FACTOR = or_(
    exists().where(app_codes.c.account == accounts.c.name, app_codes.c.confirmed_at.is_not(None)),
    exists().where(passkeys.c.account == accounts.c.name),
).label("second_factor")


class PeopleStore:
    def __init__(self, database: Database, now: Clock) -> None:
        self._database = database
        self._now = now
        self.attempts = Attempts(database, now)
        self.tokens = TokenStore(database, now)

    # --- accounts ----------------------------------------------------------------------------------------------

    async def add(self, name: str, role: Role) -> Account:
        """A new account without a password. Refused where the name is taken or cannot be one."""
        kept = account_name(name)
        if kept is None:
            raise Refusal(
                422,
                "this cannot be a sign-in name",
                expected="1–40 characters: a–z, 0–9, and . _ @ - after the first",
                got=name[:60],
            )
        insert = self._database.insert(accounts).values(name=kept, role=role, made_at=self._now())
        async with self._database.write() as connection:
            done = await connection.execute(insert.on_conflict_do_nothing(index_elements=["name"]))
            if done.rowcount != 1:
                raise Refusal(409, f"there is an account {kept} already", hint="Choose another name.")
        return await self.require(kept)

    async def get(self, name: str) -> Account | None:
        async with self._database.read() as connection:
            row = (await connection.execute(_accounts().where(accounts.c.name == name))).one_or_none()
        return None if row is None else _account(row)

    async def require(self, name: str) -> Account:
        found = await self.get(name)
        if found is None:
            raise Refusal(404, "there is no such account", got=name[:60], hint="bellpull-server user list shows all.")
        return found

    async def all(self) -> tuple[Account, ...]:
        async with self._database.read() as connection:
            rows = await connection.execute(_accounts().order_by(accounts.c.name).limit(10_000))
            return tuple(_account(row) for row in rows)

    async def count(self) -> int:
        async with self._database.read() as connection:
            return int(await connection.scalar(select(func.count()).select_from(accounts)) or 0)

    async def set_role(self, name: str, role: Role) -> None:
        """A new role; ends its sessions. The last admin stays one."""
        async with self._database.write() as connection:
            await self._check_an_admin_stays(connection, name, role)
            changed = await connection.execute(update(accounts).where(accounts.c.name == name).values(role=role))
            _require_one(changed.rowcount, name)
            await self._end_all(connection, name, None)

    async def remove(self, name: str) -> None:
        """The account and all that is its own. The last admin stays."""
        async with self._database.write() as connection:
            await self._check_an_admin_stays(connection, name, None)
            for table in _BELONGINGS:
                await connection.execute(delete(table).where(table.c.account == name))
            done = await connection.execute(delete(accounts).where(accounts.c.name == name))
            _require_one(done.rowcount, name)

    async def link_technician(self, name: str, technician_key: bytes | None) -> None:
        async with self._database.write() as connection:
            changed = await connection.execute(
                update(accounts).where(accounts.c.name == name).values(technician_key=technician_key)
            )
            _require_one(changed.rowcount, name)

    async def password_of(self, name: str) -> str | None:
        """The PHC string, or none: no account, or no password yet."""
        async with self._database.read() as connection:
            found: str | None = await connection.scalar(select(accounts.c.password).where(accounts.c.name == name))
            return found

    async def set_password(self, name: str, phc: str, *, keep: str | None = None) -> None:
        """A new password ends every session but the one of token `keep`, and every link."""
        async with self._database.write() as connection:
            changed = await connection.execute(update(accounts).where(accounts.c.name == name).values(password=phc))
            _require_one(changed.rowcount, name)
            await self._end_all(connection, name, keep)
            await connection.execute(delete(one_use_links).where(one_use_links.c.account == name))

    async def renew_hash(self, name: str, old: str, phc: str) -> None:
        """The same password under today's parameters; nothing ends. Not done when it was changed meanwhile."""
        async with self._database.write() as connection:
            await connection.execute(
                update(accounts).where(accounts.c.name == name, accounts.c.password == old).values(password=phc)
            )

    async def reset_second_factor(self, name: str) -> Factors:
        """No second factor any more, for who lost all of theirs; ends every session. What there was."""
        async with self._database.write() as connection:
            had = await reset_factors(connection, name)
            await self._end_all(connection, name, None)
        return had

    async def _check_an_admin_stays(self, connection: AsyncConnection, name: str, role: Role | None) -> None:
        # Locked: two who remove each other at once must not both see the other one stay.
        query = select(accounts.c.name).where(accounts.c.role == Role.ADMIN).order_by(accounts.c.name)
        admins = set((await connection.execute(query.with_for_update())).scalars())
        if admins == {name} and role is not Role.ADMIN:
            raise Refusal(409, f"{name} is the only admin", hint="Make somebody else an admin first.")

    # --- one-use links -------------------------------------------------------------------------------------------

    async def new_link(self, name: str) -> str:
        """A token that signs `name` in once, within a day. Older links of this account end."""
        await self.require(name)
        token, now = new_token(), self._now()
        async with self._database.write() as connection:
            await connection.execute(delete(one_use_links).where(one_use_links.c.account == name))
            await connection.execute(
                one_use_links.insert().values(
                    token_hash=token_hash(token), account=name, made_at=now, expires_at=now + LINK_S
                )
            )
        return token

    async def link_account(self, token: str) -> Account | None:
        """Whose link this is, without using it; None when unknown, used or too old."""
        query = (
            _accounts()
            .join(one_use_links, one_use_links.c.account == accounts.c.name)
            .where(one_use_links.c.token_hash == token_hash(token), one_use_links.c.expires_at > self._now())
        )
        async with self._database.read() as connection:
            row = (await connection.execute(query)).one_or_none()
        return None if row is None else _account(row)

    async def use_link(self, token: str) -> Account | None:
        """Whose link this was: it is gone now. Of two who use it at once, one gets None."""
        account = await self.link_account(token)
        async with self._database.write() as connection:
            used = await connection.execute(
                delete(one_use_links).where(
                    one_use_links.c.token_hash == token_hash(token), one_use_links.c.expires_at > self._now()
                )
            )
        return account if used.rowcount == 1 else None

    # --- sessions ------------------------------------------------------------------------------------------------

    async def begin(self, name: str, how: HowSignedIn | None = None, browser: str = "") -> str:
        """A session for `name`; returns the token for its cookie."""
        token, now = new_token(), self._now()
        async with self._database.write() as connection:
            await connection.execute(
                console_sessions.insert().values(
                    token_hash=token_hash(token),
                    account=name,
                    made_at=now,
                    seen_at=now,
                    expires_at=now + SESSION_S,
                    how=how,
                    browser=browser,
                )
            )
            await connection.execute(update(accounts).where(accounts.c.name == name).values(last_sign_in=now))
        return token

    async def visitor(self, token: str, *, active: bool = True) -> Account | None:
        """Who holds this session, if it is neither idle too long nor over."""
        found = await self.session(token, active=active)
        return None if found is None else found.account

    async def session(self, token: str, *, active: bool = True) -> OpenSession | None:
        """The session of this token, if it is neither idle too long nor over. `active`: a person did this."""
        hashed, now = token_hash(token), self._now()
        async with self._database.read() as connection:
            query = _sessions().where(console_sessions.c.token_hash == hashed)
            row = (await connection.execute(query)).one_or_none()
        if row is None or not session_holds(row.seen_at, row.expires_at, now):
            return None
        if active and now - row.seen_at >= SEEN_EVERY_S:
            async with self._database.write() as connection:
                await connection.execute(
                    update(console_sessions).where(console_sessions.c.token_hash == hashed).values(seen_at=now)
                )
        return _session(row)

    async def sessions_of(self, name: str) -> tuple[OpenSession, ...]:
        """Where `name` is signed in now, the newest first."""
        now = self._now()
        query = _sessions().where(console_sessions.c.account == name).order_by(console_sessions.c.made_at.desc())
        async with self._database.read() as connection:
            rows = (await connection.execute(query)).all()
        return tuple(_session(row) for row in rows if session_holds(row.seen_at, row.expires_at, now))

    async def end(self, token: str) -> None:
        async with self._database.write() as connection:
            await connection.execute(delete(console_sessions).where(console_sessions.c.token_hash == token_hash(token)))

    async def end_one(self, name: str, handle: str) -> bool:
        """The session of `name` that pages call `handle`; false when there is none (any more)."""
        async with self._database.write() as connection:
            query = select(console_sessions.c.token_hash).where(console_sessions.c.account == name)
            found = [one for one in (await connection.execute(query)).scalars() if session_handle(one) == handle]
            await connection.execute(delete(console_sessions).where(console_sessions.c.token_hash.in_(found)))
        return bool(found)

    async def end_all(self, name: str, *, keep: str | None = None) -> int:
        """Every session of `name`, but the one of token `keep`; and what was half way to being one."""
        async with self._database.write() as connection:
            return await self._end_all(connection, name, keep)

    async def _end_all(self, connection: AsyncConnection, name: str, keep: str | None) -> int:
        await connection.execute(delete(half_sign_ins).where(half_sign_ins.c.account == name))
        query = delete(console_sessions).where(console_sessions.c.account == name)
        if keep is not None:
            query = query.where(console_sessions.c.token_hash != token_hash(keep))
        return int((await connection.execute(query)).rowcount)

    # --- the first half of a sign-in ---------------------------------------------------------------------------

    async def begin_half(self, name: str, how: HowSignedIn) -> str:
        """A token that shows: the first factor was right. Good for the page that asks for the second."""
        token, now = new_token(), self._now()
        async with self._database.write() as connection:
            await connection.execute(
                half_sign_ins.insert().values(
                    token_hash=token_hash(token), account=name, how=how, expires_at=now + HALF_S
                )
            )
        return token

    async def half(self, token: str) -> tuple[Account, HowSignedIn] | None:
        """Whose first half this is, and how it was proven."""
        query = (
            _accounts()
            .add_columns(half_sign_ins.c.how)
            .join(half_sign_ins, half_sign_ins.c.account == accounts.c.name)
            .where(half_sign_ins.c.token_hash == token_hash(token), half_sign_ins.c.expires_at > self._now())
        )
        async with self._database.read() as connection:
            row = (await connection.execute(query)).one_or_none()
        return None if row is None else (_account(row), HowSignedIn(row.how))

    async def end_half(self, token: str) -> None:
        async with self._database.write() as connection:
            await connection.execute(delete(half_sign_ins).where(half_sign_ins.c.token_hash == token_hash(token)))

    async def sweep(self) -> None:
        """Forget failures, sessions and links that are over."""
        now = self._now()
        async with self._database.write() as connection:
            for table in (console_sessions, half_sign_ins, one_use_links):
                await connection.execute(delete(table).where(table.c.expires_at <= now))
        await self.attempts.sweep()
        await self.tokens.sweep()


def session_handle(hashed: bytes) -> str:
    return hashed.hex()[:24]


def _accounts() -> Select[Any]:
    return select(accounts, _SECOND_FACTOR)


def _sessions() -> Select[Any]:
    columns = console_sessions.c
    return (
        _accounts()
        .add_columns(columns.token_hash, columns.seen_at, columns.expires_at, columns.how, columns.browser)
        .add_columns(columns.made_at.label("session_made_at"))
        .join(console_sessions, columns.account == accounts.c.name)
    )


def _session(row: Any) -> OpenSession:
    return OpenSession(
        account=_account(row),
        handle=session_handle(row.token_hash),
        made_at=row.session_made_at,
        seen_at=row.seen_at,
        how=None if row.how is None else HowSignedIn(row.how),
        browser=row.browser or "",
    )


def _account(row: Any) -> Account:
    return Account(
        name=row.name,
        role=Role(row.role),
        has_password=row.password is not None,
        technician_key=row.technician_key,
        made_at=row.made_at,
        last_sign_in=row.last_sign_in,
        second_factor=bool(row.second_factor),
    )


def _require_one(count: int, name: str) -> None:
    if count != 1:
        raise Refusal(404, "there is no such account", got=name[:60])
