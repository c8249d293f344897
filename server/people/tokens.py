"""Keeps API tokens: as hashes, with their scopes and customers, who made them, until when, when they were last used."""

import json
import secrets
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from sqlalchemy import delete, func, select, update

from server.clock import Clock
from server.people.model import api_tokens
from server.people.rules import Role
from server.people.token_rules import (
    CUSTOMERS_MAX,
    DAYS_MAX,
    NAME_MAX_CHARS,
    PREFIX,
    SHOWN_AFTER_END_S,
    TOKENS_MAX,
    USED_EVERY_S,
    TokenScope,
    scopes_of,
)
from server.refusal import Refusal
from server.storage.engine import Database
from server.tokens import new_token, token_hash

_DAY_S = 86_400


@dataclass(frozen=True)
class ApiToken:
    """As it was made. What it may now also depends on its maker: token_rules.py."""

    id: str
    account: str
    name: str
    scopes: frozenset[TokenScope]
    customers: frozenset[str]
    made_at: int
    expires_at: int
    last_used_at: int | None


@dataclass(frozen=True)
class Wish:
    """What somebody asks for; `checked` refuses what is more than their role may have, or no token at all."""

    name: str
    scopes: frozenset[TokenScope]
    customers: frozenset[str]
    days: int

    def checked(self, role: Role) -> "Wish":
        name = " ".join(self.name.split())
        for holds, what, expected in (
            (0 < len(name) <= NAME_MAX_CHARS, "the token needs a name", f"at most {NAME_MAX_CHARS} characters"),
            (name.isprintable(), "the token's name holds characters that no name has", "letters, digits, blanks"),
            (bool(self.scopes), "the token needs a scope", "at least one"),
            (0 < len(self.customers) <= CUSTOMERS_MAX, "the token needs customers", f"1 to {CUSTOMERS_MAX} of them"),
            (1 <= self.days <= DAYS_MAX, "the token needs an end", f"1 to {DAYS_MAX} days"),
        ):
            if not holds:
                raise Refusal(422, what, expected=expected)
        above = self.scopes - scopes_of(role)
        if above:
            raise Refusal(
                403,
                "a token may not do more than its maker",
                expected=f"what the role {role} may: {', '.join(sorted(scopes_of(role)))}",
                got=", ".join(sorted(above)),
            )
        return Wish(name, self.scopes, self.customers, self.days)

    def __str__(self) -> str:
        """For the audit log's committed value, which is bounded."""
        text = f"token {self.name}: {' '.join(sorted(self.scopes))} of {', '.join(sorted(self.customers))}"
        return f"{text[:700]}, {self.days} days"


class TokenStore:
    def __init__(self, database: Database, now: Clock) -> None:
        self._database = database
        self._now = now

    async def make(self, account: str, wish: Wish) -> tuple[ApiToken, str]:
        """A wish that was checked; the token itself is in this answer and nowhere else."""
        token, now = PREFIX + new_token(), self._now()
        made = ApiToken(
            secrets.token_hex(8), account, wish.name, wish.scopes, wish.customers, now, now + wish.days * _DAY_S, None
        )
        async with self._database.write() as connection:
            held = select(func.count()).select_from(api_tokens).where(
                api_tokens.c.account == account, api_tokens.c.expires_at > now
            )  # fmt: skip
            if int(await connection.scalar(held) or 0) >= TOKENS_MAX:
                raise Refusal(409, f"an account has at most {TOKENS_MAX} tokens", hint="Revoke one first.")
            await connection.execute(
                api_tokens.insert().values(
                    token_hash=token_hash(token),
                    id=made.id,
                    account=account,
                    name=made.name,
                    scopes=" ".join(sorted(made.scopes)),
                    customers=json.dumps(sorted(made.customers), ensure_ascii=False),
                    made_at=now,
                    expires_at=made.expires_at,
                )
            )
        return made, token

    async def of(self, account: str) -> tuple[ApiToken, ...]:
        """Those in force, and those that ended lately; the newest first."""
        query = (
            select(api_tokens)
            .where(api_tokens.c.account == account, api_tokens.c.expires_at > self._now() - SHOWN_AFTER_END_S)
            .order_by(api_tokens.c.made_at.desc(), api_tokens.c.id)
        )
        async with self._database.read() as connection:
            return tuple(_token(row) for row in await connection.execute(query))

    async def require(self, account: str, id: str) -> ApiToken:
        found = next((one for one in await self.of(account) if one.id == id), None)
        if found is None:
            raise Refusal(404, "there is no such token")
        return found

    async def revoke(self, account: str, id: str) -> None:
        async with self._database.write() as connection:
            await connection.execute(delete(api_tokens).where(api_tokens.c.account == account, api_tokens.c.id == id))

    async def find(self, token: str) -> ApiToken | None:
        """Whose token this is, if it is in force; notes that it was used."""
        hashed, now = token_hash(token), self._now()
        query = select(api_tokens).where(api_tokens.c.token_hash == hashed, api_tokens.c.expires_at > now)
        async with self._database.read() as connection:
            row = (await connection.execute(query)).one_or_none()
        if row is None:
            return None
        if row.last_used_at is None or now - row.last_used_at >= USED_EVERY_S:
            async with self._database.write() as connection:
                await connection.execute(
                    update(api_tokens).where(api_tokens.c.token_hash == hashed).values(last_used_at=now)
                )
        return _token(row)

    async def sweep(self) -> None:
        async with self._database.write() as connection:
            await connection.execute(
                delete(api_tokens).where(api_tokens.c.expires_at <= self._now() - SHOWN_AFTER_END_S)
            )


def chosen_scopes(names: Collection[str]) -> frozenset[TokenScope]:
    try:
        return frozenset(TokenScope(name) for name in names)
    except ValueError:
        raise Refusal(422, "there is no such scope", expected=", ".join(TokenScope)) from None


def _token(row: Any) -> ApiToken:
    return ApiToken(
        id=row.id,
        account=row.account,
        name=row.name,
        scopes=frozenset(TokenScope(scope) for scope in row.scopes.split()),
        customers=frozenset(json.loads(row.customers)),
        made_at=row.made_at,
        expires_at=row.expires_at,
        last_used_at=row.last_used_at,
    )
