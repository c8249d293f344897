from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from agent.identity.identity import Identity
from agent.identity.trust_store import TrustStore
from agent.link.link import Link
from agent.link.outbox import Outbox
from agent.refusal import Refusal
from agent.store.database import Database, NotWritten
from agent.tickets.desk import Desk
from agent.tickets.store import FindingReason, MessageKind, TicketStore
from agent.tickets.verbs import ticket_value
from protocol.errors import RemoteProtocolError
from protocol.messages.desk import DeskText, FourFacts, SignedMessage, TicketState, TicketUpdate, TicketVerdict
from protocol.messages.items import SealedItem, TicketItem, TicketOutcomeItem
from protocol.messages.link import parse_item
from protocol.statements import verify
from protocol.tickets import MessageStatement, TicketOrigin, TicketStatement
from tests.agent.doubles import HandClocks, MemoryLog, item_id
from tests.making import NOW, Organisation, serial, signing_key

REASON = FindingReason("disk-full|disk:/home/anna", "disk-full", "disk:/home/anna", "error")
FACTS = FourFacts(cost="nothing", doing="reading your words", next="somebody calls", eta=NOW + 3600)


@pytest.fixture
def tickets(database: Database, identity: Identity, outbox: Outbox, clocks: HandClocks) -> TicketStore:
    return TicketStore(database, identity, outbox, clocks)


def queued(outbox: Outbox) -> list[Any]:
    return [parse_item(waiting.body) for waiting in outbox.due((), 100)]


def test_a_ticket_is_a_statement_of_this_device_and_waits_in_the_outbox(
    tickets: TicketStore, outbox: Outbox, identity: Identity
) -> None:
    opened = tickets.open(origin=TicketOrigin.CUSTOMER, words="The printer sings.")
    (item,) = queued(outbox)
    assert isinstance(item, TicketItem)
    body = verify(item.ticket, TicketStatement, identity.signing.verify_key).body
    assert (body.ticket, body.case, body.words, body.device) == (
        opened.ticket,
        opened.case,
        "The printer sings.",
        identity.device,
    )
    assert tickets.get(opened.ticket) == opened


def test_its_sealed_evidence_follows_the_ticket_and_is_named_in_it(tickets: TicketStore, outbox: Outbox) -> None:
    opened = tickets.open(origin=TicketOrigin.FINDING, finding=REASON, sealed=[b"sealed one", b"sealed two"])
    ticket, *sealed = queued(outbox)
    assert isinstance(ticket, TicketItem)
    assert all(isinstance(item, SealedItem) and item.ticket == opened.ticket for item in sealed)
    from protocol.statements import parse_payload

    named = parse_payload(ticket.ticket, TicketStatement).evidence
    assert [(ref.id, ref.sha256, ref.size_bytes) for ref in named] == [
        (item.id, item.sha256, len(item.data)) for item in sealed
    ]


def test_the_clear_part_of_a_finding_holds_no_name_and_no_path(tickets: TicketStore, outbox: Outbox) -> None:
    tickets.open(origin=TicketOrigin.FINDING, finding=REASON, sealed=[b"sealed"])
    for waiting in outbox.due((), 10):
        import base64
        import json

        clear = waiting.body
        if waiting.kind == "ticket":
            clear += base64.b64decode(json.loads(waiting.body)["ticket"]["payload"])
        assert b"anna" not in clear
        assert b"/home" not in clear


def test_a_finding_has_one_open_ticket(tickets: TicketStore, outbox: Outbox) -> None:
    first = tickets.open(origin=TicketOrigin.FINDING, finding=REASON)
    assert tickets.open(origin=TicketOrigin.FINDING, finding=REASON) == first
    assert len(queued(outbox)) == 1


def test_a_closed_ticket_makes_room_for_another(tickets: TicketStore, clocks: HandClocks) -> None:
    first = tickets.open(origin=TicketOrigin.FINDING, finding=REASON)
    tickets.updated(TicketUpdate(ticket=first.ticket, state=TicketState.CLOSED, facts=FACTS, updated_at=NOW))
    assert tickets.open(origin=TicketOrigin.FINDING, finding=REASON).ticket != first.ticket


