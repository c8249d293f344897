"""Solved is asked about, and what ended by itself comes back as the same ticket for 14 days; on both databases."""

import pytest

from protocol.messages.desk import CustomerText, TicketState, TicketVerdict
from protocol.messages.items import TicketOutcomeItem
from protocol.tickets import TicketOrigin, TicketStatement
from server.link.refused import ItemRefused
from server.refusal import Refusal
from server.storage.engine import Database
from server.tickets.history import account, events_of
from server.tickets.levels import Outcome
from server.tickets.returning import Returning
from server.tickets.rules import COMES_BACK_S
from tests.making import NOW
from tests.server.actors import Clock, DeviceActor, uuid
from tests.server.stores import Stores

ADA, DAY = account("ada"), 86_400
WITHOUT_A_PERSON = [Outcome.SOLVED_MECHANICALLY, Outcome.CLEARED_BY_ITSELF]


@pytest.fixture
def stores(database: Database, clock: Clock) -> Stores:
    return Stores(database, clock)


@pytest.fixture
def returning(stores: Stores) -> Returning:
    return Returning(stores.database, stores.tickets, stores.clock)


def about_disk(device: DeviceActor, name: str, instance: str = "0") -> TicketStatement:
    finding = {"finding": "disk-space", "instance": instance * 16, "severity": "error"}
    return device.ticket(name, words="", origin=TicketOrigin.FINDING, **finding)


async def ends(stores: Stores, device: DeviceActor, ticket: str, outcome: str) -> None:
    item = TicketOutcomeItem.model_validate({"id": uuid("o"), "ticket": ticket, "outcome": outcome, "at": NOW})
    async with stores.database.write() as connection:
        await stores.tickets.outcome(connection, device.device, item)


async def solved_by_a_person(stores: Stores, name: str = "help") -> tuple[DeviceActor, str]:
    device = await stores.device()
    ticket = await stores.open(device, device.ticket(name))
    await move(stores, ticket, TicketState.SOLVED)
    return device, ticket


async def move(stores: Stores, ticket: str, state: TicketState) -> None:
    row, _ = await stores.tickets.require(ticket, None)
    await stores.tickets.set_facts(ticket, row.facts, state, by=ADA)


async def says(
    stores: Stores, returning: Returning, device: DeviceActor, ticket: str, helped: bool, mark: int | None
) -> None:
    item = TicketVerdict(id=uuid("v"), ticket=ticket, helped=helped, mark=mark, at=NOW)
    async with stores.database.write() as connection:
        await returning.verdict(connection, device.device, item)


async def verdicts(stores: Stores, ticket: str) -> list[str | None]:
    return [one.after for one in await events_of(stores.database, ticket) if one.kind == "verdict"]


async def test_yes_with_a_mark_is_kept_and_changes_nothing_else(stores: Stores, returning: Returning) -> None:
    device, ticket = await solved_by_a_person(stores)
    await says(stores, returning, device, ticket, True, 5)
    row, _ = await stores.tickets.require(ticket, None)
    assert (row.state, row.outcome) == (TicketState.SOLVED, Outcome.BY_PERSON)
    assert await verdicts(stores, ticket) == ["yes 5"]


async def test_no_opens_it_again_with_facts_that_are_true_now(
    stores: Stores, returning: Returning, clock: Clock
) -> None:
    device, ticket = await solved_by_a_person(stores)
    clock.now += DAY
    await says(stores, returning, device, ticket, False, None)
    row, _ = await stores.tickets.require(ticket, None)
    assert (row.state, row.outcome) == (TicketState.REOPENED, None)
    assert row.facts.doing.startswith("You said that it did not help.")
    assert row.facts.eta == clock.now + 4 * 3600
    assert [one.eta for one in await stores.tickets.eta_history_of(ticket)] == [NOW + 4 * 3600, clock.now + 4 * 3600]
    with pytest.raises(ItemRefused, match="not solved just now"):
        await says(stores, returning, device, ticket, False, 1)
    await move(stores, ticket, TicketState.SOLVED)
    await says(stores, returning, device, ticket, True, 4)
    assert await verdicts(stores, ticket) == ["yes 4", "no"], "asked anew each time"


async def test_nobody_judges_the_ticket_of_another_device(stores: Stores, returning: Returning) -> None:
    _, ticket = await solved_by_a_person(stores)
    with pytest.raises(ItemRefused, match="no such ticket"):
        await says(stores, returning, await stores.device("other"), ticket, False, 1)


