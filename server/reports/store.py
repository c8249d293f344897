"""Reads the rows of a report: narrow columns by indexed times, and only of customers the reader may see.

All arithmetic is in Python (rows.py, definitions.py), so that SQLite and PostgreSQL give the same numbers.
"""

from collections import defaultdict
from collections.abc import Set
from typing import Any, Final

from sqlalchemy import Select, and_, func, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from protocol.certificates import Chain, TechnicianCertificate
from protocol.messages.desk import TicketState
from protocol.statements import parse_payload
from server.clock import Clock
from server.devices.model import devices
from server.findings.counters import REMEDY_PREFIX, Point, grown
from server.findings.model import findings, metrics
from server.people.model import accounts
from server.reports.figures import Source
from server.reports.model import health_days
from server.reports.period import Period
from server.reports.rows import (
    ASKED,
    DAY_S,
    SECOND_CONTACT_S,
    Done,
    HealthDay,
    Incident,
    Judged,
    Mended,
    TicketFacts,
    Told,
    Visit,
    Work,
    incidents_of,
)
from server.sessions.model import sessions
from server.storage.engine import Database
from server.technicians.model import technicians
from server.tickets.history import EventKind
from server.tickets.levels import Outcome
from server.tickets.model import ticket_events, ticket_verdicts, tickets
from server.tickets.rules import OPEN_STATES

#: What one report reads at most, newest first. A page says so when it is reached.
ROWS_MAX: Final = 100_000
_ENDED: Final = [TicketState.SOLVED.value, TicketState.CLOSED.value]
#: Owners in between and outcomes before the last one are told on the ticket's page and count in no figure.
_TIMED: Final = [kind.value for kind in EventKind if kind not in (EventKind.OWNER, EventKind.OUTCOME)]
_OWNER: Final = func.coalesce(devices.c.customer, devices.c.asked_customer)