def test_the_desks_word_on_a_ticket_is_shown_and_changes_nothing_else(tickets: TicketStore) -> None:
    opened = tickets.open(origin=TicketOrigin.CUSTOMER, words="help")
    update = TicketUpdate(ticket=opened.ticket, state=TicketState.WAITING_CUSTOMER, facts=FACTS, updated_at=NOW)
    assert tickets.updated(update)
    assert not tickets.updated(update)
    shown = tickets.get(opened.ticket)
    assert shown is not None
    assert (shown.state, shown.facts, shown.words, shown.signed) == (
        TicketState.WAITING_CUSTOMER,
        FACTS,
        "help",
        opened.signed,
    )


def test_the_server_cannot_invent_a_ticket(tickets: TicketStore) -> None:
    update = TicketUpdate(ticket=item_id(1), state=TicketState.OPEN, facts=FACTS, updated_at=NOW)
    assert not tickets.updated(update)
    assert not tickets.heard(item_id(1), MessageKind.UNVERIFIED, None, None, "hello", NOW, b"key")
    assert tickets.list() == []
    assert tickets.get(item_id(1)) is None


def test_a_ticket_changed_on_the_disk_is_no_ticket(tickets: TicketStore, database: Database) -> None:
    opened = tickets.open(origin=TicketOrigin.CUSTOMER, words="help")
    with database.transaction() as connection:
        signed = connection.execute("SELECT signed FROM tickets").fetchone()[0]
        connection.execute("UPDATE tickets SET signed = ?", (signed.replace(b'"payload":"ey', b'"payload":"eX'),))
    with pytest.raises(RemoteProtocolError):
        tickets.get(opened.ticket)


def test_asking_for_help_is_a_local_act_and_a_finding_is_not(tickets: TicketStore, clocks: HandClocks) -> None:
    tickets.open(origin=TicketOrigin.FINDING, finding=REASON)
    assert tickets.last_local_act_at() is None
    clocks.pass_s(60)
    tickets.open(origin=TicketOrigin.CUSTOMER, words="help")
    assert tickets.last_local_act_at() == 1060.0


def test_further_words_are_queued_and_kept(tickets: TicketStore, outbox: Outbox) -> None:
    opened = tickets.open(origin=TicketOrigin.CUSTOMER, words="help")
    tickets.say(opened.ticket, "It smokes now.")
    assert queued(outbox)[1].text == "It smokes now."
    assert [(message.kind, message.text) for message in tickets.messages(opened.ticket)] == [
        (MessageKind.OWN, "It smokes now.")
    ]


def test_words_on_somebody_elses_ticket_are_refused(tickets: TicketStore) -> None:
    with pytest.raises(Refusal, match="no such ticket"):
        tickets.say(item_id(1), "hello")


def test_a_finding_that_ends_is_told_once(tickets: TicketStore, outbox: Outbox) -> None:
    opened = tickets.open(origin=TicketOrigin.FINDING, finding=REASON)
    tickets.ended_here(opened.ticket, "cleared-by-itself")
    tickets.ended_here(opened.ticket, "cleared-by-itself")
    told = [item for item in queued(outbox) if isinstance(item, TicketOutcomeItem)]
    assert [(item.ticket, item.outcome) for item in told] == [(opened.ticket, "cleared-by-itself")]


def test_a_full_disk_opens_nothing_and_queues_nothing(tmp_path: Path, identity: Identity, clocks: HandClocks) -> None:
    database = Database(tmp_path / "small.db")
    outbox = Outbox(database)
    tickets = TicketStore(database, identity, outbox, clocks)
    database.query(f"PRAGMA max_page_count={database.query('PRAGMA page_count')[0][0] + 8}")
    with pytest.raises(NotWritten, match="Nothing was promised or sent"):
        tickets.open(origin=TicketOrigin.CUSTOMER, words="x" * 4000, sealed=[b"y" * 60_000])
    assert tickets.list() == []
    assert queued(outbox) == []
    assert tickets.last_local_act_at() is None
    database.close()


