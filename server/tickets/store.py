"""Keeps tickets, their messages and their sealed evidence. Everything a device says arrives verified.

Methods that take a `connection` run inside the batch writer's transaction, with the item's own row: an item is taken
wholly, once. They raise ItemRefused for what will never be stored.
"""

from collections.abc import Mapping, Set
from typing import Any

from sqlalchemy import Table, and_, func, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from protocol import strict_json
from protocol.messages.api import EtaRow, MessageRow, MessageSource, NotePush, SealedRow, TicketRow
from protocol.messages.desk import (
    CustomerText,
    DeskText,
    FourFacts,
    SignedMessage,
    TicketState,
    TicketUpdate,
)
from protocol.messages.items import SealedItem, SealedKind, TicketOutcomeItem
from protocol.statements import Envelope, Verified
from protocol.tickets import MessageStatement, TicketOrigin, TicketStatement
from server.clock import Clock
from server.config import FirstFacts
from server.devices.model import devices
from server.findings.model import findings
from server.link.refused import ItemRefused
from server.refusal import Refusal, not_found
from server.storage.engine import Database
from server.tickets import service
from server.tickets.history import (
    DESK,
    DEVICE,
    Author,
    AuthorKind,
    Event,
    EventKind,
    changes_of,
    keep,
    was_answered,
)
from server.tickets.levels import Level, Outcome, arrival_level
from server.tickets.model import eta_history, messages, sealed, ticket_repeats, tickets
from server.tickets.returning import ended_lately, has_open_twin
from server.tickets.rules import (
    ENDED_FACTS,
    OPEN_STATES,
    REOPENED_FACTS,
    after_customer_words,
    first_facts,
    may_move,
)

#: What one ticket may gather before a person should have looked at it.
MESSAGES_MAX = 2000
REPEATS_MAX = 500
#: Under how many of its names a device is told of one ticket: the newest, and the one that counts.
NAMES_MAX = 50

_OPEN = [state.value for state in OPEN_STATES]


