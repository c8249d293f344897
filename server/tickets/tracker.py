"""The third line's link to an outside tracker: one address a ticket, checked, and never fetched by this server."""

from typing import Final
from urllib.parse import urlsplit

from sqlalchemy import select

from protocol.messages.desk import TicketState
from server.clock import Clock
from server.refusal import Refusal
from server.storage.engine import Database
from server.tickets.history import Author, Event, EventKind, keep
from server.tickets.levels import Level
from server.tickets.model import ticket_trackers
from server.tickets.rules import OPEN_STATES
from server.tickets.store import TicketStore

URL_MAX_CHARS: Final = 500


def tracker_url(text: str) -> str | None:
    """The address as it is kept; None where it is not one that a page may link to. Pure."""
    url = text.strip()
    if not 0 < len(url) <= URL_MAX_CHARS or not url.isascii() or not url.isprintable() or set(url) & set(' "<>\\^`{|}'):
        return None
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return None
    # A name before an @ looks like the host to people; browsers go to what stands behind it.
    if parts.scheme not in ("http", "https") or not parts.hostname or "@" in parts.netloc or port == 0:
        return None
    return url


class Trackers:
    def __init__(self, database: Database, tickets: TicketStore, now: Clock) -> None:
        self._database = database
        self._tickets = tickets
        self._now = now

    async def of(self, ticket: str) -> str | None:
        async with self._database.read() as connection:
            query = select(ticket_trackers.c.url).where(ticket_trackers.c.ticket == ticket)
            url: str | None = await connection.scalar(query)
        return url

    async def link(self, ticket: str, text: str, *, by: Author) -> None:
        """Another address replaces the one before; the history keeps both."""
        url = tracker_url(text)
        if url is None:
            raise Refusal(
                422, "this is no address of a tracker", expected=f"https://…, at most {URL_MAX_CHARS} characters"
            )
        async with self._database.write() as connection:
            row = await self._tickets.for_change(connection, ticket)
            if TicketState(row.state) not in OPEN_STATES or row.level != Level.THIRD_LINE:
                raise Refusal(409, "only an open ticket of the third line is linked", hint="Hand it on first.")
            values = {"url": url, "at": self._now(), "by_name": by.name}
            insert = self._database.insert(ticket_trackers).values(ticket=row.ticket, **values)
            await connection.execute(insert.on_conflict_do_update(index_elements=["ticket"], set_=values))
            await keep(connection, Event(row.ticket, self._now(), EventKind.TRACKER, None, None, by, url))
            await self._tickets.change(connection, row, by, {})