def test_too_many_open_tickets_are_refused(tickets: TicketStore) -> None:
    for number in range(50):
        tickets.open(origin=TicketOrigin.CUSTOMER, words=f"number {number}")
    with pytest.raises(Refusal, match="too many open tickets"):
        tickets.open(origin=TicketOrigin.CUSTOMER, words="one more")


# --- what the desk says ---------------------------------------------------------------------------------------


@pytest.fixture
def desk(
    tickets: TicketStore,
    identity: Identity,
    trust_store: TrustStore,
    clocks: HandClocks,
    outbox: Outbox,
    log: MemoryLog,
) -> Desk:
    return Desk(tickets, identity, trust_store, clocks, Link(identity, outbox, clocks, log=log), log=log)


@pytest.fixture
def message(
    organisation: Organisation, identity: Identity, tickets: TicketStore
) -> Callable[..., tuple[str, SignedMessage]]:
    opened = tickets.open(origin=TicketOrigin.CUSTOMER, words="help").ticket

    def make(signer: str = "Helpful Ltd Ada Tech", **changes: object) -> tuple[str, SignedMessage]:
        body = MessageStatement(
            root=organisation.root_hash,
            device=identity.device,
            ticket=opened,
            serial=serial("Helpful Ltd Ada Tech"),
            sequence=1,
            text="I will call you at ten.",
            issued_at=NOW,
        )
        signed = signing_key(signer).sign(body.model_copy(update=changes))
        return opened, SignedMessage(chain=organisation.technician(), message=signed)

    return make


async def test_a_technicians_signed_words_show_their_author(
    desk: Desk, tickets: TicketStore, message: Callable[..., tuple[str, SignedMessage]]
) -> None:
    ticket, said = message()
    await desk.signed(said)
    await desk.signed(said)
    (shown,) = tickets.messages(ticket)
    assert (shown.kind, shown.author, shown.text) == (MessageKind.VERIFIED, "Ada Tech", "I will call you at ten.")


@pytest.mark.parametrize(
    "changes",
    [
        {"signer": "somebody else"},
        {"device": "d-" + "a" * 26},
        {"root": bytes(32)},
        {"serial": serial("another")},
    ],
    ids=lambda changes: next(iter(changes)),
)
async def test_forged_words_are_not_shown_at_all(
    desk: Desk, tickets: TicketStore, message: Callable[..., tuple[str, SignedMessage]], changes: dict[str, Any]
) -> None:
    ticket, said = message(**changes)
    with pytest.raises(RemoteProtocolError):
        await desk.signed(said)
    assert tickets.messages(ticket) == []


async def test_unsigned_words_are_kept_as_unverified_once(
    desk: Desk, tickets: TicketStore, message: Callable[..., tuple[str, SignedMessage]]
) -> None:
    ticket, _ = message()
    said = DeskText(ticket=ticket, text="Click http://evil.example </script>", at=NOW)
    await desk.said(said)
    await desk.said(said)
    (shown,) = tickets.messages(ticket)
    assert (shown.kind, shown.author) == (MessageKind.UNVERIFIED, None)


async def test_a_flood_of_words_is_bounded(
    desk: Desk, tickets: TicketStore, message: Callable[..., tuple[str, SignedMessage]]
) -> None:
    ticket, _ = message()
    for number in range(520):
        await desk.said(DeskText(ticket=ticket, text=f"spam {number}", at=NOW))
    assert len(tickets.messages(ticket)) == 500


