"""What happens to a ticket is kept; it goes on with a note and one owner; it ends in one of four ways."""

import pytest

from protocol.messages.desk import CustomerText, TicketState
from protocol.messages.items import TicketOutcomeItem
from protocol.messages.report import Report, ReportedFinding, ReportedSeverity, ReportedState
from protocol.tickets import TicketOrigin
from server.refusal import Refusal
from server.storage.engine import Database
from server.tickets.handing import NOTE_MAX_CHARS, Handing
from server.tickets.history import DEVICE, AuthorKind, EventKind, account, events_of
from server.tickets.levels import LINES, Level, Outcome, arrival_level, handing_targets
from tests.making import NOW
from tests.server.actors import Clock, DeviceActor, uuid
from tests.server.stores import Stores

ADA, BO = account("ada"), account("bo")
OWNERS = ("ada", "bo")


@pytest.fixture
def stores(database: Database, clock: Clock) -> Stores:
    return Stores(database, clock)


@pytest.fixture
def handing(stores: Stores) -> Handing:
    return Handing(stores.database, stores.tickets)


async def opened(stores: Stores) -> tuple[DeviceActor, str]:
    device = await stores.device()
    return device, await stores.open(device, device.ticket())


async def told(stores: Stores, ticket: str) -> list[tuple[str, str | None, str | None, str, str | None]]:
    events = reversed(await events_of(stores.database, ticket))
    return [(one.kind.value, one.before, one.after, one.by.name or one.by.kind.value, one.note) for one in events]


async def move(stores: Stores, ticket: str, state: TicketState) -> None:
    row, _ = await stores.tickets.require(ticket, None)
    await stores.tickets.set_facts(ticket, row.facts, state, by=ADA)


async def test_a_new_ticket_has_no_history_yet(stores: Stores) -> None:
    _, ticket = await opened(stores)
    assert await told(stores, ticket) == []


async def test_a_life_is_told_in_order(stores: Stores, handing: Handing, clock: Clock) -> None:
    device, ticket = await opened(stores)
    await handing.give(ticket, "ada", owners=OWNERS, by=ADA)
    await move(stores, ticket, TicketState.OPEN)
    await handing.hand_on(ticket, Level.SECOND_LINE, "The driver crashes.", owner="bo", owners=OWNERS, by=ADA)
    await move(stores, ticket, TicketState.SOLVED)
    async with stores.database.write() as connection:
        words = CustomerText(id=uuid("w"), ticket=ticket, text="Still broken.", at=NOW)
        await stores.tickets.customer_text(connection, device.device, words)
    assert await told(stores, ticket) == [
        ("answered", None, None, "ada", None),
        ("owner", None, "ada", "ada", None),
        ("state", "new", "open", "ada", None),
        ("level", "1", "2", "ada", "The driver crashes."),
        ("owner", "ada", "bo", "ada", None),
        ("state", "open", "solved", "ada", None),
        ("outcome", None, "by-person", "ada", None),
        ("wrote", None, None, "device", None),
        ("state", "solved", "reopened", "device", None),
        ("outcome", "by-person", None, "device", None),
    ]
    row, _ = await stores.tickets.require(ticket, None)
    assert (row.state, row.level, row.owner, row.outcome) == (TicketState.REOPENED, Level.SECOND_LINE, "bo", None)


async def test_nothing_is_told_of_what_did_not_change(stores: Stores) -> None:
    _, ticket = await opened(stores)
    for _ in range(3):
        await move(stores, ticket, TicketState.OPEN)
    assert [kind for kind, *_ in await told(stores, ticket)] == ["answered", "state"]


@pytest.mark.parametrize("outcome", ["solved-mechanically", "cleared-by-itself"])
async def test_a_devices_outcome_ends_its_ticket_and_is_kept(stores: Stores, outcome: str) -> None:
    device, ticket = await opened(stores)
    async with stores.database.write() as connection:
        item = TicketOutcomeItem.model_validate({"id": uuid("o"), "ticket": ticket, "outcome": outcome, "at": NOW})
        await stores.tickets.outcome(connection, device.device, item)
        await stores.tickets.outcome(connection, device.device, item)
    events = await told(stores, ticket)
    assert events == [("state", "new", "solved", "device", None), ("outcome", None, outcome, "device", None)]
    assert (await events_of(stores.database, ticket))[0].by == DEVICE


async def test_a_persons_verdict_that_came_first_stands(stores: Stores) -> None:
    device, ticket = await opened(stores)
    await move(stores, ticket, TicketState.SOLVED)
    async with stores.database.write() as connection:
        item = TicketOutcomeItem(id=uuid("o"), ticket=ticket, outcome="cleared-by-itself", at=NOW)
        await stores.tickets.outcome(connection, device.device, item)
    row, _ = await stores.tickets.require(ticket, None)
    assert row.outcome == Outcome.BY_PERSON


async def test_a_ticket_given_up_is_not_solved_and_the_customer_reads_why(stores: Stores, handing: Handing) -> None:
    _, ticket = await opened(stores)
    with pytest.raises(Refusal, match="told why"):
        await handing.give_up(ticket, " \n", by=ADA)
    await handing.give_up(ticket, "The printer is no longer made.", by=ADA)
    row, _ = await stores.tickets.require(ticket, None)
    assert (row.state, row.outcome) == (TicketState.CLOSED, Outcome.NOT_SOLVED)
    assert row.facts.doing == "The printer is no longer made."
    with pytest.raises(Refusal, match="ended already"):
        await handing.give_up(ticket, "Again.", by=ADA)


