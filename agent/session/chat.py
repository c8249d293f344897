"""Words between the technician and the customer during a visit, kept with it.

A technician's message is an action: signed by them, booked, in the receipt. A customer's message goes out through the
sealed channel alone; the server sees neither. Both are kept here with the grant they belong to, so that the customer
can read them afterwards, and are part of the transcript.

The author of a technician's message is the verified certificate of the visit; that of a customer's is the local user,
as the kernel names them.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any, Final, Literal

from pydantic import Field

from agent.clocks import Clocks
from agent.consent.verbs import user_name
from agent.local.verbs import NoArguments, Peer, Verb
from agent.refusal import Refusal
from agent.session.grants_store import GrantsStore
from agent.store.database import Database
from diagnostics.visit_rows import ChatMessage
from protocol.actions.chat import CHAT_MAX_CHARS
from protocol.actions.scopes import Scope
from protocol.fields import Words
from protocol.strict_json import WireModel

TABLES: Final = (
    """CREATE TABLE IF NOT EXISTS session_messages (
        grant_hash BLOB NOT NULL,
        number INTEGER NOT NULL,
        at INTEGER NOT NULL,
        author TEXT NOT NULL CHECK (author IN ('technician', 'customer')),
        name TEXT NOT NULL,
        text TEXT NOT NULL,
        PRIMARY KEY (grant_hash, number)
    ) STRICT""",
)

Author = Literal["technician", "customer"]
#: More words than any conversation; beyond it somebody fills a disk.
MESSAGES_MAX: Final = 2_000


@dataclass(frozen=True)
class VisitInForce:
    """The visit under way, as proven: names of the certificate, the grant, what is allowed now."""

    grant: bytes
    technician: str
    organisation: str
    ticket: str
    scopes: frozenset[Scope]


class SayArguments(WireModel):
    text: Annotated[Words, Field(min_length=1, max_length=CHAT_MAX_CHARS)]


class Chat:
    """One for the service. `visit`: the one in force, or None."""

    def __init__(self, database: Database, clocks: Clocks, *, visit: Callable[[], VisitInForce | None]) -> None:
        self._database = database
        self._grants = GrantsStore(database)
        self._clocks = clocks
        self._visit = visit
        self._news = asyncio.Event()

    def _first(self, grant: bytes) -> bytes:
        """The grant under which the visit began: one that went on after a lost connection is the same conversation."""
        while (stored := self._grants.get(grant)) is not None and stored.grant_body.successor_of is not None:
            grant = stored.grant_body.successor_of
        return grant

    def say(self, grant: bytes, author: Author, name: str, text: str) -> ChatMessage:
        """On the disk when this returns; then whoever follows hears of it."""
        if not text.strip():
            raise Refusal("an empty message", expected="some words", got="none")
        at, grant = self._clocks.wall(), self._first(grant)
        with self._database.transaction() as connection:
            row = connection.execute(
                "SELECT coalesce(max(number), 0) AS last FROM session_messages WHERE grant_hash = ?", (grant,)
            ).fetchone()
            number = int(row["last"]) + 1
            if number > MESSAGES_MAX:
                raise Refusal("too many messages in one visit", expected=f"at most {MESSAGES_MAX}", got="one more")
            connection.execute(
                "INSERT INTO session_messages VALUES (?, ?, ?, ?, ?, ?)", (grant, number, at, author, name, text)
            )
        self._news.set()
        self._news = asyncio.Event()
        return ChatMessage(number, at, author, name, text)

    def of(self, grant: bytes, *, after: int = 0) -> list[ChatMessage]:
        rows = self._database.query(
            "SELECT * FROM session_messages WHERE grant_hash = ? AND number > ? ORDER BY number",
            (self._first(grant), after),
        )
        return [ChatMessage(row["number"], row["at"], row["author"], row["name"], row["text"]) for row in rows]

    async def after(self, grant: bytes, number: int) -> list[ChatMessage]:
        """Messages after `number`, as soon as there are any."""
        while True:
            news = self._news
            if found := self.of(grant, after=number):
                return found
            await news.wait()

    # --- local verbs ---------------------------------------------------------------------------------------------

    def verbs(self) -> tuple[Verb[Any], ...]:
        return (
            Verb("chat-list", NoArguments, self._list),
            # A technician's session must not put words into the customer's mouth.
            Verb("chat-say", SayArguments, self._say, refused_to_sessions=True),
        )

    async def _list(self, arguments: NoArguments, peer: Peer) -> object:
        visit = self._visit()
        grant = self._last_grant() if visit is None else visit.grant
        return {
            "open": visit is not None and Scope.CHAT in visit.scopes,
            "technician": "" if visit is None else visit.technician,
            "organisation": "" if visit is None else visit.organisation,
            "messages": [] if grant is None else [_value(message) for message in self.of(grant)],
        }

    async def _say(self, arguments: SayArguments, peer: Peer) -> object:
        visit = self._visit()
        if visit is None or Scope.CHAT not in visit.scopes:
            raise Refusal(
                "nobody is here to read this",
                expected="a visit that you have allowed to exchange messages",
                got="none" if visit is None else "a visit without it",
                hint='Write to the desk instead: bellpull-agent ask "…"',
            )
        return {"number": self.say(visit.grant, "customer", user_name(peer.uid), arguments.text).number}

    def _last_grant(self) -> bytes | None:
        """The newest visit in which anything was said."""
        rows = self._database.query("SELECT grant_hash FROM session_messages ORDER BY rowid DESC LIMIT 1")
        return bytes(rows[0]["grant_hash"]) if rows else None


def _value(message: ChatMessage) -> dict[str, object]:
    return {
        "number": message.number,
        "at": message.at,
        "by": message.by,
        "name": message.name,
        "text": message.text,
    }
