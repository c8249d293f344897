"""Keeps notices and waiting mails: reads the history of tickets as it grows, and tells each event once.

    ticket_events ─► told_to ─► notices (one for each event and account) ─► mails, for those who gave an address

Nothing that changes a ticket waits for this: it reads what is written already. Two transactions of PostgreSQL may
commit in another order than their numbers say, so a part of what was read is read again; each notice is kept once.
"""

from collections.abc import Set
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import delete, func, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from protocol.messages.desk import TicketState
from server.clock import Clock
from server.devices.model import devices
from server.notifications.model import mail_addresses, mails, notice_reading, notices, ticket_watchers
from server.notifications.rules import GIVE_UP_S, Audience, NoticeKind, told_to, wait_s
from server.notifications.settings import mail_address
from server.people.model import accounts
from server.people.rules import Role
from server.refusal import Refusal
from server.storage.engine import Database
from server.tickets.history import Author, AuthorKind, Event, EventKind
from server.tickets.listing import visible_to
from server.tickets.model import ticket_events, tickets

_ONLY: Final = 1
#: Read again each time, for transactions that committed late.
READ_AGAIN: Final = 200
AT_ONCE: Final = 500
SHOWN_MAX: Final = 100
KEPT_S: Final = 90 * 86_400
#: One account's mails of an hour: a storm of events must not become a storm of mails.
MAILS_AN_HOUR: Final = 60


@dataclass(frozen=True)
class Notice:
    id: int
    ticket: str
    kind: NoticeKind
    at: int
    seen: bool
    words: str
    finding: str | None
    state: TicketState


@dataclass(frozen=True)
class WaitingMail:
    id: int
    address: str
    ticket: str
    case: str
    state: TicketState
    made_at: int
    attempts: int