async def test_a_finding_with_a_known_issue_stands_at_self_service_until_a_person_takes_it(stores: Stores) -> None:
    device = await stores.device()
    finding = ReportedFinding(
        code="disk-space", instance="0" * 16, severity=ReportedSeverity.ERROR, state=ReportedState.ACTIVE,
        first_seen=NOW, last_seen=NOW, count=1, known_issue="full-cache",
    )  # fmt: skip
    async with stores.database.write() as connection:
        await stores.findings.take(connection, device.device, Report(at=NOW, findings=(finding,)))
    about: dict[str, object] = {"origin": TicketOrigin.FINDING, "finding": "disk-space", "severity": "error"}
    matched = await stores.open(device, device.ticket("one", instance="0" * 16, **about))
    unmatched = await stores.open(device, device.ticket("two", instance="1" * 16, **about))
    levels = [(await stores.tickets.require(ticket, None))[0].level for ticket in (matched, unmatched)]
    assert levels == [Level.SELF_SERVICE, Level.FIRST_LINE]
    await stores.tickets.desk_text(matched, "I am looking at it.", by=ADA)
    assert (await stores.tickets.require(matched, None))[0].level == Level.FIRST_LINE
    assert [kind for kind, *_ in await told(stores, matched)] == ["answered", "level"]


@pytest.mark.parametrize("note", ["", "  \n ", "x" * (NOTE_MAX_CHARS + 1)])
async def test_nothing_is_handed_on_without_a_note(stores: Stores, handing: Handing, note: str) -> None:
    _, ticket = await opened(stores)
    with pytest.raises(Refusal):
        await handing.hand_on(ticket, Level.SECOND_LINE, note, owner=None, owners=OWNERS, by=ADA)
    assert await told(stores, ticket) == []


async def test_whoever_hands_on_an_unowned_ticket_keeps_it_until_somebody_takes_it(
    stores: Stores, handing: Handing
) -> None:
    _, ticket = await opened(stores)
    await handing.hand_on(ticket, Level.SECOND_LINE, "Look at the log.", owner=None, owners=OWNERS, by=ADA)
    assert (await stores.tickets.require(ticket, None))[0].owner == "ada"
    await handing.hand_on(ticket, Level.THIRD_LINE, "A defect of ours.", owner=None, owners=OWNERS, by=BO)
    assert (await stores.tickets.require(ticket, None))[0].owner == "ada", "it keeps the owner it has"
    with pytest.raises(Refusal, match="must have"):
        await handing.give(ticket, None, owners=OWNERS, by=BO)
    with pytest.raises(Refusal, match="cannot have"):
        await handing.give(ticket, "mallory", owners=OWNERS, by=BO)
    await handing.give(ticket, "bo", owners=OWNERS, by=BO)
    assert (await stores.tickets.require(ticket, None))[0].owner == "bo"


@pytest.mark.parametrize("to", [Level.PRE_SUPPORT, Level.SELF_SERVICE, Level.FIRST_LINE])
async def test_a_ticket_goes_only_to_another_line_of_people(stores: Stores, handing: Handing, to: Level) -> None:
    _, ticket = await opened(stores)
    with pytest.raises(Refusal, match="cannot go there"):
        await handing.hand_on(ticket, to, "note", owner=None, owners=OWNERS, by=ADA)


async def test_what_has_ended_is_handed_nowhere(stores: Stores, handing: Handing) -> None:
    _, ticket = await opened(stores)
    await move(stores, ticket, TicketState.SOLVED)
    with pytest.raises(Refusal, match="ended already"):
        await handing.hand_on(ticket, Level.SECOND_LINE, "note", owner=None, owners=OWNERS, by=ADA)
    with pytest.raises(Refusal, match="ended already"):
        await handing.give(ticket, "bo", owners=OWNERS, by=ADA)


async def test_a_technicians_signed_words_are_an_answer_by_their_certificate(stores: Stores) -> None:
    from protocol.messages.desk import SignedMessage
    from protocol.tickets import MessageStatement
    from tests.making import Organisation, serial, signing_key

    device, ticket = await opened(stores)
    organisation = Organisation()
    said = MessageStatement(
        root=organisation.root_hash, device=device.device, ticket=ticket, serial=serial("Ada"), sequence=0,
        text="Hello.", issued_at=NOW,
    )  # fmt: skip
    signed = SignedMessage(chain=organisation.technician("Ada"), message=signing_key("Ada").sign(said))
    await stores.tickets.signed_message(ticket, signed, said)
    events = await events_of(stores.database, ticket)
    assert [(one.kind, one.by.kind, one.by.name) for one in reversed(events)] == [
        (EventKind.ANSWERED, AuthorKind.TECHNICIAN, serial("Ada")),
        (EventKind.STATE, AuthorKind.TECHNICIAN, serial("Ada")),
    ]


def test_levels_lead_to_every_other_line_and_nowhere_else() -> None:
    for level in Level:
        assert set(handing_targets(level)) == set(LINES) - {level}
    assert {arrival_level(known_issue=known) for known in (True, False)} == {Level.SELF_SERVICE, Level.FIRST_LINE}
