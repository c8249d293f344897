"""What happens at a desk, day by day, written through its own rooms: histories that can be computed by hand."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select

from protocol.messages.desk import CustomerText, TicketState
from protocol.messages.items import TicketOutcomeItem
from protocol.tickets import TicketOrigin
from server.findings.model import findings
from server.reports.definitions import BY_KEY
from server.reports.period import chosen_period
from server.reports.report import Report, report_of
from server.reports.store import reading_for
from server.sessions.model import sessions
from server.technicians.model import technicians
from server.tickets.handing import Handing
from server.tickets.history import account
from server.tickets.levels import Level
from server.tickets.model import ticket_verdicts, tickets
from tests.making import NOW, serial
from tests.server.actors import Clock, DeviceActor, uuid
from tests.server.stores import Stores

DAY, HOUR = 86_400, 3600
#: Midnight of the day on which it begins, 30 days before it is looked at.
START = NOW // DAY * DAY - 30 * DAY
OWNERS = ("ada", "bo")


@dataclass
class History:
    """Each method is something that happened; `at` moves the clock."""

    stores: Stores
    clock: Clock

    def __post_init__(self) -> None:
        self.handing = Handing(self.stores.database, self.stores.tickets)

    def at(self, day: int, hour: float = 0) -> "History":
        self.clock.now = START + day * DAY + int(hour * HOUR)
        return self

    async def opens(self, device: DeviceActor, name: str, finding: str | None = None, instance: str = "0") -> str:
        changes: dict[str, Any] = {}
        if finding is not None:
            about = {"finding": finding, "instance": instance * 16, "severity": "error"}
            changes = {**about, "origin": TicketOrigin.FINDING}
        return await self.stores.open(device, device.ticket(name, **changes))

    async def moves(self, ticket: str, state: TicketState, by: str = "ada") -> None:
        row, _ = await self.stores.tickets.require(ticket, None)
        await self.stores.tickets.set_facts(ticket, row.facts, state, by=account(by))

    async def writes(self, device: DeviceActor, ticket: str) -> None:
        async with self.stores.database.write() as connection:
            item = CustomerText(id=uuid(f"{ticket} {self.clock.now}"), ticket=ticket, text="Hello?", at=NOW)
            await self.stores.tickets.customer_text(connection, device.device, item)

    async def ends(self, device: DeviceActor, ticket: str, outcome: str) -> None:
        item = TicketOutcomeItem.model_validate(
            {"id": uuid(f"o {ticket}"), "ticket": ticket, "outcome": outcome, "at": 1}
        )
        async with self.stores.database.write() as connection:
            await self.stores.tickets.outcome(connection, device.device, item)

    async def passes_on(self, ticket: str, level: Level, owner: str) -> None:
        await self.handing.hand_on(ticket, level, "note", owner=owner, owners=OWNERS, by=account("ada"))

    async def judges(self, ticket: str, helped: bool, mark: int | None) -> None:
        row = {"ticket": ticket, "at": self.clock.now, "helped": helped, "mark": mark}
        async with self.stores.database.write() as connection:
            await connection.execute(ticket_verdicts.insert().values(row))

    async def explains(self, ticket: str, known_issue: str) -> None:
        """The ticket's finding as its device reports it, with the known issue that explains it."""
        about = select(tickets.c.device, tickets.c.finding.label("code"), tickets.c.instance, tickets.c.severity)
        async with self.stores.database.write() as connection:
            found = (await connection.execute(about.where(tickets.c.ticket == ticket))).mappings().one()
            row = {"state": "active", "first_seen": 1, "last_seen": 1, "count": 1, "reported_at": 1}
            await connection.execute(findings.insert().values({**found, **row, "known_issue": known_issue}))

    async def gives_up(self, ticket: str) -> None:
        await self.handing.give_up(ticket, "It is too old.", by=account("bo"))

    async def visits(self, device: DeviceActor, name: str, seconds: int | None, scopes: str = "diagnose") -> None:
        now = self.clock.now
        row = {
            "room": name, "device": device.device, "ticket": None, "serial": serial("Ada"), "asked_at": now,
            "paired_at": None if seconds is None else now + 10,
            "ended_at": now + 10 + (seconds or 0), "end_reason": "ended",
            "grant_hash": None if seconds is None else name.encode().ljust(32), "scopes": scopes if seconds else "",
        }  # fmt: skip
        async with self.stores.database.write() as connection:
            await connection.execute(sessions.insert().values(row))

    async def knows_ada(self) -> None:
        row = {
            "serial": serial("Ada"),
            "name": "Ada Tech",
            "tier": 1,
            "certificate": "{}",
            "not_after": 1,
            "stored_at": 1,
        }
        async with self.stores.database.write() as connection:
            await connection.execute(technicians.insert().values(row))

    async def report(self, key: str, period: str = "quarter", customers: frozenset[str] | None = None) -> Report:
        self.clock.now = NOW
        found = chosen_period(period, "", "", NOW)
        reading = reading_for(self.stores.database, self.clock, customers, found)
        figure = BY_KEY[key]
        return report_of(figure, await reading.rows(figure.source), found)


def numbers(report: Report) -> dict[str, Sequence[float | None]]:
    """Part → its numbers."""
    return {part.key: part.numbers for part in report.now.parts}
