"""Whole visits through the shell: offers, the question, the grant, actions, Stop, receipts; with a real database."""

import asyncio
from pathlib import Path

import pytest

from agent.consent.policy import Answer
from agent.session.effects import Finished, Rows
from agent.store.database import NotWritten
from protocol.actions.logs import LogsArguments
from protocol.actions.processes import ProcessesArguments
from protocol.actions.scopes import Scope
from protocol.grants import EndedBy
from protocol.journal import Outcome
from protocol.limits import CONSENT_TIMEOUT_S
from protocol.messages.desk import FourFacts, TicketState, TicketUpdate
from protocol.visit import RefusalReason
from tests.agent.technician_end import until
from tests.agent.visit_rig import ROW, Rig, yes_to
from tests.agent.visiting import ORG, revoked_serial
from tests.making import NOW


@pytest.fixture
def rig(tmp_path: Path) -> Rig:
    return Rig(tmp_path / "state")


async def test_a_visit_from_the_offer_to_the_countersigned_receipt(rig: Rig) -> None:
    technician = await rig.let_in()
    ended = await technician.act()
    assert (ended.result.outcome, ended.result.rows) == (Outcome.DONE, 1)
    assert [item.kind for item in technician.items] == ["process"]
    refused = await technician.act("logs", LogsArguments())
    assert refused.result.outcome is Outcome.REFUSED
    came = await technician.end()
    assert came.fault == ""
    await rig.over()
    (proven,) = rig.proofs()
    assert proven.countersigned
    assert proven.certified_device
    assert proven.receipt.ended_by is EndedBy.TECHNICIAN
    assert [(done.action, done.outcome) for done in proven.receipt.actions] == [
        ("processes", Outcome.DONE),
        ("logs", Outcome.REFUSED),
    ]
    assert len(rig.sealed()) == 1
    assert rig.desk.words == [
        "session-started",
        "action-started",
        "action-ended",
        "action-refused",
        "session-ended",
        "receipt-made",
    ]
    assert rig.books.journal.check() == 5


async def test_stop_is_one_call_and_works_with_the_relay_dead(rig: Rig) -> None:
    technician = await rig.let_in()
    rig.hosts[0].answers = False
    technician.initiator.open_action("processes", ProcessesArguments(), NOW)
    await technician.flush()
    await until(lambda: bool(rig.hosts[0].ran))
    technician.socket.closed = True  # the relay takes nothing any more, and says nothing
    assert rig.visits.stop_all() == 1
    # No await in between: killed, booked, and the grant ended on the disk.
    assert rig.hosts[0].killed
    grant = rig.books.grants.without_receipt()
    assert all(stored.ended_by is EndedBy.CUSTOMER for stored in grant)
    await rig.over()
    (proven,) = rig.proofs()
    assert proven.receipt.ended_by is EndedBy.CUSTOMER
    assert proven.receipt.actions[0].outcome is Outcome.CANCELLED
    assert [change.kind.value for change in proven.changes] == ["stopped"]


async def test_stop_while_the_question_is_open_takes_the_question_away(rig: Rig) -> None:
    technician = await rig.arrive()
    await rig.question()
    rig.visits.stop_all()
    assert (await technician.refused()).reason is RefusalReason.CUSTOMER
    await rig.over()
    assert rig.gate.pending() == []
    assert rig.proofs() == []


