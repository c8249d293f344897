"""Keeps priority and service clocks of tickets, and the desk's hours; finds the clocks that ran out.

The clocks are computed from the ticket's history at each change of it, in the same transaction, and kept as the
moments at which they will run out: a list of thousands then needs no arithmetic, and what ran out is one query.
"""

from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import and_, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from server.clock import Clock
from server.logs import log
from server.refusal import not_found
from server.storage.engine import Database
from server.tickets.history import BY_CLOCK, Author, Event, EventKind, keep
from server.tickets.model import service_rules, ticket_events, ticket_service, tickets
from server.tickets.priority import Impact, Priority, Urgency, first_urgency, priority_of
from server.tickets.rules import OPEN_STATES
from server.tickets.service_clock import ClockKind, Clocks, Step, clocks_of
from server.tickets.service_hours import NotATimeZone
from server.tickets.service_rules import ServiceRules

#: A sweep takes so many at a time; the next one goes on.
A_SWEEP: Final = 500
_ONLY: Final = 1
_OPEN: Final = [state.value for state in OPEN_STATES]


@dataclass(frozen=True)
class TicketService:
    """`rules`: what the clocks were computed with."""

    impact: Impact
    urgency: Urgency
    clocks: Clocks
    rules: ServiceRules

    @property
    def priority(self) -> Priority:
        return priority_of(self.impact, self.urgency)


@dataclass(frozen=True)
class RanOut:
    ticket: str
    which: ClockKind


async def rules_in(connection: AsyncConnection) -> ServiceRules:
    held = await connection.scalar(select(service_rules.c.rules).where(service_rules.c.id == _ONLY))
    if held is None:
        return ServiceRules()
    try:
        return ServiceRules.from_json(held)
    except NotATimeZone as error:  # moved to a machine with fewer zones: tickets must still be taken
        log.error("service-hours-unusable", reason=str(error))
        return ServiceRules()


async def refresh(connection: AsyncConnection, ticket: str, now: int, **judged: int) -> TicketService:
    """Compute the ticket's clocks anew and keep them. `judged`: impact and urgency, where they change."""
    row = (await connection.execute(select(ticket_service).where(ticket_service.c.ticket == ticket))).one_or_none()
    found = await _computed(connection, ticket, row, now, **judged)
    answer, solve = found.clocks.answer, found.clocks.solve
    values = {
        "impact": found.impact,
        "urgency": found.urgency,
        "answer_due": answer.due_at,
        "solve_due": solve.due_at,
        "answer_broken_at": answer.broken_at,
        "solve_broken_at": solve.broken_at,
        "solve_left_s": solve.left_s,
        # Another priority or other hours may take a lateness back: then it is told anew when it comes.
        "answer_told": row is not None and row.answer_told and answer.broken_at is not None,
        "solve_told": row is not None and row.solve_told and solve.broken_at is not None,
    }
    if row is None:
        await connection.execute(ticket_service.insert().values(ticket=ticket, **values))
    else:
        await connection.execute(update(ticket_service).where(ticket_service.c.ticket == ticket).values(**values))
    return found


async def _computed(connection: AsyncConnection, ticket: str, row: Any, now: int, **judged: int) -> TicketService:
    held = (
        await connection.execute(select(tickets.c.received_at, tickets.c.severity).where(tickets.c.ticket == ticket))
    ).one_or_none()
    if held is None:
        raise not_found("ticket")
    history = (
        select(ticket_events.c.at, ticket_events.c.kind, ticket_events.c.after)
        .where(
            ticket_events.c.ticket == ticket,
            ticket_events.c.kind.in_([EventKind.STATE.value, EventKind.ANSWERED.value]),
        )
        .order_by(ticket_events.c.at, ticket_events.c.id)
    )
    steps = [Step(one.at, EventKind(one.kind), one.after) for one in await connection.execute(history)]
    rules = await rules_in(connection)
    impact = Impact(judged.get("impact", Impact.ONE if row is None else row.impact))
    urgency = Urgency(judged.get("urgency", first_urgency(held.severity) if row is None else row.urgency))
    target = rules.targets[priority_of(impact, urgency)]
    return TicketService(impact, urgency, clocks_of(held.received_at, steps, rules.hours, target, now), rules)


