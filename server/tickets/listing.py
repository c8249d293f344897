"""Reading many tickets at once, for people: what needs somebody first stands first; filters, search, pages."""

from collections.abc import Set
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from sqlalchemy import Select, and_, case, func, or_, select
from sqlalchemy.sql import ColumnElement

from protocol.messages.api import MessageSource
from protocol.messages.desk import DeskText, SignedMessage, TicketState
from protocol.messages.report import ReportedSeverity
from server.clock import Clock
from server.devices.model import devices
from server.storage.engine import Database
from server.tickets.model import messages, ticket_repeats, ticket_service, tickets
from server.tickets.priority import Impact, Priority, Urgency, priority_of
from server.tickets.rules import OPEN_STATES, PAUSED_STATES
from server.tickets.service import rules_in
from server.tickets.service_clock import ClockKind
from server.tickets.service_hours import ServiceHours

PAGE_ROWS: Final = 25
#: Fits beside the ticket updates into what waits for one agent.
WORDS_AT_LOGIN: Final = 50
_OPEN: Final = [state.value for state in OPEN_STATES]
_RUNNING: Final = [state.value for state in OPEN_STATES - PAUSED_STATES]
_WITH_SERVICE = tickets.join(devices).outerjoin(ticket_service, ticket_service.c.ticket == tickets.c.ticket)
_SERVICE = [column for column in ticket_service.c if column.name != "ticket"]
#: Nobody has looked at these yet, or the customer says it is not solved.
_UNTOUCHED: Final = [TicketState.NEW.value, TicketState.REOPENED.value]


class Wanted(StrEnum):
    """Groups of states that a list can show, besides single states."""

    OPEN = "open-ones"
    NOW = "now"
    LATE = "late"
    ALL = "all"


@dataclass(frozen=True)
class Filter:
    """Empty means any. `text`: found in words, finding, case, ticket id or the device's label."""

    state: TicketState | Wanted = Wanted.OPEN
    severity: ReportedSeverity | None = None
    customer: str = ""
    device: str = ""
    text: str = ""


@dataclass(frozen=True)
class TicketLine:
    """One line of the list. `customer`: of the certificate; before approval the one that was asked for."""

    ticket: str
    case: str
    device: str
    label: str
    customer: str
    approved: bool
    state: TicketState
    level: int
    severity: str | None
    finding: str | None
    words: str
    opened_at: int
    eta: int
    overdue: bool
    service: "LineService | None"


@dataclass(frozen=True)
class LineService:
    """The service clocks of a line. `due`: of the clock that runs out first; none while none runs. `left_s`: working
    seconds until then, negative when it has passed; of the solution while nothing runs."""

    priority: Priority
    what: ClockKind
    due: int | None
    left_s: int
    late: bool


@dataclass(frozen=True)
class TicketPage:
    lines: tuple[TicketLine, ...]
    page: int
    total: int

    @property
    def has_more(self) -> bool:
        return self.page * PAGE_ROWS < self.total

    @property
    def note(self) -> str:
        """`26–50 of 312`."""
        first = (self.page - 1) * PAGE_ROWS + 1
        return f"{first}–{first + len(self.lines) - 1} of {self.total}" if self.lines else f"0 of {self.total}"


