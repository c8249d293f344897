"""A visit as the device lives it, against the technician's real program, without sockets."""

import pytest

from agent.session.effects import (
    AuditSettled,
    BookAction,
    BookActionEnd,
    BookChange,
    Cancel,
    CloseBooks,
    CustomerNarrows,
    EndNow,
    Finished,
    KillHost,
    MakeReceipt,
    OpenBooks,
    RaiseAlarm,
    Rows,
    Run,
    StartHost,
    Tick,
    TransportLost,
    TrustChanged,
)
from agent.session.steps import SLEPT_S
from protocol.actions.logs import LogsArguments
from protocol.actions.scopes import Scope
from protocol.grants import ChangeKind, EndedBy
from protocol.journal import Outcome
from protocol.limits import HANDSHAKE_TIMEOUT_S
from protocol.session_state import SessionState
from protocol.visit import RefusalReason
from technician.session.events import ActionEnded, GrantCame, Refused, Row, Stopped
from tests.agent.visiting import NO, ORG, Encounter, moment, revoked_serial, trusting, yes
from tests.making import NOW

ROW = b'{"id":1,"kind":"process","body":"{}"}\n'


def granted(**changes: object) -> Encounter:
    visit = Encounter(**changes).begin()  # type: ignore[arg-type]
    assert visit.steps.state is SessionState.ACTIVE
    return visit


def test_a_yes_becomes_a_grant_that_both_ends_hold() -> None:
    visit = granted()
    (came,) = visit.said(GrantCame)
    assert isinstance(came, GrantCame)
    assert came.grant.body.scopes == (Scope.DIAGNOSE, Scope.PROCESSES)
    assert visit.steps.phrase == visit.technician.phrase
    assert len(visit.steps.phrase) == 6


def test_the_grant_is_booked_before_it_is_handed_over() -> None:
    visit = Encounter(log_stores=False).begin()
    assert any(isinstance(effect, OpenBooks) for effect in visit.done)
    assert not visit.said(GrantCame)
    (refused,) = visit.said(Refused)
    assert refused == Refused(RefusalReason.AUDIT_UNAVAILABLE)
    assert visit.steps.ended_by is EndedBy.AUDIT_UNAVAILABLE
    assert any(isinstance(effect, MakeReceipt) for effect in visit.done)  # the grant exists: so does its receipt


def test_the_customer_is_asked_only_after_handshake_certificate_and_views() -> None:
    visit = Encounter(decision=None).begin()
    order = [type(effect).__name__ for effect in visit.done]
    assert order.index("StartHost") < order.index("CompareViews") < order.index("AskCustomer")
    facts = visit.asked[0].facts
    assert (facts.technician, facts.organisation, facts.tier) == ("Ada Tech", ORG.name, 1)
    assert facts.ticket_words == "My disk is full"
    assert facts.phrase == visit.technician.phrase


def test_a_no_ends_it_without_a_grant() -> None:
    visit = Encounter(decision=NO).begin()
    assert visit.said(Refused) == [Refused(RefusalReason.CUSTOMER)]
    assert visit.steps.state is SessionState.ENDED
    assert not any(isinstance(effect, OpenBooks) for effect in visit.done)
    assert any(isinstance(effect, KillHost) for effect in visit.done)


def test_an_action_is_booked_before_it_runs_and_its_end_before_it_is_told() -> None:
    visit = granted()
    sequence = visit.act()
    order = [type(effect) for effect in visit.done]
    assert order.index(BookAction) < order.index(Run)
    visit.feed(Rows(sequence, ROW, 1))
    effects = visit.feed(Finished(sequence, Outcome.DONE))
    assert [type(effect).__name__ for effect in effects] == ["BookActionEnd", "Send"]
    visit.settle()
    (row,), (end,) = visit.said(Row), visit.said(ActionEnded)
    assert isinstance(row, Row)
    assert isinstance(end, ActionEnded)
    assert row.item.kind == "process"
    assert (end.result.outcome, end.result.rows) == (Outcome.DONE, 1)