class TicketStore:
    def __init__(
        self,
        database: Database,
        now: Clock,
        defaults: FirstFacts,
        *,
        open_max: int,
        a_day_max: int,
        sealed_bytes_max: int,
    ) -> None:
        self._database = database
        self._now = now
        self._defaults = defaults
        self._open_max = open_max
        self._a_day_max = a_day_max
        self._sealed_bytes_max = sealed_bytes_max

    # --- what devices say ----------------------------------------------------------------------------------

    async def open(self, connection: AsyncConnection, device: str, statement: Verified[TicketStatement]) -> str:
        """Open a ticket, or add to the open one about the same finding. Returns the id of the ticket that holds it."""
        body, text = statement.body, strict_json.dump(statement.envelope).decode()
        taken = await self.resolve(connection, body.ticket)
        if taken is not None:
            if taken.device != device:
                raise ItemRefused("this ticket id belongs to another device")
            return str(taken.ticket)
        now = self._now()
        if body.finding is not None:
            standing = await connection.scalar(
                select(tickets.c.ticket).where(
                    tickets.c.device == device,
                    tickets.c.finding == body.finding,
                    tickets.c.instance == (body.instance or ""),
                    tickets.c.state.in_(_OPEN),
                )
            )
            if standing is not None:
                await self._check_repeats(connection, standing)
                await connection.execute(
                    ticket_repeats.insert().values(ticket=body.ticket, of_ticket=standing, statement=text, at=now)
                )
                await self._touch(connection, standing)
                return str(standing)
            returned = await ended_lately(connection, device, body, now)
            if returned is not None:
                await self._check_repeats(connection, returned.ticket)
                await connection.execute(
                    ticket_repeats.insert().values(
                        ticket=body.ticket, of_ticket=returned.ticket, statement=text, at=now
                    )
                )
                await self.reopen(connection, returned, "came-back")
                return str(returned.ticket)
        await self._check_caps(connection, device)
        facts = first_facts(self._defaults, now)
        await connection.execute(
            tickets.insert().values(
                ticket=body.ticket,
                case_id=body.case,
                device=device,
                origin=body.origin,
                finding=body.finding,
                instance=None if body.finding is None else body.instance or "",
                severity=body.severity,
                words=body.words,
                opened_at=body.opened_at,
                received_at=now,
                updated_at=now,
                state=TicketState.NEW,
                level=await self._arrives_at(connection, device, body),
                statement=text,
                **facts.model_dump(),
            )
        )
        await connection.execute(eta_history.insert().values(ticket=body.ticket, eta=facts.eta, set_at=now))
        await service.refresh(connection, body.ticket, now)
        return body.ticket

    async def customer_text(self, connection: AsyncConnection, device: str, item: CustomerText) -> str:
        row = await self.own(connection, device, item.ticket)
        if row.state == TicketState.CLOSED:
            raise ItemRefused("this ticket is closed; open a new one")
        written = await _count(connection, messages, messages.c.ticket == row.ticket)
        if written >= MESSAGES_MAX:
            raise ItemRefused(f"this ticket has {MESSAGES_MAX} messages already; open a new one")
        await connection.execute(
            messages.insert().values(ticket=row.ticket, at=self._now(), source=MessageSource.CUSTOMER, text=item.text)
        )
        state = after_customer_words(TicketState(row.state))
        await keep(connection, Event(row.ticket, self._now(), EventKind.WROTE, None, None, DEVICE))
        if state is not TicketState.REOPENED:
            await self.change(connection, row, DEVICE, {"state": state})
        elif not await has_open_twin(connection, row):
            await self.reopen(connection, row, "said-no")
        return str(row.ticket)

    async def reopen(self, connection: AsyncConnection, row: Any, why: str) -> None:
        """With facts that are true now, and a time that is not past."""
        doing, then = REOPENED_FACTS[why]
        eta = first_facts(self._defaults, self._now()).eta
        await connection.execute(eta_history.insert().values(ticket=row.ticket, eta=eta, set_at=self._now()))
        changes = {"state": TicketState.REOPENED, "outcome": None, "doing": doing, "next": then, "eta": eta}
        await self.change(connection, row, DEVICE, changes)

    async def outcome(self, connection: AsyncConnection, device: str, item: TicketOutcomeItem) -> str:
        """The finding ended without a person. A person's verdict that came first stands."""
        row = await self.own(connection, device, item.ticket)
        if TicketState(row.state) in OPEN_STATES:
            doing, then = ENDED_FACTS[item.outcome]
            changes = {"state": TicketState.SOLVED, "outcome": item.outcome, "doing": doing, "next": then}
            await self.change(connection, row, DEVICE, changes)
        return str(row.ticket)

    async def keep_sealed(self, connection: AsyncConnection, device: str, item: SealedItem) -> None:
        """A small sealed blob; the caller checked its hash and its age header."""
        ticket = None if item.ticket is None else (await self.own(connection, device, item.ticket)).ticket
        if await connection.scalar(select(sealed.c.id).where(sealed.c.id == item.id)) is not None:
            raise ItemRefused("this id is in use")
        await self._keep_blob(connection, device, ticket, item.kind, item.id, item.sha256, item.data, item.session)

    async def keep_note(self, device: str, ticket: str, note: NotePush) -> None:
        """A technician's sealed note. The same one again changes nothing; it counts like the device's own blobs."""
        async with self._database.write() as connection:
            held = (await connection.execute(select(sealed).where(sealed.c.id == note.id))).first()
            if held is not None:
                if (held.ticket, held.sha256, held.kind) == (ticket, note.sha256, SealedKind.NOTE):
                    return
                raise Refusal(409, "this id is in use", expected="a new id for another note", got=note.id)
            try:
                await self._keep_blob(
                    connection, device, ticket, SealedKind.NOTE, note.id, note.sha256, note.data, None
                )
            except ItemRefused as refused:
                raise Refusal(409, "there is no room for this note", got=str(refused)) from None

    async def _keep_blob(
        self,
        connection: AsyncConnection,
        device: str,
        ticket: str | None,
        kind: SealedKind,
        blob: str,
        digest: bytes,
        data: bytes,
        session: bytes | None,
    ) -> None:
        held = await connection.scalar(select(func.sum(sealed.c.size_bytes)).where(sealed.c.device == device))
        if (held or 0) + len(data) > self._sealed_bytes_max:
            raise ItemRefused(f"this device keeps {self._sealed_bytes_max} bytes here already")
        await connection.execute(
            sealed.insert().values(
                id=blob,
                device=device,
                kind=kind,
                ticket=ticket,
                session=session,
                sha256=digest,
                size_bytes=len(data),
                data=data,
                at=self._now(),
            )
        )

    async def resolve(self, connection: AsyncConnection, ticket: str, *, lock: bool = False) -> Any:
        """The row of `ticket`, or of the ticket it repeats; None when unknown. `lock`: nobody else changes it now."""
        repeat = select(ticket_repeats.c.of_ticket).where(ticket_repeats.c.ticket == ticket).scalar_subquery()
        query = select(tickets).where(or_(tickets.c.ticket == ticket, tickets.c.ticket == repeat))
        return (await connection.execute(query.with_for_update() if lock else query)).one_or_none()

    async def for_change(self, connection: AsyncConnection, ticket: str) -> Any:
        """The locked row of `ticket`, or 404."""
        row = await self.resolve(connection, ticket, lock=True)
        if row is None:
            raise not_found("ticket")
        return row

    async def _arrives_at(self, connection: AsyncConnection, device: str, body: TicketStatement) -> Level:
        query = select(findings.c.known_issue).where(
            findings.c.device == device,
            findings.c.code == (body.finding or ""),
            findings.c.instance == (body.instance or ""),
        )
        return arrival_level(known_issue=await connection.scalar(query) is not None)

    async def own(self, connection: AsyncConnection, device: str, ticket: str) -> Any:
        row = await self.resolve(connection, ticket)
        if row is None or row.device != device:
            raise ItemRefused("there is no such ticket of this device")
        return row

    async def _check_caps(self, connection: AsyncConnection, device: str) -> None:
        own = tickets.c.device == device
        if await _count(connection, tickets, own, tickets.c.state.in_(_OPEN)) >= self._open_max:
            raise ItemRefused(f"this device has {self._open_max} open tickets already")
        if await _count(connection, tickets, own, tickets.c.received_at > self._now() - 86_400) >= self._a_day_max:
            raise ItemRefused(f"this device has opened {self._a_day_max} tickets within a day already")

    async def _check_repeats(self, connection: AsyncConnection, ticket: str) -> None:
        if await _count(connection, ticket_repeats, ticket_repeats.c.of_ticket == ticket) >= REPEATS_MAX:
            raise ItemRefused("this finding was repeated too often; its ticket is open")

    # --- what the desk does --------------------------------------------------------------------------------

    async def set_facts(
        self, ticket: str, facts: FourFacts, state: TicketState | None = None, *, by: Author = DESK
    ) -> None:
        """New facts, and a new state where the table allows it. Each ETA that changes is kept."""
        async with self._database.write() as connection:
            row = await self.for_change(connection, ticket)
            current = TicketState(row.state)
            wanted = state or current
            if wanted is not current and not may_move(current, wanted):
                raise Refusal(409, "the ticket cannot go there", expected=f"a move from {current}", got=wanted)
            for name in ("cost", "doing", "next"):
                if not getattr(facts, name).strip():
                    raise Refusal(422, f"the customer always sees this: {name} is empty", expected="words")
            if wanted is TicketState.REOPENED and await has_open_twin(connection, row):
                raise Refusal(409, "this finding has an open ticket already", hint="Work on that one.")
            if facts.eta != row.eta:
                await connection.execute(
                    eta_history.insert().values(ticket=row.ticket, eta=facts.eta, set_at=self._now())
                )
            changes: dict[str, object] = {"state": wanted, **facts.model_dump()}
            if wanted is not current and wanted in (TicketState.SOLVED, TicketState.REOPENED):
                changes["outcome"] = Outcome.BY_PERSON if wanted is TicketState.SOLVED else None
            await self.change(connection, row, by, changes)

    async def signed_message(self, ticket: str, signed: SignedMessage, body: MessageStatement) -> bool:
        """A technician's verified message. False when it is here already."""
        async with self._database.write() as connection:
            row = await self.for_change(connection, ticket)
            insert = self._database.insert(messages).values(
                ticket=row.ticket,
                at=self._now(),
                source=MessageSource.TECHNICIAN,
                text=body.text,
                signed=strict_json.dump(signed).decode(),
                statement_hash=signed.message.hash,
            )
            done = await connection.execute(insert.on_conflict_do_nothing(index_elements=["statement_hash"]))
            state = TicketState.OPEN if TicketState(row.state) is TicketState.NEW else TicketState(row.state)
            await self.change(connection, row, Author(AuthorKind.TECHNICIAN, body.serial), {"state": state})
            return bool(done.rowcount == 1)

    async def desk_text(self, ticket: str, text: str, *, by: Author = DESK) -> DeskText:
        """Plain words of the desk, as the agent is to hear them: shown to the customer as not verified."""
        said_at = self._now()
        async with self._database.write() as connection:
            row = await self.for_change(connection, ticket)
            await connection.execute(
                messages.insert().values(ticket=row.ticket, at=said_at, source=MessageSource.DESK, text=text)
            )
            await self.change(connection, row, by, {})
        return DeskText(ticket=row.ticket, text=text, at=said_at)

    async def note(self, ticket: str, text: str, *, by: Author) -> None:
        """To colleagues; no answer to the customer, so no clock of theirs stops."""
        async with self._database.write() as connection:
            row = await self.for_change(connection, ticket)
            await keep(connection, Event(row.ticket, self._now(), EventKind.NOTED, None, None, by, text))

    async def change(
        self,
        connection: AsyncConnection,
        row: Any,
        by: Author,
        changes: Mapping[str, object],
        *,
        note: str | None = None,
    ) -> None:
        """Change a ticket and keep what happened. The first act of a person is its answer, and takes it to people."""
        now, wanted = self._now(), dict(changes)
        if by.is_person and not await was_answered(connection, row.ticket):
            await keep(connection, Event(row.ticket, now, EventKind.ANSWERED, None, None, by))
            if row.level < Level.FIRST_LINE:
                wanted.setdefault("level", Level.FIRST_LINE)
        await keep(connection, *changes_of(row, wanted, at=now, by=by, note=note))
        await self._touch(connection, row.ticket, **wanted)
        await service.refresh(connection, row.ticket, now)

    async def _touch(self, connection: AsyncConnection, ticket: str, **changes: object) -> None:
        await connection.execute(
            update(tickets).where(tickets.c.ticket == ticket).values(updated_at=self._now(), **changes)
        )

    # --- reading -------------------------------------------------------------------------------------------

    async def visible(
        self, customers: Set[str] | None, *, state: TicketState | None = None, device: str = "", limit: int = 1000
    ) -> tuple[TicketRow, ...]:
        """Tickets of devices of `customers` (all when None), newest first."""
        query = _TICKET_WITH_CUSTOMER.order_by(tickets.c.opened_at.desc(), tickets.c.ticket).limit(limit)
        if customers is not None:
            query = query.where(_of_customers(customers))
        if state is not None:
            query = query.where(tickets.c.state == state)
        if device:
            query = query.where(tickets.c.device == device)
        async with self._database.read() as connection:
            return tuple(_ticket_row(row) for row in await connection.execute(query))

    async def require(self, ticket: str, customers: Set[str] | None) -> tuple[TicketRow, Envelope]:
        """The ticket and the device's statement, or 404; a repeat's id leads to the ticket that holds it."""
        async with self._database.read() as connection:
            held = await self.resolve(connection, ticket)
            if held is None:
                raise not_found("ticket")
            query = _TICKET_WITH_CUSTOMER.where(tickets.c.ticket == held.ticket)
            if customers is not None:
                query = query.where(_of_customers(customers))
            row = (await connection.execute(query)).one_or_none()
        if row is None:
            raise not_found("ticket")
        return _ticket_row(row), Envelope.parse(row.statement.encode())

    async def updates(self, device: str, ticket: str | None = None) -> tuple[TicketUpdate, ...]:
        """What the agent is told of its tickets, under every id it knows them by; the newest 200."""
        query = select(tickets).where(tickets.c.device == device).order_by(tickets.c.updated_at.desc()).limit(200)
        if ticket is not None:
            query = query.where(tickets.c.ticket == ticket)
        async with self._database.read() as connection:
            rows = (await connection.execute(query)).all()
            repeats = select(ticket_repeats.c.ticket, ticket_repeats.c.of_ticket).where(
                ticket_repeats.c.of_ticket.in_([row.ticket for row in rows])
            )
            names = {row.ticket: [row.ticket] for row in rows}
            for repeat in await connection.execute(repeats.order_by(ticket_repeats.c.at.desc())):
                if len(names[repeat.of_ticket]) < NAMES_MAX:
                    names[repeat.of_ticket].append(repeat.ticket)
        return tuple(
            TicketUpdate(ticket=name, state=TicketState(row.state), facts=_facts(row), updated_at=row.updated_at)
            for row in rows
            for name in names[row.ticket]
        )

    async def messages_of(self, ticket: str) -> tuple[MessageRow, ...]:
        query = select(messages).where(messages.c.ticket == ticket).order_by(messages.c.id).limit(2000)
        async with self._database.read() as connection:
            return tuple(
                MessageRow(
                    at=row.at,
                    source=MessageSource(row.source),
                    text=row.text,
                    signed=None if row.signed is None else SignedMessage.model_validate_json(row.signed),
                )
                for row in await connection.execute(query)
            )

    async def eta_history_of(self, ticket: str) -> tuple[EtaRow, ...]:
        query = select(eta_history).where(eta_history.c.ticket == ticket).order_by(eta_history.c.id)
        async with self._database.read() as connection:
            return tuple(EtaRow(eta=row.eta, set_at=row.set_at) for row in await connection.execute(query))

    async def sealed_of(self, ticket: str) -> tuple[SealedRow, ...]:
        columns = [column for column in sealed.c if column.name != "data"]
        query = select(*columns).where(sealed.c.ticket == ticket).order_by(sealed.c.at)
        async with self._database.read() as connection:
            return tuple(
                SealedRow(
                    id=row.id,
                    kind=SealedKind(row.kind),
                    sha256=row.sha256,
                    size_bytes=row.size_bytes,
                    at=row.at,
                    session=row.session,
                )
                for row in await connection.execute(query)
            )

    async def sealed_data(self, blob: str) -> tuple[str, bytes] | None:
        """The device that sent a sealed blob, and its bytes."""
        async with self._database.read() as connection:
            row = (await connection.execute(select(sealed.c.device, sealed.c.data).where(sealed.c.id == blob))).first()
        return None if row is None else (row.device, row.data)


_TICKET_WITH_CUSTOMER = select(tickets, devices.c.customer).join(devices, devices.c.device == tickets.c.device)


async def _count(connection: AsyncConnection, table: Table, *where: Any) -> int:
    return int(await connection.scalar(select(func.count()).select_from(table).where(*where)) or 0)


def _of_customers(customers: Set[str]) -> Any:
    names = sorted(customers)
    return or_(
        and_(devices.c.state == "approved", devices.c.customer.in_(names)),
        and_(devices.c.state == "pending", devices.c.asked_customer.in_(names)),
    )


def _facts(row: Any) -> FourFacts:
    return FourFacts(cost=row.cost, doing=row.doing, next=row.next, eta=row.eta)


def _ticket_row(row: Any) -> TicketRow:
    return TicketRow(
        ticket=row.ticket,
        case=row.case_id,
        device=row.device,
        customer=row.customer,
        state=TicketState(row.state),
        level=row.level,
        opened_at=row.opened_at,
        updated_at=row.updated_at,
        origin=TicketOrigin(row.origin),
        finding=row.finding,
        severity=row.severity,
        words=row.words,
        facts=_facts(row),
        owner=row.owner,
        outcome=row.outcome,
    )
