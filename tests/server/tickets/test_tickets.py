"""Tickets on both databases: one open for a finding, four facts never empty, moves by the table."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from protocol.messages.desk import CustomerText, FourFacts, TicketState
from protocol.messages.items import TicketOutcomeItem
from protocol.tickets import TicketOrigin, TicketStatement
from server.link.refused import ItemRefused
from server.refusal import Refusal
from server.storage.engine import Database
from server.tickets.rules import MOVES, OPEN_STATES, PAUSED_STATES, after_customer_words, may_move
from tests.making import NOW
from tests.server.actors import Clock, DeviceActor, uuid
from tests.server.stores import Stores

FINDING = {"origin": TicketOrigin.FINDING, "finding": "disk-space", "instance": "0" * 16, "severity": "error"}


@pytest.fixture
def stores(database: Database, clock: Clock) -> Stores:
    return Stores(database, clock)


def about_disk(device: DeviceActor, name: str, **changes: object) -> TicketStatement:
    return device.ticket(name, words="", **{**FINDING, **changes})


async def test_a_finding_has_one_open_ticket_and_repeats_add_to_it(stores: Stores) -> None:
    device = await stores.device()
    first = await stores.open(device, about_disk(device, "first"))
    second = await stores.open(device, about_disk(device, "second"))
    other_disk = await stores.open(device, about_disk(device, "third", instance="1" * 16))
    assert (first, second, other_disk) == (uuid("first"), uuid("first"), uuid("third"))
    told = {update.ticket for update in await stores.tickets.updates(device.device, first)}
    assert told == {uuid("first"), uuid("second")}, "the agent knows it by both names"
    row, _ = await stores.tickets.require(uuid("second"), None)
    assert row.ticket == first


async def test_what_ended_on_the_machine_tells_the_customer_how(stores: Stores) -> None:
    device = await stores.device()
    first = await stores.open(device, about_disk(device, "first"))
    async with stores.database.write() as connection:
        item = TicketOutcomeItem(id=uuid("o"), ticket=first, outcome="solved-mechanically", at=NOW)
        await stores.tickets.outcome(connection, device.device, item)
    row, _ = await stores.tickets.require(first, None)
    assert (row.state, row.facts.doing) == (TicketState.SOLVED, "Solved on your computer by a prepared fix.")


async def test_two_devices_have_each_their_own_ticket_about_the_same_code(stores: Stores) -> None:
    one, two = await stores.device("one"), await stores.device("two")
    assert await stores.open(one, about_disk(one, "of one")) == uuid("of one")
    assert await stores.open(two, about_disk(two, "of two")) == uuid("of two")


async def test_customers_may_ask_about_two_things_at_once(stores: Stores) -> None:
    device = await stores.device()
    assert await stores.open(device, device.ticket("printer")) == uuid("printer")
    assert await stores.open(device, device.ticket("mail")) == uuid("mail")


async def test_the_database_itself_refuses_a_second_open_ticket_of_a_finding(stores: Stores) -> None:
    from sqlalchemy.exc import IntegrityError

    from server.tickets.model import tickets

    device = await stores.device()
    await stores.open(device, about_disk(device, "first"))
    async with stores.database.read() as connection:
        row = (await connection.execute(tickets.select())).mappings().one()
    again = tickets.insert().values({**row, "ticket": uuid("second")})
    async with stores.database.write() as connection:
        with pytest.raises(IntegrityError):
            await connection.execute(again)


async def test_a_new_ticket_has_four_facts_and_every_moved_eta_stays_visible(stores: Stores, clock: Clock) -> None:
    device = await stores.device()
    ticket = await stores.open(device, device.ticket())
    row, _ = await stores.tickets.require(ticket, None)
    assert all((row.facts.cost, row.facts.doing, row.facts.next))
    assert row.facts.eta == NOW + 4 * 3600
    clock.now += 60
    later = row.facts.model_copy(update={"eta": row.facts.eta + 3600, "doing": "Ada reads the log."})
    await stores.tickets.set_facts(ticket, later)
    await stores.tickets.set_facts(ticket, later.model_copy(update={"cost": "10 €"}))
    history = await stores.tickets.eta_history_of(ticket)
    assert [(one.eta, one.set_at) for one in history] == [(NOW + 14400, NOW), (NOW + 18000, NOW + 60)]


@pytest.mark.parametrize("field", ["cost", "doing", "next"])
def test_an_empty_fact_cannot_be_said(field: str) -> None:
    facts = {"cost": "a", "doing": "b", "next": "c", "eta": NOW}
    with pytest.raises(ValueError, match=field):
        FourFacts(**{**facts, field: ""})  # type: ignore[arg-type]


async def test_a_state_is_reached_only_by_the_table(stores: Stores) -> None:
    device = await stores.device()
    ticket = await stores.open(device, device.ticket())
    row, _ = await stores.tickets.require(ticket, None)
    with pytest.raises(Refusal):
        await stores.tickets.set_facts(ticket, row.facts, TicketState.CLOSED)
    for state in (TicketState.OPEN, TicketState.WAITING_CUSTOMER, TicketState.SOLVED, TicketState.CLOSED):
        await stores.tickets.set_facts(ticket, row.facts, state)
    with pytest.raises(Refusal):
        await stores.tickets.set_facts(ticket, row.facts, TicketState.OPEN)
    async with stores.database.write() as connection:
        with pytest.raises(ItemRefused, match="closed"):
            await stores.tickets.customer_text(
                connection, device.device, CustomerText(id=uuid("c"), ticket=ticket, text="?", at=NOW)
            )


def test_every_state_can_be_reached_and_only_closed_is_the_end() -> None:
    assert set(MOVES) == set(TicketState)
    assert {state for state, moves in MOVES.items() if not moves} == {TicketState.CLOSED}
    reached, ahead = {TicketState.NEW}, {TicketState.NEW}
    while ahead:
        ahead = {target for state in ahead for target in MOVES[state]} - reached
        reached |= ahead
    assert reached == set(TicketState)
    assert PAUSED_STATES < OPEN_STATES


@settings(deadline=None, derandomize=True)
@given(st.lists(st.sampled_from(list(TicketState)), max_size=12))
def test_no_walk_leaves_closed_and_words_never_close(walk: list[TicketState]) -> None:
    state = TicketState.NEW
    for wanted in walk:
        if may_move(state, wanted):
            assert state is not TicketState.CLOSED
            state = wanted
        spoken = after_customer_words(state)
        assert spoken is state or may_move(state, spoken)
        assert spoken is not TicketState.CLOSED or state is TicketState.CLOSED


async def test_a_hostile_device_is_bounded_in_tickets_repeats_and_blobs(stores: Stores, clock: Clock) -> None:
    device = await stores.device()
    for at in range(5):
        await stores.open(device, device.ticket(f"ticket {at}"))
    with pytest.raises(ItemRefused, match="5 open"):
        await stores.open(device, device.ticket("one more"))
    for day in range(4):
        for at in range(5):
            ticket = uuid(f"ticket {day * 5 + at}")
            async with stores.database.write() as connection:
                item = TicketOutcomeItem(id=uuid("o"), ticket=ticket, outcome="cleared-by-itself", at=NOW)
                await stores.tickets.outcome(connection, device.device, item)
        if day == 3:
            break
        for at in range(5):
            await stores.open(device, device.ticket(f"ticket {(day + 1) * 5 + at}"))
    with pytest.raises(ItemRefused, match="within a day"):
        await stores.open(device, device.ticket("the 21st"))
    clock.now += 86_401
    assert await stores.open(device, device.ticket("tomorrow"))