class ServiceStore:
    def __init__(self, database: Database, now: Clock) -> None:
        self._database = database
        self._now = now

    async def rules(self) -> ServiceRules:
        async with self._database.read() as connection:
            return await rules_in(connection)

    async def of(self, ticket: str) -> TicketService:
        """As it stands at this moment."""
        async with self._database.read() as connection:
            query = select(ticket_service).where(ticket_service.c.ticket == ticket)
            row = (await connection.execute(query)).one_or_none()
            return await _computed(connection, ticket, row, self._now())

    async def set_rules(self, rules: ServiceRules, *, by: str) -> None:
        """New hours or targets count for every open ticket at once; what is over keeps the clocks it ended with."""
        async with self._database.write() as connection:
            row = {"rules": rules.to_json(), "changed_at": self._now(), "changed_by": by}
            insert = self._database.insert(service_rules).values(id=_ONLY, **row)
            await connection.execute(insert.on_conflict_do_update(index_elements=["id"], set_=row))
            for ticket in (await connection.execute(select(tickets.c.ticket).where(tickets.c.state.in_(_OPEN)))).all():
                await refresh(connection, ticket.ticket, self._now())

    async def judge(self, ticket: str, impact: Impact, urgency: Urgency, *, by: Author) -> None:
        """How many are hit, and how badly: the priority, and with it the targets."""
        async with self._database.write() as connection:
            row = (
                await connection.execute(select(ticket_service).where(ticket_service.c.ticket == ticket))
            ).one_or_none()
            before = None if row is None else priority_of(Impact(row.impact), Urgency(row.urgency))
            found = await refresh(connection, ticket, self._now(), impact=impact, urgency=urgency)
            if before is not found.priority:
                was = None if before is None else str(before.value)
                event = Event(ticket, self._now(), EventKind.PRIORITY, was, str(found.priority.value), by)
                await keep(connection, event)

    async def ran_out(self) -> tuple[RanOut, ...]:
        """Clocks that ran out and were not told yet. Each is kept in the ticket's history, once."""
        now = self._now()
        found: list[RanOut] = []
        async with self._database.write() as connection:
            for ticket in await self._without_clocks(connection):
                await refresh(connection, ticket, now)
            late = or_(
                and_(ticket_service.c.answer_due < now, ticket_service.c.answer_told.is_(False)),
                and_(ticket_service.c.solve_due < now, ticket_service.c.solve_told.is_(False)),
            )
            query = select(ticket_service).where(late).order_by(ticket_service.c.ticket).limit(A_SWEEP)
            for row in (await connection.execute(query)).all():
                clocks = (await refresh(connection, row.ticket, now)).clocks
                told: dict[str, bool] = {}
                for which, clock, known in (
                    (ClockKind.ANSWER, clocks.answer, row.answer_told),
                    (ClockKind.SOLVE, clocks.solve, row.solve_told),
                ):
                    if clock.broken_at is not None and not known:
                        told[f"{which.value}_told"] = True
                        await keep(connection, Event(row.ticket, now, EventKind.LATE, None, which.value, BY_CLOCK))
                        found.append(RanOut(row.ticket, which))
                if told:
                    of_ticket = ticket_service.c.ticket == row.ticket
                    await connection.execute(update(ticket_service).where(of_ticket).values(**told))
        return tuple(found)

    async def _without_clocks(self, connection: AsyncConnection) -> list[str]:
        """Open tickets of an older version of this server."""
        query = (
            select(tickets.c.ticket)
            .outerjoin(ticket_service, ticket_service.c.ticket == tickets.c.ticket)
            .where(tickets.c.state.in_(_OPEN), ticket_service.c.ticket.is_(None))
            .limit(A_SWEEP)
        )
        return [row.ticket for row in await connection.execute(query)]
