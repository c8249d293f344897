"""What comes back, and what does not: the customer's verdict on a solved ticket, a finding that returns, and the end.

solved ── "yes" ────────────────────────────────────► solved
  │  ├── "no", or words ────────────────────────────► reopened
  │  └── it ended without a person, and the finding is back within 14 days ─► reopened
  └───── 14 days without any of these ──────────────► closed
"""

from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from protocol.messages.desk import TicketState, TicketVerdict
from protocol.tickets import TicketStatement
from server.clock import Clock
from server.link.refused import ItemRefused
from server.storage.engine import Database
from server.tickets.history import BY_CLOCK, DEVICE, Event, EventKind, keep
from server.tickets.levels import Outcome
from server.tickets.model import ticket_events, ticket_verdicts, tickets
from server.tickets.rules import COMES_BACK_S, OPEN_STATES

if TYPE_CHECKING:
    from server.tickets.store import TicketStore

VERDICTS_MAX: Final = 50
#: Of one sweep; the next one goes on.
CLOSED_AT_ONCE: Final = 500
_OPEN: Final = [state.value for state in OPEN_STATES]


async def ended_lately(connection: AsyncConnection, device: str, body: TicketStatement, now: int) -> Any:
    """The ticket about the same finding that ended without a person within COMES_BACK_S; None: there is none."""
    ended = (
        select(func.max(ticket_events.c.at))
        .where(
            ticket_events.c.ticket == tickets.c.ticket,
            ticket_events.c.kind == EventKind.STATE,
            ticket_events.c.after == TicketState.SOLVED,
        )
        .scalar_subquery()
    )
    query = (
        select(tickets)
        .where(
            tickets.c.device == device,
            tickets.c.finding == body.finding,
            tickets.c.instance == (body.instance or ""),
            tickets.c.state == TicketState.SOLVED,
            tickets.c.outcome.in_([Outcome.SOLVED_MECHANICALLY, Outcome.CLEARED_BY_ITSELF]),
            ended >= now - COMES_BACK_S,
        )
        .order_by(tickets.c.received_at.desc())
        .limit(1)
    )
    return (await connection.execute(query)).one_or_none()


async def has_open_twin(connection: AsyncConnection, row: Any) -> bool:
    """Another open ticket about the same finding: two are never open at once."""
    if row.finding is None:
        return False
    same = (tickets.c.device == row.device, tickets.c.finding == row.finding, tickets.c.instance == row.instance)
    query = select(tickets.c.ticket).where(*same, tickets.c.ticket != row.ticket, tickets.c.state.in_(_OPEN))
    return (await connection.execute(query.limit(1))).first() is not None


class Returning:
    def __init__(self, database: Database, tickets: "TicketStore", now: Clock) -> None:
        self._database = database
        self._tickets = tickets
        self._now = now

    async def verdict(self, connection: AsyncConnection, device: str, item: TicketVerdict) -> str:
        """Whether it helped. "No" opens the ticket again; where its finding has another open one, that one goes on."""
        row = await self._tickets.own(connection, device, item.ticket)
        if row.state != TicketState.SOLVED:
            raise ItemRefused("this ticket is not solved just now; nothing is asked of it")
        given = select(func.count()).select_from(ticket_verdicts).where(ticket_verdicts.c.ticket == row.ticket)
        if int(await connection.scalar(given) or 0) >= VERDICTS_MAX:
            raise ItemRefused("this ticket was judged too often; write to the desk, or open a new one")
        now = self._now()
        await connection.execute(
            ticket_verdicts.insert().values(ticket=row.ticket, at=now, helped=item.helped, mark=item.mark)
        )
        said = "yes" if item.helped else "no"
        after = said if item.mark is None else f"{said} {item.mark}"
        await keep(connection, Event(row.ticket, now, EventKind.VERDICT, None, after, DEVICE))
        if not item.helped and not await has_open_twin(connection, row):
            await self._tickets.reopen(connection, row, "said-no")
        return str(row.ticket)

    async def close_old(self) -> int:
        """Solved tickets on which nobody came back in time are closed. How many."""
        async with self._database.write() as connection:
            query = select(tickets).where(
                tickets.c.state == TicketState.SOLVED, tickets.c.updated_at < self._now() - COMES_BACK_S
            )
            rows = (await connection.execute(query.limit(CLOSED_AT_ONCE))).all()
            for row in rows:
                await self._tickets.change(connection, row, BY_CLOCK, {"state": TicketState.CLOSED})
        return len(rows)