class Reading:
    """One reader's rows over one time, each source read once. `customers`: none means all. `divide`: where the time
    begins that is reported; before it lies the one it is compared with."""

    def __init__(
        self, database: Database, now: Clock, customers: Set[str] | None, start: int, end: int, *, divide: int
    ) -> None:
        self._database = database
        self._now = now
        self._customers = customers
        self._start, self._divide, self._end = start, divide, end
        self._incidents: list[Incident] | None = None
        self._visits: list[Visit] | None = None
        self.truncated = False

    async def rows(self, source: Source) -> list[tuple[int, Any]]:
        """(the time by which it falls into a period, the row)."""
        match source:
            case Source.ARRIVED:
                return [(one.received_at, one) for one in await self.incidents()]
            case Source.ENDED:
                return [(one.ended_at, one) for one in await self.incidents() if one.ended_at is not None]
            case Source.VISITS:
                return [(one.asked_at, one) for one in await self.visits()]
            case Source.WORK:
                return [(one.at, one) for one in await self.work()]
            case Source.HEALTH:
                return [(one.day * DAY_S, one) for one in await self.health()]
            case Source.MENDED:
                return [(one.at, one) for one in await self.mended()]
            case Source.JUDGED:
                return [(one.at, one) for one in await self.judged()]

    async def incidents(self) -> list[Incident]:
        """What arrived or ended in this time, and what arrived in the 14 days after it."""
        if self._incidents is None:
            end = self._end + SECOND_CONTACT_S
            ended = select(ticket_events.c.ticket).where(
                ticket_events.c.at >= self._start,
                ticket_events.c.at < self._end,
                ticket_events.c.kind == EventKind.STATE,
                ticket_events.c.after.in_(_ENDED),
            )
            arrived = and_(tickets.c.received_at >= self._start, tickets.c.received_at < end)
            wanted = or_(arrived, tickets.c.ticket.in_(ended))
            async with self._database.read() as connection:
                facts = await self._facts(connection, wanted)
                histories = await self._histories(connection, wanted)
            self._incidents = incidents_of(facts, histories, self._now())
        return self._incidents

    async def _facts(self, connection: AsyncConnection, wanted: Any) -> list[TicketFacts]:
        query = select(
            tickets.c.ticket,
            tickets.c.device,
            _OWNER,
            tickets.c.finding,
            tickets.c.severity,
            tickets.c.received_at,
            tickets.c.level,
            tickets.c.owner,
            tickets.c.outcome,
        ).join(devices, devices.c.device == tickets.c.device)
        query = self._visible(query).where(wanted).order_by(tickets.c.received_at.desc()).limit(ROWS_MAX)
        found = [TicketFacts._make(row) for row in (await connection.execute(query)).all()]
        self.truncated = self.truncated or len(found) == ROWS_MAX
        return found

    async def _histories(self, connection: AsyncConnection, wanted: Any) -> dict[str, list[Told]]:
        events = ticket_events.c
        query = select(
            events.ticket, events.at, events.kind, events.before, events.after, events.by_kind, events.by_name
        ).join(tickets, tickets.c.ticket == events.ticket)
        if self._customers is not None:
            query = self._visible(query.join(devices, devices.c.device == tickets.c.device))
        histories: dict[str, list[Told]] = defaultdict(list)
        query = query.where(wanted, events.kind.in_(_TIMED)).order_by(events.id)
        for ticket, *told in (await connection.execute(query)).all():
            histories[ticket].append(Told._make(told))
        return histories

    async def visits(self) -> list[Visit]:
        if self._visits is None:
            query = (
                select(
                    sessions.c.room,
                    sessions.c.device,
                    _OWNER.label("customer"),
                    sessions.c.ticket,
                    technicians.c.name,
                    sessions.c.serial,
                    sessions.c.asked_at,
                    sessions.c.paired_at,
                    sessions.c.ended_at,
                    sessions.c.grant_hash.is_not(None).label("allowed"),
                    sessions.c.scopes,
                )
                .join(devices, devices.c.device == sessions.c.device)
                .outerjoin(technicians, technicians.c.serial == sessions.c.serial)
                .where(sessions.c.asked_at >= self._start, sessions.c.asked_at < self._end)
                .order_by(sessions.c.asked_at.desc(), sessions.c.room)
                .limit(ROWS_MAX)
            )
            async with self._database.read() as connection:
                found = [_visit(row) for row in await connection.execute(self._visible(query))]
            self.truncated = self.truncated or len(found) == ROWS_MAX
            self._visits = found[::-1]
        return self._visits

    async def work(self) -> list[Work]:
        """What people did in this time, and what they have now."""
        names = await self._names_of_accounts()
        found = [
            Work(names.get(one.ended_by, one.ended_by), Done.SOLVED, one.ended_at, one.customer, one.ticket, one.device)
            for one in await self.incidents()
            if one.ended_at is not None and one.ended_by is not None and one.outcome is Outcome.BY_PERSON
        ]
        found += [
            Work(one.technician, Done.VISIT, one.asked_at, one.customer, one.ticket, one.device, one.seconds)
            for one in await self.visits()
        ]
        now = self._now()
        query = select(tickets.c.owner, _OWNER, tickets.c.ticket, tickets.c.device)
        query = query.join(devices, devices.c.device == tickets.c.device)
        query = query.where(tickets.c.owner.is_not(None), tickets.c.state.in_([state.value for state in OPEN_STATES]))
        async with self._database.read() as connection:
            for owner, customer, ticket, device in await connection.execute(self._visible(query).limit(ROWS_MAX)):
                found.append(Work(names.get(owner, owner), Done.HOLDS, now, customer, ticket, device))
        return found

    async def health(self) -> list[HealthDay]:
        columns = (
            health_days.c.day,
            health_days.c.customer,
            health_days.c.severity,
            health_days.c.findings,
            health_days.c.devices,
        )
        query = select(*columns).where(health_days.c.day >= self._start // DAY_S, health_days.c.day * DAY_S < self._end)
        if self._customers is not None:
            query = query.where(health_days.c.customer.in_(sorted(self._customers)))
        query = query.order_by(health_days.c.day.desc(), health_days.c.customer, health_days.c.severity)
        async with self._database.read() as connection:
            found = [HealthDay._make(row) for row in (await connection.execute(query.limit(ROWS_MAX))).all()]
        self.truncated = self.truncated or len(found) == ROWS_MAX
        return found[::-1]

    async def mended(self) -> list[Mended]:
        """By how much the counters of fixes grew, from the first number that is still kept on."""
        query = (
            select(metrics.c.device, metrics.c.name, metrics.c.at, metrics.c.value, _OWNER.label("customer"))
            .join(devices, devices.c.device == metrics.c.device)
            .where(metrics.c.name.startswith(REMEDY_PREFIX), metrics.c.instance == "", metrics.c.at < self._end)
            .order_by(metrics.c.device, metrics.c.name, metrics.c.at)
            .limit(ROWS_MAX)
        )
        async with self._database.read() as connection:
            found = (await connection.execute(self._visible(query))).all()
        self.truncated = self.truncated or len(found) == ROWS_MAX
        owners = {row.device: row.customer for row in found}
        return [
            Mended(one.device, owners[one.device], one.name.removeprefix(REMEDY_PREFIX), one.at, one.by)
            for one in grown(Point(row.device, row.name, row.at, row.value) for row in found)
            if one.at >= self._start
        ]

    async def judged(self) -> list[Judged]:
        """The last answer about each ticket, in this time and in the time before it each its own."""
        explained = and_(
            findings.c.device == tickets.c.device,
            findings.c.code == tickets.c.finding,
            findings.c.instance == tickets.c.instance,
        )
        query = (
            select(
                tickets.c.ticket,
                tickets.c.device,
                _OWNER.label("customer"),
                tickets.c.finding,
                ticket_verdicts.c.at,
                ticket_verdicts.c.helped,
                ticket_verdicts.c.mark,
                findings.c.known_issue,
            )
            .select_from(ticket_verdicts)
            .join(tickets, tickets.c.ticket == ticket_verdicts.c.ticket)
            .join(devices, devices.c.device == tickets.c.device)
            .outerjoin(findings, explained)
            .where(ticket_verdicts.c.at >= self._start, ticket_verdicts.c.at < self._end)
            .order_by(ticket_verdicts.c.id.desc())
            .limit(ROWS_MAX)
        )
        async with self._database.read() as connection:
            found = (await connection.execute(self._visible(query))).all()
        self.truncated = self.truncated or len(found) == ROWS_MAX
        last: dict[tuple[str, bool], Judged] = {}
        for row in found:
            this_time = row.at >= self._divide
            told = Judged(
                row.ticket,
                row.device,
                row.customer,
                row.finding or ASKED,
                row.at,
                row.helped,
                row.mark,
                row.known_issue,
            )
            last.setdefault((row.ticket, this_time), told)
        return sorted(last.values(), key=lambda one: (one.at, one.ticket))

    async def _names_of_accounts(self) -> dict[str, str]:
        """Account → the name in the newest certificate of the technician it is linked to."""
        newest = select(technicians.c.name, func.max(technicians.c.stored_at).label("at")).group_by(technicians.c.name)
        last = newest.subquery()
        query = select(technicians.c.name, technicians.c.certificate).join(
            last, and_(last.c.name == technicians.c.name, last.c.at == technicians.c.stored_at)
        )
        linked = select(accounts.c.name, accounts.c.technician_key).where(accounts.c.technician_key.is_not(None))
        async with self._database.read() as connection:
            people = {row.technician_key: row.name for row in await connection.execute(linked)}
            if not people:
                return {}
            named: dict[str, str] = {}
            for name, certificate in await connection.execute(query.limit(1000)):
                leaf = parse_payload(Chain.model_validate_json(certificate).leaf, TechnicianCertificate)
                if leaf.signing_key in people:
                    named[people[leaf.signing_key]] = name
        return named

    def _visible(self, query: Select[Any]) -> Select[Any]:
        if self._customers is None:
            return query
        names = sorted(self._customers)
        approved = and_(devices.c.state == "approved", devices.c.customer.in_(names))
        return query.where(or_(approved, and_(devices.c.state == "pending", devices.c.asked_customer.in_(names))))


async def names_of(database: Database, tickets_wanted: Set[str], devices_wanted: Set[str]) -> dict[str, Any]:
    """What people call the tickets and devices of one page of rows: ticket → (words, finding), device → label."""
    ticket_query = select(tickets.c.ticket, tickets.c.words, tickets.c.finding).where(
        tickets.c.ticket.in_(sorted(tickets_wanted))
    )
    device_query = select(devices.c.device, devices.c.label).where(devices.c.device.in_(sorted(devices_wanted)))
    async with database.read() as connection:
        found: dict[str, Any] = {row.ticket: (row.words, row.finding) for row in await connection.execute(ticket_query)}
        found.update({row.device: row.label for row in await connection.execute(device_query)})
    return found


def reading_for(database: Database, now: Clock, customers: Set[str] | None, period: Period) -> Reading:
    """The rows of a period and of the one before it."""
    return Reading(database, now, customers, period.before.start, period.end, divide=period.start)


def _visit(row: Any) -> Visit:
    lasted = None
    if row.allowed and row.paired_at is not None and row.ended_at is not None:
        lasted = max(0, row.ended_at - row.paired_at)
    return Visit(
        room=row.room,
        device=row.device,
        customer=row.customer,
        ticket=row.ticket,
        technician=row.name or f"certificate {row.serial[:8]}…",
        asked_at=row.asked_at,
        allowed=bool(row.allowed),
        seconds=lasted,
        scopes=tuple(scope for scope in row.scopes.split(",") if scope),
    )