async def test_stop_on_a_full_disk_still_kills(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    await rig.let_in()

    def full(*_: object) -> None:
        raise NotWritten("nothing could be written", got="disk full")

    with monkeypatch.context() as patched:
        patched.setattr(rig.books, "change", full)
        rig.visits.stop_all()
        assert rig.hosts[0].killed
        await rig.over()
    assert rig.proofs() == []
    assert rig.receipts.rebuild_missing() == 1  # when the disk takes data again
    (proven,) = rig.proofs()
    assert proven.receipt.rebuilt


async def test_nothing_runs_when_its_number_cannot_be_booked(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    technician = await rig.let_in()

    def full(*_: object) -> None:
        raise NotWritten("nothing could be written", got="disk full")

    monkeypatch.setattr(rig.books, "book_action", full)
    technician.initiator.open_action("processes", ProcessesArguments(), NOW)
    await technician.flush()
    await rig.over()
    assert rig.hosts[0].ran == []
    assert rig.hosts[0].killed


async def test_a_log_that_does_not_store_the_start_lets_nobody_in(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("agent.session.visit.AUDIT_WAIT_S", 0.01)
    rig.desk.stores = False
    technician = await rig.arrive()
    prompt = await rig.question()
    yes_to(rig, prompt)
    assert (await technician.refused()).reason is RefusalReason.AUDIT_UNAVAILABLE
    await rig.over()
    (proven,) = rig.proofs()  # a grant was signed, so it has its receipt: nothing was done
    assert proven.receipt.ended_by is EndedBy.AUDIT_UNAVAILABLE
    assert proven.receipt.actions == ()
    assert rig.hosts[0].ran == []


async def test_the_customers_no_is_a_no_and_begins_a_cool_down(rig: Rig) -> None:
    rig.gate._local_act_age_s = lambda: None
    technician = await rig.arrive()
    prompt = await rig.question()
    rig.gate.refuse(prompt.id)
    assert (await technician.refused()).reason is RefusalReason.CUSTOMER
    await rig.over()
    await rig.offer()
    assert [declined.reason for declined in rig.declined] == ["cool-down"]
    assert rig.sockets == []


async def test_no_answer_is_a_no(rig: Rig) -> None:
    technician = await rig.arrive()
    await rig.question()
    rig.clocks.pass_s(CONSENT_TIMEOUT_S + 1)
    rig.gate.expire_due()
    assert (await technician.refused()).reason is RefusalReason.NO_ANSWER
    await rig.over()


async def test_a_technician_who_leaves_takes_the_question_along(rig: Rig) -> None:
    technician = await rig.arrive()
    await rig.question()
    await technician.hang_up()
    await rig.over()
    assert rig.gate.pending() == []
    (row,) = rig.database.query("SELECT answer FROM prompts")
    assert row["answer"] == Answer.WITHDRAWN


async def test_an_offer_about_a_ticket_that_is_not_ours_is_declined(rig: Rig) -> None:
    await rig.offer(ticket="01890a5d-ac96-7745-bcce-b302099a8057")
    assert [declined.reason for declined in rig.declined] == ["unknown-ticket"]
    assert rig.sockets == []


async def test_an_offer_about_a_closed_ticket_is_declined(rig: Rig) -> None:
    facts = FourFacts(cost="nothing", doing="done", next="nothing", eta=NOW)
    rig.tickets.updated(TicketUpdate(ticket=rig.ticket, state=TicketState.CLOSED, facts=facts, updated_at=NOW))
    await rig.offer()
    assert [declined.reason for declined in rig.declined] == ["unknown-ticket"]


async def test_one_visit_at_a_time(rig: Rig) -> None:
    await rig.let_in()
    await rig.offer(room="b" * 26)
    assert [declined.reason for declined in rig.declined] == ["busy"]
    rig.visits.stop_all()
    await rig.over()


async def test_the_customer_sees_who_is_here_and_what_they_do(rig: Rig) -> None:
    technician = await rig.let_in()
    (view,) = rig.visits.current()
    assert (view.technician, view.organisation, view.state) == ("Ada Tech", ORG.name, "active")
    assert view.phrase == technician.initiator.phrase
    assert view.seconds_left == 15 * 60
    rig.hosts[0].answers = False
    technician.initiator.open_action("processes", ProcessesArguments(), NOW)
    await technician.flush()
    await until(lambda: bool(rig.hosts[0].ran))
    (view,) = rig.visits.current()
    assert view.doing == ("looked at the running programs",)
    assert [(done.action, done.outcome) for done in view.done] == [("processes", "running")]
    rig.visits.stop_all()
    await rig.over()
    assert rig.visits.current() == []


async def test_allowing_less_reaches_the_technician_and_the_receipt(rig: Rig) -> None:
    technician = await rig.let_in()
    assert rig.visits.narrow((Scope.DIAGNOSE,)) == (Scope.DIAGNOSE,)
    refused = await technician.act()
    assert refused.result.outcome is Outcome.REFUSED
    await technician.end()
    await rig.over()
    (proven,) = rig.proofs()
    assert [change.scopes for change in proven.changes] == [(Scope.DIAGNOSE,)]


async def test_a_revocation_ends_the_visit_within_a_second(rig: Rig) -> None:
    await rig.let_in()
    rig.trust.accept(ORG.revocations(version=2, serials=(revoked_serial(),)))
    await rig.over()
    (proven,) = rig.proofs()
    assert proven.receipt.ended_by is EndedBy.REVOKED


async def test_a_defect_of_ours_ends_the_visit_and_is_shown(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    technician = await rig.let_in()

    def defect(*_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(rig.books, "book_action", defect)
    technician.initiator.open_action("processes", ProcessesArguments(), NOW)
    await technician.flush()
    await rig.over()
    assert "visit-raised" in rig.log.events("defect")
    assert rig.hosts[0].killed
    (proven,) = rig.proofs()
    assert proven.receipt.ended_by is EndedBy.AGENT_STOPPED


async def test_the_agent_that_stops_ends_the_visit_and_keeps_the_receipt(rig: Rig) -> None:
    await rig.let_in()
    running = asyncio.create_task(rig.visits.run())
    await asyncio.sleep(0)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    (proven,) = rig.proofs()
    assert proven.receipt.ended_by is EndedBy.AGENT_STOPPED


async def test_a_relay_that_takes_nothing_any_more_does_not_hold_the_visit(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("agent.session.line.FLUSH_S", 0.01)
    technician = await rig.let_in()

    async def stuck(data: bytes) -> None:
        await asyncio.Event().wait()

    assert technician.socket.other is not None
    monkeypatch.setattr(technician.socket.other, "send", stuck)
    rig.visits.stop_all()
    rig.clocks.pass_s(4)
    await rig.over()
    assert len(rig.proofs()) == 1


async def test_rows_that_come_after_stop_go_nowhere(rig: Rig) -> None:
    technician = await rig.let_in()
    rig.hosts[0].answers = False
    technician.initiator.open_action("processes", ProcessesArguments(), NOW)
    await technician.flush()
    await until(lambda: bool(rig.hosts[0].ran))
    rig.visits.stop_all()
    rig.hosts[0].heard(Rows(1, ROW % 1, 1))
    rig.hosts[0].heard(Finished(1, Outcome.DONE))
    await rig.over()
    assert technician.items == []
    (proven,) = rig.proofs()
    assert proven.receipt.actions[0].outcome is Outcome.CANCELLED