def test_more_rows_than_credit_wait_and_arrive_whole() -> None:
    visit = granted()
    sequence = visit.act()
    body = b'{"id":1,"kind":"process","body":"' + b"x" * 50_000 + b'"}\n'
    for _ in range(20):  # 1 MB: four windows
        visit.feed(Rows(sequence, body, 1))
    visit.feed(Finished(sequence, Outcome.DONE))
    taken = 0
    while not visit.said(ActionEnded):
        visit.settle()
        rows = visit.said(Row)
        assert len(rows) > taken, "credit was given and nothing came"
        for row in rows[taken:]:
            assert isinstance(row, Row)
            visit.technician.consumed(row.stream, row.size_bytes)
        taken = len(rows)
        visit.flush()
    assert taken == 20


def test_an_action_outside_the_scopes_is_refused_and_the_session_goes_on() -> None:
    visit = granted(decision=yes((Scope.PROCESSES,)))
    visit.act("logs", LogsArguments())
    (end,) = visit.said(ActionEnded)
    assert isinstance(end, ActionEnded)
    assert end.result.outcome is Outcome.REFUSED
    assert "outside what the customer allowed" in end.result.detail
    assert not visit.runs
    assert visit.booked[0].refused is not None
    visit.act()
    assert [run.action for run in visit.runs] == ["processes"]


def test_narrowing_cuts_off_what_runs_and_says_so() -> None:
    visit = granted()
    sequence = visit.act()
    visit.feed(Rows(sequence, ROW, 1))
    effects = visit.feed(CustomerNarrows((Scope.DIAGNOSE,)))
    visit.settle()
    kinds = [type(effect) for effect in effects]
    assert kinds.index(BookChange) < kinds.index(Cancel) < kinds.index(BookActionEnd)
    (end,) = visit.said(ActionEnded)
    assert isinstance(end, ActionEnded)
    assert end.result.outcome is Outcome.CANCELLED
    visit.act()
    assert len(visit.runs) == 1, "processes is not allowed any more"


def test_narrowing_never_widens() -> None:
    visit = granted(decision=yes((Scope.PROCESSES,)))
    assert visit.feed(CustomerNarrows((Scope.PROCESSES, Scope.LOGS))) == []
    assert visit.steps.grant is not None
    assert visit.steps.grant.scopes == {Scope.PROCESSES}


def test_narrowing_to_nothing_is_stop() -> None:
    visit = granted()
    visit.feed(CustomerNarrows(()))
    assert visit.steps.ended_by is EndedBy.CUSTOMER


def test_stop_kills_first_then_writes_then_tells() -> None:
    visit = granted()
    visit.act()
    effects = visit.feed(EndNow(EndedBy.CUSTOMER, "Stop"))
    kinds = [type(effect).__name__ for effect in effects]
    assert kinds[0] == "KillHost"
    assert kinds.index("BookActionEnd") < kinds.index("BookChange") < kinds.index("CloseBooks") < kinds.index("Send")
    change = next(effect for effect in effects if isinstance(effect, BookChange)).change.body
    assert (change.kind, change.scopes) == (ChangeKind.STOPPED, ())
    visit.settle()
    assert visit.said(Stopped)
    assert visit.steps.state is SessionState.ENDED


def test_the_receipt_carries_the_technicians_countersignature() -> None:
    visit = granted()
    visit.technician.end("done")
    visit.flush()
    visit.settle()
    (made,) = [effect for effect in visit.done if isinstance(effect, MakeReceipt)]
    assert made.close is not None
    assert visit.steps.ended_by is EndedBy.TECHNICIAN


def test_the_receipt_does_not_wait_for_a_technician_who_is_gone() -> None:
    visit = granted()
    visit.feed(EndNow(EndedBy.CUSTOMER))
    visit.feed(TransportLost("cut"))
    (made,) = [effect for effect in visit.done if isinstance(effect, MakeReceipt)]
    assert made.close is None
    assert visit.steps.state is SessionState.ENDED