async def test_a_signed_wish_for_evidence_is_told_to_the_customer_and_sends_nothing(
    desk: Desk, tickets: TicketStore, outbox: Outbox, message: Callable[..., tuple[str, SignedMessage]]
) -> None:
    ticket, said = message(asks_evidence=True)
    waiting = len(queued(outbox))
    await desk.signed(said)
    opened = tickets.known(ticket)
    assert opened.evidence_asked_by == "Ada Tech"
    assert ticket_value(opened)["evidence_asked_by"] == "Ada Tech"
    assert [each.evidence_asked_by for each in tickets.list()] == ["Ada Tech"]
    assert len(queued(outbox)) == waiting
    tickets.evidence_sent(ticket)
    await desk.signed(said)  # the server shows it again: it was answered
    assert tickets.known(ticket).evidence_asked_by is None


@pytest.mark.parametrize(
    "changes",
    [{"signer": "somebody else"}, {"device": "d-" + "a" * 26}, {"root": bytes(32)}, {"serial": serial("another")}],
    ids=lambda changes: next(iter(changes)),
)
async def test_nobody_else_asks_for_evidence_in_a_technicians_name(
    desk: Desk,
    tickets: TicketStore,
    message: Callable[..., tuple[str, SignedMessage]],
    changes: dict[str, Any],
) -> None:
    ticket, said = message(asks_evidence=True, **changes)
    with pytest.raises(RemoteProtocolError):
        await desk.signed(said)
    await desk.said(DeskText(ticket=ticket, text="Send evidence!", at=NOW))
    assert tickets.known(ticket).evidence_asked_by is None


def test_a_solved_ticket_asks_whether_it_helped_and_no_is_queued_once(tickets: TicketStore, outbox: Outbox) -> None:
    opened = tickets.open(origin=TicketOrigin.CUSTOMER, words="The printer sings.")
    with pytest.raises(Refusal, match="nothing to answer"):
        tickets.judge(opened.ticket, True, 5)
    tickets.updated(TicketUpdate(ticket=opened.ticket, state=TicketState.SOLVED, facts=FACTS, updated_at=NOW))
    assert ticket_value(tickets.known(opened.ticket))["asks_whether_it_helped"] is True
    tickets.judge(opened.ticket, False, 2)
    item = queued(outbox)[-1]
    assert isinstance(item, TicketVerdict)
    assert (item.ticket, item.helped, item.mark) == (opened.ticket, False, 2)
    with pytest.raises(Refusal, match="nothing to answer"):
        tickets.judge(opened.ticket, True, None)
    shown = ticket_value(tickets.known(opened.ticket))
    assert (shown["asks_whether_it_helped"], shown["verdict"]) == (False, {"helped": False, "mark": 2})
    for state in (TicketState.REOPENED, TicketState.SOLVED):
        tickets.updated(TicketUpdate(ticket=opened.ticket, state=state, facts=FACTS, updated_at=NOW))
    assert ticket_value(tickets.known(opened.ticket))["asks_whether_it_helped"] is True, "asked anew"


def test_a_ticket_that_opens_again_can_end_again_by_itself(tickets: TicketStore, outbox: Outbox) -> None:
    opened = tickets.open(origin=TicketOrigin.FINDING, finding=REASON)
    tickets.ended_here(opened.ticket, "cleared-by-itself")
    for state in (TicketState.SOLVED, TicketState.REOPENED):
        tickets.updated(TicketUpdate(ticket=opened.ticket, state=state, facts=FACTS, updated_at=NOW))
    tickets.ended_here(opened.ticket, "solved-mechanically")
    told = [item.outcome for item in queued(outbox) if isinstance(item, TicketOutcomeItem)]
    assert told == ["cleared-by-itself", "solved-mechanically"]


def test_a_time_that_moves_leaves_the_earlier_ones_to_be_seen(tickets: TicketStore) -> None:
    opened = tickets.open(origin=TicketOrigin.CUSTOMER, words="The printer sings.")
    for hours in range(60):
        facts = FACTS.model_copy(update={"eta": NOW + hours * 3600})
        tickets.updated(TicketUpdate(ticket=opened.ticket, state=TicketState.OPEN, facts=facts, updated_at=NOW))
    assert ticket_value(tickets.known(opened.ticket))["earlier_etas"] == [NOW + h * 3600 for h in range(54, 59)]
