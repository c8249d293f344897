"""Service clocks of kept tickets, on both databases: priority, new hours, pauses, and what ran out, told once."""

import pytest

from protocol.messages.desk import TicketState
from protocol.tickets import TicketOrigin
from server.storage.engine import Database
from server.tickets.history import BY_CLOCK, EventKind, account, events_of
from server.tickets.listing import Filter, TicketListing, Wanted
from server.tickets.model import ticket_service
from server.tickets.priority import Impact, Priority, Target, Urgency
from server.tickets.service import RanOut, ServiceStore
from server.tickets.service_clock import ClockKind, ClockState
from server.tickets.service_hours import ROUND_THE_CLOCK
from server.tickets.service_rules import ServiceRules
from tests.server.actors import Clock
from tests.server.stores import Stores

ADA, HOUR = account("ada"), 3600
RULES = ServiceRules(ROUND_THE_CLOCK, {one: Target(60 * one, 240 * one) for one in Priority})


@pytest.fixture
def stores(database: Database, clock: Clock) -> Stores:
    return Stores(database, clock)


@pytest.fixture
async def service(stores: Stores) -> ServiceStore:
    made = ServiceStore(stores.database, stores.clock)
    await made.set_rules(RULES, by="ada")
    return made


async def opened(stores: Stores) -> str:
    device = await stores.device()
    return await stores.open(device, device.ticket())


async def move(stores: Stores, ticket: str, state: TicketState) -> None:
    row, _ = await stores.tickets.require(ticket, None)
    await stores.tickets.set_facts(ticket, row.facts, state, by=ADA)


async def test_a_ticket_has_a_priority_and_two_clocks_from_its_first_moment(
    stores: Stores, service: ServiceStore, clock: Clock
) -> None:
    device = await stores.device()
    asked = await stores.open(device, device.ticket())
    about = {"origin": TicketOrigin.FINDING, "finding": "disk-space", "instance": "0" * 16, "severity": "critical"}
    found = await stores.open(device, device.ticket("disk", **about))
    assert [(await service.of(one)).priority for one in (asked, found)] == [Priority.THIRD, Priority.SECOND]
    clocks = (await service.of(asked)).clocks
    assert (clocks.answer.due_at, clocks.solve.due_at) == (clock.now + 3 * HOUR, clock.now + 12 * HOUR)


async def test_waiting_pauses_the_solution_and_the_list_says_so(
    stores: Stores, service: ServiceStore, clock: Clock
) -> None:
    ticket, listing = await opened(stores), TicketListing(stores.database, clock)
    clock.now += HOUR
    await move(stores, ticket, TicketState.WAITING_CUSTOMER)
    clock.now += 100 * HOUR
    clocks = (await service.of(ticket)).clocks
    assert (clocks.answer.state, clocks.solve.state) == (ClockState.STOPPED, ClockState.PAUSED)
    assert clocks.solve.left_s == 11 * HOUR
    line = (await listing.page(None, Filter(), 1)).lines[0].service
    assert line is not None
    assert (line.due, line.left_s, line.late, line.priority) == (None, 11 * HOUR, False, Priority.THIRD)
    await move(stores, ticket, TicketState.OPEN)
    line = (await listing.page(None, Filter(), 1)).lines[0].service
    assert line is not None
    assert (line.due, line.left_s, line.what) == (clock.now + 11 * HOUR, 11 * HOUR, ClockKind.SOLVE)


async def test_what_ran_out_is_told_once_and_kept(stores: Stores, service: ServiceStore, clock: Clock) -> None:
    ticket, listing = await opened(stores), TicketListing(stores.database, clock)
    clock.now += 3 * HOUR
    assert await service.ran_out() == ()
    assert (await listing.page(None, Filter(state=Wanted.LATE), 1)).total == 0
    clock.now += 1
    assert await service.ran_out() == (RanOut(ticket, ClockKind.ANSWER),)
    assert await service.ran_out() == ()
    clock.now += 9 * HOUR
    assert await service.ran_out() == (RanOut(ticket, ClockKind.SOLVE),)
    events = [(one.kind, one.after, one.by) for one in await events_of(stores.database, ticket)]
    assert events == [(EventKind.LATE, "solve", BY_CLOCK), (EventKind.LATE, "answer", BY_CLOCK)]
    line = (await listing.page(None, Filter(state=Wanted.LATE), 1)).lines[0].service
    assert line is not None
    assert (line.late, line.left_s) == (True, -9 * HOUR - 1)
    await move(stores, ticket, TicketState.SOLVED)
    assert (await listing.page(None, Filter(state=Wanted.LATE), 1)).total == 0


async def test_judged_anew_the_targets_are_other_ones(stores: Stores, service: ServiceStore, clock: Clock) -> None:
    ticket = await opened(stores)
    clock.now += 2 * HOUR
    await service.judge(ticket, Impact.ALL, Urgency.HIGH, by=ADA)
    assert (await service.of(ticket)).clocks.answer.left_s == -HOUR
    assert await service.ran_out() == (RanOut(ticket, ClockKind.ANSWER),)
    await service.judge(ticket, Impact.ALL, Urgency.HIGH, by=ADA)
    await service.judge(ticket, Impact.ONE, Urgency.LOW, by=ADA)
    assert (await service.of(ticket)).clocks.answer.broken_at is None
    told = [(one.before, one.after) for one in await events_of(stores.database, ticket) if one.kind == "priority"]
    assert told == [("1", "4"), ("3", "1")]
    clock.now += 3 * HOUR
    assert await service.ran_out() == (RanOut(ticket, ClockKind.ANSWER),), "a new promise, broken anew"


async def test_other_hours_count_for_open_tickets_at_once(stores: Stores, service: ServiceStore, clock: Clock) -> None:
    ticket = await opened(stores)
    clock.now += 4 * HOUR
    await service.set_rules(ServiceRules(ROUND_THE_CLOCK, {one: Target(600, 600) for one in Priority}), by="ada")
    assert await service.ran_out() == ()
    assert (await service.of(ticket)).clocks.answer.left_s == 6 * HOUR


async def test_a_ticket_of_an_older_version_gets_its_clocks_at_the_first_look(
    stores: Stores, service: ServiceStore, clock: Clock
) -> None:
    ticket = await opened(stores)
    async with stores.database.write() as connection:
        await connection.execute(ticket_service.delete())
    assert (await TicketListing(stores.database, clock).page(None, Filter(), 1)).lines[0].service is None
    clock.now += 4 * HOUR
    assert await service.ran_out() == (RanOut(ticket, ClockKind.ANSWER),)