def test_a_technician_who_does_not_countersign_gets_a_receipt_all_the_same() -> None:
    visit = granted(tamper=lambda direction, data: [data])
    visit.feed(EndNow(EndedBy.CUSTOMER))  # the technician's answer is never carried over
    assert not any(isinstance(effect, MakeReceipt) for effect in visit.done)
    visit.at_s = 4
    visit.feed(Tick())
    assert any(isinstance(effect, MakeReceipt) for effect in visit.done)


def test_the_granted_minutes_end_by_the_clock_that_counts_suspend() -> None:
    visit = granted(decision=yes(minutes=1))
    visit.at_s = 61
    visit.feed(Tick())
    assert visit.steps.ended_by is EndedBy.EXPIRED


def test_a_visit_does_not_outlive_the_computers_sleep() -> None:
    visit = granted()
    visit.steps.receive(Tick(), moment(30, slept_s=SLEPT_S + 1))
    assert visit.steps.ended_by is EndedBy.CONNECTION_LOST


def test_a_revocation_ends_the_visit() -> None:
    visit = granted()
    newer = trusting().accept(ORG.revocations(version=2, serials=(revoked_serial(),)), NOW)
    effects = visit.feed(TrustChanged(newer))
    assert isinstance(effects[0], KillHost)
    assert visit.steps.ended_by is EndedBy.REVOKED


def test_a_revocation_while_the_customer_reads_refuses_whatever_they_answer() -> None:
    visit = Encounter(decision=None).begin()
    newer = trusting().accept(ORG.revocations(version=2, serials=(revoked_serial(),)), NOW)
    visit.feed(TrustChanged(newer))
    visit.settle()
    assert visit.said(Refused) == [Refused(RefusalReason.NOT_CERTIFIED)]
    assert not any(isinstance(effect, OpenBooks) for effect in visit.done)


def test_a_forked_log_raises_an_alarm_and_no_question() -> None:
    visit = Encounter(views="two logs", forked=True).begin()
    assert not visit.asked
    assert any(isinstance(effect, RaiseAlarm) for effect in visit.done)
    assert visit.said(Refused) == [Refused(RefusalReason.SPLIT_VIEW)]


def test_a_log_that_cannot_be_compared_is_no_alarm_and_no_question() -> None:
    visit = Encounter(views="no answer").begin()
    assert not visit.asked
    assert not any(isinstance(effect, RaiseAlarm) for effect in visit.done)
    assert visit.said(Refused) == [Refused(RefusalReason.AUDIT_UNAVAILABLE)]


def test_a_handshake_that_does_not_go_on_ends() -> None:
    visit = Encounter()
    visit.at_s = HANDSHAKE_TIMEOUT_S + 1
    visit.feed(Tick())
    assert visit.steps.state is SessionState.ENDED
    assert not any(isinstance(effect, StartHost) for effect in visit.done)


@pytest.mark.parametrize("by", list(EndedBy))
def test_every_end_of_a_grant_asks_for_exactly_one_receipt(by: EndedBy) -> None:
    visit = granted()
    visit.feed(EndNow(by))
    visit.feed(EndNow(EndedBy.CUSTOMER))
    visit.feed(TransportLost())
    visit.at_s = 10
    visit.feed(Tick())
    made = [effect for effect in visit.done if isinstance(effect, MakeReceipt)]
    closed = [effect for effect in visit.done if isinstance(effect, CloseBooks)]
    assert (len(made), len(closed)) == (1, 1)
    assert visit.steps.ended_by is by


def test_nothing_happens_after_the_end() -> None:
    visit = granted()
    visit.feed(EndNow(EndedBy.CUSTOMER))
    visit.feed(TransportLost())
    for event in (Tick(), EndNow(EndedBy.CUSTOMER), AuditSettled(0, True), Rows(1, ROW, 1), TransportLost()):
        assert visit.feed(event) == []
