"""What happened to a ticket, kept with its time and its author: the truth that reports are computed from.

One row for each change of state, level, owner or outcome; one when a person first answers; one for each time the
customer writes again. Rows are added in the transaction of the change itself and never altered.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from server.storage.engine import Database
from server.tickets.model import ticket_events

#: A page shows the newest; a ticket that moved more often is read by export.
SHOWN_MAX: Final = 200


class EventKind(StrEnum):
    STATE = "state"
    LEVEL = "level"
    OWNER = "owner"
    OUTCOME = "outcome"
    ANSWERED = "answered"  # once: the first act of a person on it
    WROTE = "wrote"  # the customer, after the ticket itself
    VERDICT = "verdict"  # the customer's; `after`: yes, no, or either with a mark: `yes 5`
    TRACKER = "tracker"  # linked to an outside tracker; the note is the address
    NOTED = "noted"  # a note to colleagues
    PRIORITY = "priority"
    LATE = "late"  # a service clock ran out; `after`: which (service_clock.py)


class AuthorKind(StrEnum):
    ACCOUNT = "account"  # of the console; `name` is its sign-in name
    TECHNICIAN = "technician"  # by certificate; `name` is its serial
    DEVICE = "device"
    SERVER = "server"


@dataclass(frozen=True)
class Author:
    kind: AuthorKind
    name: str = ""

    @property
    def is_person(self) -> bool:
        return self.kind in (AuthorKind.ACCOUNT, AuthorKind.TECHNICIAN)


DEVICE: Final = Author(AuthorKind.DEVICE)
#: What the server does by the clock, without anybody asking.
BY_CLOCK: Final = Author(AuthorKind.SERVER, "clock")
#: A person of the desk, when who it was does not matter.
DESK: Final = Author(AuthorKind.ACCOUNT)


def account(name: str) -> Author:
    return Author(AuthorKind.ACCOUNT, name)


@dataclass(frozen=True)
class Event:
    ticket: str
    at: int
    kind: EventKind
    before: str | None
    after: str | None
    by: Author
    note: str | None = None


#: The columns of a ticket whose changes are kept, in the order they are told.
WATCHED: Final[dict[str, EventKind]] = {
    "state": EventKind.STATE,
    "outcome": EventKind.OUTCOME,
    "level": EventKind.LEVEL,
    "owner": EventKind.OWNER,
}


async def keep(connection: AsyncConnection, *events: Event) -> None:
    for event in events:
        await connection.execute(
            ticket_events.insert().values(
                ticket=event.ticket,
                at=event.at,
                kind=event.kind,
                before=event.before,
                after=event.after,
                by_kind=event.by.kind,
                by_name=event.by.name,
                note=event.note,
            )
        )


def changes_of(row: Any, changes: dict[str, object], *, at: int, by: Author, note: str | None = None) -> list[Event]:
    """Pure: an event for each watched column that `changes` alters. The note stands at the first of them."""
    found: list[Event] = []
    for column, kind in WATCHED.items():
        if column not in changes or changes[column] == getattr(row, column):
            continue
        before, after = _text(getattr(row, column)), _text(changes[column])
        found.append(Event(row.ticket, at, kind, before, after, by, None if found else note))
    return found


async def was_answered(connection: AsyncConnection, ticket: str) -> bool:
    query = select(ticket_events.c.id).where(
        ticket_events.c.ticket == ticket, ticket_events.c.kind == EventKind.ANSWERED
    )
    return (await connection.execute(query.limit(1))).first() is not None


async def events_of(database: Database, ticket: str) -> tuple[Event, ...]:
    """The newest, newest first."""
    query = select(ticket_events).where(ticket_events.c.ticket == ticket).order_by(ticket_events.c.id.desc())
    async with database.read() as connection:
        return tuple(_event(row) for row in await connection.execute(query.limit(SHOWN_MAX)))


def _event(row: Any) -> Event:
    by = Author(AuthorKind(row.by_kind), row.by_name)
    return Event(row.ticket, row.at, EventKind(row.kind), row.before, row.after, by, row.note)


def _text(value: object) -> str | None:
    return None if value is None else str(int(value) if isinstance(value, int) else value)