class TicketListing:
    """`customers` everywhere: whose tickets the reader may see; none means all."""

    def __init__(self, database: Database, now: Clock) -> None:
        self._database = database
        self._now = now

    async def page(self, customers: Set[str] | None, wanted: Filter, page: int, rows: int = PAGE_ROWS) -> TicketPage:
        now = self._now()
        where = [*visible_to(customers), *self._conditions(wanted, now)]
        count = select(func.count()).select_from(_WITH_SERVICE).where(*where)
        query = (
            select(tickets, devices.c.label, devices.c.customer, devices.c.asked_customer, *_SERVICE)
            .select_from(_WITH_SERVICE)
            .where(*where)
            .order_by(*_urgency(now), tickets.c.received_at.desc(), tickets.c.ticket)
            .offset((page - 1) * rows)
            .limit(rows)
        )
        async with self._database.read() as connection:
            total = int(await connection.scalar(count) or 0)
            hours = (await rules_in(connection)).hours
            lines = tuple(_line(row, hours, now) for row in await connection.execute(query))
        return TicketPage(lines, page, total)

    async def counts(self, customers: Set[str] | None) -> dict[TicketState, int]:
        query = (
            select(tickets.c.state, func.count().label("number"))
            .select_from(tickets.join(devices))
            .where(*visible_to(customers))
            .group_by(tickets.c.state)
        )
        async with self._database.read() as connection:
            return {TicketState(row.state): row.number for row in await connection.execute(query)}

    async def overdue(self, customers: Set[str] | None) -> int:
        query = select(func.count()).select_from(tickets.join(devices))
        query = query.where(*visible_to(customers), _is_overdue(self._now()))
        async with self._database.read() as connection:
            return int(await connection.scalar(query) or 0)

    async def customers(self, customers: Set[str] | None) -> tuple[str, ...]:
        """The customers that have tickets, by name."""
        owner = func.coalesce(devices.c.customer, devices.c.asked_customer)
        query: Select[Any] = select(owner).select_from(tickets.join(devices)).where(*visible_to(customers))
        async with self._database.read() as connection:
            return tuple((await connection.execute(query.distinct().order_by(owner).limit(1000))).scalars())

    async def words_for(self, device: str) -> tuple[DeskText | SignedMessage, ...]:
        """The newest words of the desk and of technicians on a device's open tickets, oldest first: said again at
        each login, since a device that was away has not heard them. An agent keeps each once."""
        query = (
            select(messages)
            .join(tickets, tickets.c.ticket == messages.c.ticket)
            .where(
                tickets.c.device == device,
                tickets.c.state != TicketState.CLOSED,
                messages.c.source.in_([MessageSource.DESK, MessageSource.TECHNICIAN]),
            )
            .order_by(messages.c.id.desc())
            .limit(WORDS_AT_LOGIN)
        )
        async with self._database.read() as connection:
            rows = (await connection.execute(query)).all()
        return tuple(
            DeskText(ticket=row.ticket, text=row.text, at=row.at)
            if row.signed is None
            else SignedMessage.model_validate_json(row.signed)
            for row in reversed(rows)
        )

    async def repeats_of(self, ticket: str) -> int:
        """How often the device reported the same finding again while this ticket was open."""
        query = select(func.count()).select_from(ticket_repeats).where(ticket_repeats.c.of_ticket == ticket)
        async with self._database.read() as connection:
            return int(await connection.scalar(query) or 0)

    def _conditions(self, wanted: Filter, now: int) -> list[ColumnElement[bool]]:
        found: list[ColumnElement[bool]] = []
        match wanted.state:
            case Wanted.ALL:
                found = []
            case Wanted.OPEN:
                found = [tickets.c.state.in_(_OPEN)]
            case Wanted.NOW:
                found = [or_(tickets.c.state.in_(_UNTOUCHED), _is_overdue(now))]
            case Wanted.LATE:
                late = (ticket_service.c.answer_broken_at, ticket_service.c.solve_broken_at)
                found = [tickets.c.state.in_(_OPEN), or_(_runs_late(now), *(column.is_not(None) for column in late))]
            case state:
                found = [tickets.c.state == state]
        if wanted.severity is not None:
            found.append(tickets.c.severity == wanted.severity)
        if wanted.customer:
            found.append(func.coalesce(devices.c.customer, devices.c.asked_customer) == wanted.customer)
        if wanted.device:
            found.append(tickets.c.device == wanted.device)
        if wanted.text:
            columns = (tickets.c.words, tickets.c.finding, tickets.c.case_id, tickets.c.ticket, devices.c.label)
            found.append(or_(*(column.icontains(wanted.text, autoescape=True) for column in columns)))
        return found


def visible_to(customers: Set[str] | None) -> list[ColumnElement[bool]]:
    if customers is None:
        return []
    names = sorted(customers)
    approved = and_(devices.c.state == "approved", devices.c.customer.in_(names))
    return [or_(approved, and_(devices.c.state == "pending", devices.c.asked_customer.in_(names)))]


def _is_overdue(now: int) -> ColumnElement[bool]:
    return and_(tickets.c.state.in_(_RUNNING), tickets.c.eta < now)


def _runs_late(now: int) -> ColumnElement[bool]:
    return or_(ticket_service.c.answer_due < now, ticket_service.c.solve_due < now)


def _urgency(now: int) -> list[ColumnElement[int]]:
    """Broken promises and untouched tickets first, then the gravest, then what is waited for; solved ones last."""
    standing = case(
        (or_(tickets.c.state.in_(_UNTOUCHED), _is_overdue(now)), 0),
        (tickets.c.state == TicketState.OPEN, 1),
        (tickets.c.state.in_([state.value for state in PAUSED_STATES]), 2),
        (tickets.c.state == TicketState.SOLVED, 3),
        else_=4,
    )
    grave = case(
        (tickets.c.severity == ReportedSeverity.CRITICAL, 0),
        (tickets.c.severity == ReportedSeverity.ERROR, 1),
        # A person who asks for help comes before a warning of a machine.
        (tickets.c.severity.is_(None), 2),
        (tickets.c.severity == ReportedSeverity.WARNING, 3),
        else_=4,
    )
    return [standing, grave]


def _line(row: Any, hours: ServiceHours, now: int) -> TicketLine:
    state = TicketState(row.state)
    return TicketLine(
        ticket=row.ticket,
        case=row.case_id,
        device=row.device,
        label=row.label,
        customer=row.customer or row.asked_customer,
        approved=row.customer is not None,
        state=state,
        level=row.level,
        severity=row.severity,
        finding=row.finding,
        words=row.words,
        opened_at=row.opened_at,
        eta=row.eta,
        overdue=state in OPEN_STATES - PAUSED_STATES and row.eta < now,
        service=None if row.impact is None or state not in OPEN_STATES else _service(row, hours, now),
    )


def _service(row: Any, hours: ServiceHours, now: int) -> LineService:
    due, what = min(
        ((one, kind) for one, kind in ((row.answer_due, ClockKind.ANSWER), (row.solve_due, ClockKind.SOLVE)) if one),
        default=(None, ClockKind.SOLVE),
    )
    # One of the two is 0: nothing lies between a moment and an earlier one.
    left = row.solve_left_s if due is None else hours.working_s(now, due) - hours.working_s(due, now)
    late = left < 0 or row.solve_broken_at is not None
    return LineService(priority_of(Impact(row.impact), Urgency(row.urgency)), what, due, left, late)