@pytest.mark.parametrize("mark", [0, 6, 5.0, "5", True])
def test_a_mark_is_a_whole_number_from_one_to_five(mark: object) -> None:
    from protocol import strict_json
    from protocol.errors import RemoteProtocolError

    good = TicketVerdict(id=uuid("v"), ticket=uuid("t"), helped=True, mark=5, at=NOW).model_dump()
    import json

    with pytest.raises(RemoteProtocolError):
        strict_json.parse(json.dumps(good | {"mark": mark}).encode(), TicketVerdict)


@pytest.mark.parametrize("outcome", WITHOUT_A_PERSON)
async def test_what_ended_without_a_person_and_comes_back_in_time_is_the_same_ticket(
    stores: Stores, clock: Clock, outcome: str
) -> None:
    device = await stores.device()
    first = await stores.open(device, about_disk(device, "first"))
    await ends(stores, device, first, outcome)
    clock.now += COMES_BACK_S
    assert await stores.open(device, about_disk(device, "other", "1")) == uuid("other"), (
        "another disk is another ticket"
    )
    assert await stores.open(device, about_disk(device, "again")) == first
    row, _ = await stores.tickets.require(uuid("again"), None)
    assert (row.ticket, row.state, row.outcome) == (first, TicketState.REOPENED, None)
    assert row.facts.doing.startswith("The problem came back.")
    assert row.facts.eta == clock.now + 4 * 3600
    told = {update.ticket: update.state for update in await stores.tickets.updates(device.device, first)}
    assert told == {first: TicketState.REOPENED, uuid("again"): TicketState.REOPENED}
    await ends(stores, device, uuid("again"), outcome)
    row, _ = await stores.tickets.require(first, None)
    assert (row.state, row.outcome) == (TicketState.SOLVED, outcome), "and ends again"


@pytest.mark.parametrize("outcome", WITHOUT_A_PERSON)
async def test_what_comes_back_a_second_too_late_is_a_new_ticket(stores: Stores, clock: Clock, outcome: str) -> None:
    device = await stores.device()
    first = await stores.open(device, about_disk(device, "first"))
    await ends(stores, device, first, outcome)
    clock.now += COMES_BACK_S + 1
    assert await stores.open(device, about_disk(device, "again")) == uuid("again")
    assert (await stores.tickets.require(first, None))[0].state is TicketState.SOLVED


async def test_what_a_person_solved_and_comes_back_is_a_new_ticket(stores: Stores) -> None:
    device = await stores.device()
    first = await stores.open(device, about_disk(device, "first"))
    await move(stores, first, TicketState.SOLVED)
    assert await stores.open(device, about_disk(device, "again")) == uuid("again")


async def test_two_tickets_of_one_finding_are_never_open_at_once(stores: Stores, returning: Returning) -> None:
    device = await stores.device()
    first = await stores.open(device, about_disk(device, "first"))
    await move(stores, first, TicketState.SOLVED)
    second = await stores.open(device, about_disk(device, "second"))
    await says(stores, returning, device, first, False, 1)
    async with stores.database.write() as connection:
        words = CustomerText(id=uuid("w"), ticket=first, text="Still full.", at=NOW)
        await stores.tickets.customer_text(connection, device.device, words)
    with pytest.raises(Refusal, match="open ticket already"):
        await move(stores, first, TicketState.REOPENED)
    states = [(await stores.tickets.require(one, None))[0].state for one in (first, second)]
    assert states == [TicketState.SOLVED, TicketState.NEW]
    assert await verdicts(stores, first) == ["no 1"], "what was said is kept"


async def test_solved_is_closed_when_nobody_came_back(stores: Stores, returning: Returning, clock: Clock) -> None:
    device, ticket = await solved_by_a_person(stores)
    clock.now += COMES_BACK_S
    assert await returning.close_old() == 0
    clock.now += 1
    assert (await returning.close_old(), await returning.close_old()) == (1, 0)
    row, _ = await stores.tickets.require(ticket, None)
    assert (row.state, row.outcome) == (TicketState.CLOSED, Outcome.BY_PERSON)
    with pytest.raises(ItemRefused):
        await says(stores, returning, device, ticket, False, None)


@pytest.mark.parametrize("field", ["cost", "doing", "next"])
async def test_the_desk_cannot_blank_a_fact(stores: Stores, field: str) -> None:
    device = await stores.device()
    ticket = await stores.open(device, device.ticket())
    row, _ = await stores.tickets.require(ticket, None)
    with pytest.raises(Refusal, match=field):
        await stores.tickets.set_facts(ticket, row.facts.model_copy(update={field: " \n "}), by=ADA)