class NoticeStore:
    def __init__(self, database: Database, now: Clock, *, by_mail: bool) -> None:
        self._database = database
        self._now = now
        self._by_mail = by_mail

    # --- gathering -----------------------------------------------------------------------------------------

    async def gather(self) -> int:
        """Tell what happened since the last time. How many notices were made."""
        async with self._database.write() as connection:
            newest = int(await connection.scalar(select(func.max(ticket_events.c.id))) or 0)
            reading = (await connection.execute(select(notice_reading).with_for_update())).one_or_none()
            if reading is None:
                values = {"id": _ONLY, "floor": newest, "read_to": newest}
                insert = self._database.insert(notice_reading).values(**values)
                await connection.execute(insert.on_conflict_do_nothing(index_elements=["id"]))
                return 0
            if newest <= reading.floor:
                return 0
            since = max(reading.floor, reading.read_to - READ_AGAIN)
            query = select(ticket_events).where(ticket_events.c.id > since).order_by(ticket_events.c.id)
            rows = (await connection.execute(query.limit(READ_AGAIN + AT_ONCE))).all()
            names = (await connection.execute(select(accounts.c.name, accounts.c.role))).all()
            made = 0
            for row in rows:
                made += await self._tell(connection, row, names)
            if rows:
                read_to = max(reading.read_to, rows[-1].id)
                await connection.execute(update(notice_reading).values(read_to=read_to))
        return made

    async def _tell(self, connection: AsyncConnection, row: Any, names: Any) -> int:
        event = Event(
            row.ticket, row.at, EventKind(row.kind), row.before, row.after,
            Author(AuthorKind(row.by_kind), row.by_name), row.note,
        )  # fmt: skip
        watching = select(ticket_watchers.c.account).where(ticket_watchers.c.ticket == row.ticket)
        audience = Audience(
            owner=await connection.scalar(select(tickets.c.owner).where(tickets.c.ticket == row.ticket)),
            watchers=frozenset((await connection.execute(watching)).scalars()),
            accounts=frozenset(one.name for one in names),
            admins=frozenset(one.name for one in names if one.role == Role.ADMIN),
        )
        made = 0
        for account, kind in told_to(event, audience).items():
            values = {"account": account, "ticket": row.ticket, "event": row.id, "kind": kind, "at": row.at}
            insert = self._database.insert(notices).values(**values)
            done = await connection.execute(insert.on_conflict_do_nothing(index_elements=["event", "account"]))
            if done.rowcount == 1:
                made += 1
                await self._put_mail(connection, account, row.ticket)
        return made

    async def _put_mail(self, connection: AsyncConnection, account: str, ticket: str) -> None:
        """One mail about a ticket waits at a time: it says how it stands when it goes."""
        if not self._by_mail:
            return
        address = await connection.scalar(select(mail_addresses.c.address).where(mail_addresses.c.account == account))
        if address is None:
            return
        now = self._now()
        same = (mails.c.address == address, mails.c.ticket == ticket, mails.c.next_at.is_not(None))
        if (await connection.execute(select(mails.c.id).where(*same).limit(1))).first() is not None:
            return
        lately = select(func.count()).select_from(notices)
        lately = lately.where(notices.c.account == account, notices.c.at > now - 3600)
        if int(await connection.scalar(lately) or 0) > MAILS_AN_HOUR:
            return
        await connection.execute(
            mails.insert().values(address=address, ticket=ticket, made_at=now, attempts=0, next_at=now)
        )

    # --- what people do ------------------------------------------------------------------------------------

    async def of(self, account: str, customers: Set[str] | None) -> tuple[Notice, ...]:
        """The newest of an account, of tickets that it may see now."""
        query = (
            select(notices, tickets.c.words, tickets.c.finding, tickets.c.state)
            .select_from(notices.join(tickets).join(devices))
            .where(notices.c.account == account, *visible_to(customers))
            .order_by(notices.c.id.desc())
        )
        async with self._database.read() as connection:
            rows = (await connection.execute(query.limit(SHOWN_MAX))).all()
        return tuple(
            Notice(
                row.id, row.ticket, NoticeKind(row.kind), row.at, row.seen_at is not None, row.words, row.finding,
                TicketState(row.state),
            )
            for row in rows
        )  # fmt: skip

    async def seen(self, account: str) -> None:
        """All that were told to this account until now."""
        which = (notices.c.account == account, notices.c.seen_at.is_(None))
        async with self._database.write() as connection:
            await connection.execute(update(notices).where(*which).values(seen_at=self._now()))

    async def watch(self, ticket: str, account: str, *, on: bool) -> None:
        async with self._database.write() as connection:
            if on:
                insert = self._database.insert(ticket_watchers)
                insert = insert.values(ticket=ticket, account=account, since=self._now())
                await connection.execute(insert.on_conflict_do_nothing(index_elements=["ticket", "account"]))
                return
            own = (ticket_watchers.c.ticket == ticket, ticket_watchers.c.account == account)
            await connection.execute(delete(ticket_watchers).where(*own))

    async def watchers_of(self, ticket: str) -> tuple[str, ...]:
        query = select(ticket_watchers.c.account).where(ticket_watchers.c.ticket == ticket)
        async with self._database.read() as connection:
            return tuple((await connection.execute(query.order_by(ticket_watchers.c.account))).scalars())

    async def address_of(self, account: str) -> str | None:
        async with self._database.read() as connection:
            query = select(mail_addresses.c.address).where(mail_addresses.c.account == account)
            found: str | None = await connection.scalar(query)
        return found

    async def set_address(self, account: str, text: str) -> None:
        """Nothing typed: no mails."""
        address = mail_address(text) if text.strip() else ""
        if address is None:
            raise Refusal(422, "this is no mail address", expected="somebody@example.org")
        async with self._database.write() as connection:
            await connection.execute(delete(mail_addresses).where(mail_addresses.c.account == account))
            if address:
                await connection.execute(mail_addresses.insert().values(account=account, address=address))

    # --- mails ---------------------------------------------------------------------------------------------

    async def due(self, limit: int) -> tuple[WaitingMail, ...]:
        query = (
            select(mails, tickets.c.case_id, tickets.c.state)
            .join(tickets, tickets.c.ticket == mails.c.ticket)
            .where(mails.c.next_at <= self._now())
            .order_by(mails.c.next_at, mails.c.id)
            .limit(limit)
        )
        async with self._database.read() as connection:
            rows = (await connection.execute(query)).all()
        return tuple(
            WaitingMail(row.id, row.address, row.ticket, row.case_id, TicketState(row.state), row.made_at, row.attempts)
            for row in rows
        )

    async def sent(self, mail: WaitingMail) -> None:
        async with self._database.write() as connection:
            await connection.execute(delete(mails).where(mails.c.id == mail.id))

    async def failed(self, mail: WaitingMail, error: str, *, for_ever: bool) -> None:
        """Tried again later, unless it never will do or three days are over: then it stays with its reason."""
        now, attempts = self._now(), mail.attempts + 1
        over = for_ever or now - mail.made_at >= GIVE_UP_S
        values = {"attempts": attempts, "error": error[:200], "next_at": None if over else now + wait_s(attempts)}
        async with self._database.write() as connection:
            await connection.execute(update(mails).where(mails.c.id == mail.id).values(**values))

    async def sweep(self) -> None:
        """Old notices, given-up mails, and what belonged to accounts that are gone."""
        now, known = self._now(), select(accounts.c.name)
        async with self._database.write() as connection:
            await connection.execute(delete(notices).where(notices.c.at < now - KEPT_S))
            await connection.execute(delete(mails).where(mails.c.next_at.is_(None), mails.c.made_at < now - KEPT_S))
            for table in (notices, ticket_watchers, mail_addresses):
                await connection.execute(delete(table).where(table.c.account.not_in(known)))
