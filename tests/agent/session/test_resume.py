"""A lost connection: who may come back, with what, and what becomes of what was under way. Both ends, no sockets."""

from dataclasses import replace

import pytest

from agent.session.effects import (
    BookAction,
    BookChange,
    CameBack,
    Cancel,
    CustomerNarrows,
    EndNow,
    Finished,
    HangUp,
    KillHost,
    MakeReceipt,
    Received,
    Rows,
    Succeed,
    Tick,
    TransportLost,
    TrustChanged,
)
from agent.session.steps import SLEPT_S
from protocol import strict_json
from protocol.actions.files import FilesWriteArguments
from protocol.actions.logs import LogsArguments
from protocol.actions.scopes import Scope
from protocol.actions.services_control import ServicesControlArguments
from protocol.errors import LocalProtocolError
from protocol.fields import sha256
from protocol.grants import EndedBy
from protocol.journal import Outcome
from protocol.limits import HANDSHAKE_TIMEOUT_S, RESUME_WINDOW_S, RESUMES_MAX, STREAM_WINDOW_BYTES
from protocol.pieces import pack_bytes
from protocol.proofs import ProofFile, ProvenVisit, verify_proof, verify_succession
from protocol.session_state import SessionState
from protocol.visit import RefusalReason
from technician.session.events import ActionEnded, ConnectionLost, GrantCame, PastReceipt, Refused, Row, WentOn
from technician.session.initiator import Initiator
from tests.agent.visiting import ORG, Encounter, chain_of, fresh, moment, revoked_serial, technician_keys, trusting, yes
from tests.making import NOW, seed

ROW = b'{"id":%d,"kind":"process","body":"{}"}\n'


def granted(**changes: object) -> Encounter:
    visit = Encounter(**changes).begin()  # type: ignore[arg-type]
    assert visit.steps.state is SessionState.ACTIVE
    return visit


def waiting(**changes: object) -> Encounter:
    visit = granted(**changes).cut()
    assert visit.steps.waits
    return visit


def went_on(visit: Encounter) -> WentOn:
    assert visit.broken is None, visit.broken
    event = visit.said(WentOn)[-1]
    assert isinstance(event, WentOn)
    return event


def proven(past: PastReceipt) -> ProvenVisit:
    return verify_proof(past.proof, ORG.root.verify_key)


def not_let_in(visit: Encounter) -> None:
    assert not visit.said(WentOn)
    assert not any(isinstance(effect, Succeed) for effect in visit.done)
    assert len(visit.paper.books) == 1


def rows_of(visit: Encounter) -> list[int]:
    return [event.item.id for event in visit.said(Row) if isinstance(event, Row)]


# --- going on --------------------------------------------------------------------------------------------------------


def test_the_technician_goes_on_without_a_question_under_a_successor_grant() -> None:
    visit = waiting()
    visit.at_s = 90
    visit.knock()
    grant = went_on(visit).grant.body
    (first,) = visit.said(GrantCame)
    assert isinstance(first, GrantCame)
    assert grant.successor_of == first.grant.hash
    assert grant.scopes == first.grant.body.scopes
    assert grant.consent == first.grant.body.consent
    assert (grant.minutes, grant.not_after) == (14, first.grant.body.not_after)
    assert grant.handshake != first.grant.body.handshake
    assert len(visit.asked) == 1
    assert visit.steps.state is SessionState.ACTIVE
    visit.act()
    assert len(visit.runs) == 1


def test_each_grant_has_its_receipt_and_they_tell_one_visit() -> None:
    visit = granted()
    visit.feed(Finished(visit.act(), Outcome.DONE))
    visit.settle().cut().knock()
    visit.feed(Finished(visit.act() + 1, Outcome.DONE))
    visit.settle()
    visit.technician.end("done")
    visit.flush()
    visit.settle()
    root = ORG.root.verify_key
    (past,) = visit.said(PastReceipt)
    assert isinstance(past, PastReceipt)
    assert past.fault == ""
    first = verify_proof(past.proof, root)
    newest = visit.paper.proof(visit.paper.newest, EndedBy.TECHNICIAN)
    second = verify_proof(strict_json.parse(newest, ProofFile, max_bytes=1 << 20), root)
    assert first.receipt.ended_by is EndedBy.CONNECTION_LOST
    verify_succession(first, second)
    assert sum(isinstance(effect, MakeReceipt) for effect in visit.done) == 1
    assert sum(isinstance(effect, Succeed) for effect in visit.done) == 1


def test_the_receipt_of_the_grant_before_comes_ahead_of_its_successor() -> None:
    visit = waiting().knock()
    kinds = [type(event) for event in visit.heard]
    assert kinds.index(ConnectionLost) < kinds.index(PastReceipt) < kinds.index(WentOn)


def test_the_minutes_go_on_running_while_nobody_is_there() -> None:
    visit = waiting(decision=yes(minutes=2))
    visit.at_s = 119
    visit.feed(Tick())
    assert visit.steps.waits
    visit.at_s = 121
    visit.feed(Tick())
    assert visit.steps.ended_by is EndedBy.EXPIRED


def test_a_successor_ends_when_the_first_would_have() -> None:
    visit = waiting(decision=yes(minutes=2))
    visit.at_s = 70
    visit.knock()
    assert went_on(visit).grant.body.minutes == 1
    assert visit.steps.seconds_left(visit.now.boot_s) == 50
    visit.at_s = 121
    visit.feed(Tick())
    assert visit.steps.ended_by is EndedBy.EXPIRED


# --- what was under way ----------------------------------------------------------------------------------------------


def test_rows_of_a_read_are_neither_lost_nor_doubled() -> None:
    visit = granted()
    number = visit.act()
    visit.feed(Rows(number, ROW % 1, 1))
    visit.settle()
    visit.feed(Rows(number, ROW % 2, 1))  # on its way when the connection goes
    visit.cut()
    visit.feed(Rows(number, ROW % 3, 1))  # while nobody is there
    visit.knock()
    (fate,) = went_on(visit).fates
    assert (fate.reached, fate.result) == (True, None)
    visit.technician.take_up(fate, visit.now.wall)
    visit.flush()
    visit.settle()
    visit.feed(Rows(number, ROW % 4, 1))
    visit.feed(Finished(number, Outcome.DONE))
    visit.settle()
    assert rows_of(visit) == [1, 2, 3, 4]
    (ended,) = visit.said(ActionEnded)
    assert isinstance(ended, ActionEnded)
    assert (ended.result.outcome, ended.result.rows) == (Outcome.DONE, 4)
    assert len(visit.runs) == 1, "taken up, not run again"


def test_a_row_cut_in_the_middle_is_put_together() -> None:
    visit = granted()
    number = visit.act()
    long = b'{"id":1,"kind":"process","body":"' + b"x" * 50_000 + b'"}\n'
    lost: list[bytes] = []

    def first_only(direction: str, data: bytes) -> list[bytes]:
        lost.append(data)
        return [data] if len(lost) == 1 else []

    visit.tamper = first_only
    for _ in range(3):
        visit.feed(Rows(number, long, 1))
    visit.settle()
    visit.tamper = lambda direction, data: [data]
    visit.cut().knock()
    (fate,) = went_on(visit).fates
    visit.technician.take_up(fate, visit.now.wall)
    visit.flush()
    visit.settle()
    visit.feed(Finished(number, Outcome.DONE))
    visit.settle()
    assert rows_of(visit) == [1, 1, 1]
    assert visit.said(ActionEnded)


def test_a_read_that_ended_while_nobody_was_there_is_still_told() -> None:
    visit = granted()
    number = visit.act()
    visit.cut()
    visit.feed(Rows(number, ROW % 1, 1))
    visit.feed(Finished(number, Outcome.DONE))
    visit.knock()
    (fate,) = went_on(visit).fates
    visit.technician.take_up(fate, visit.now.wall)
    visit.flush()
    visit.settle()
    assert rows_of(visit) == [1]
    (ended,) = visit.said(ActionEnded)
    assert isinstance(ended, ActionEnded)
    assert ended.result.outcome is Outcome.DONE


def test_an_end_that_was_lost_on_its_way_is_told_again() -> None:
    visit = granted()
    number = visit.act()
    visit.feed(Rows(number, ROW % 1, 1))
    visit.feed(Finished(number, Outcome.DONE))
    visit.cut().knock()
    (fate,) = went_on(visit).fates
    visit.technician.take_up(fate, visit.now.wall)
    visit.flush()
    visit.settle()
    assert rows_of(visit) == [1]
    assert len(visit.said(ActionEnded)) == 1


def test_a_read_outlives_two_losses() -> None:
    visit = granted()
    number = visit.act()
    visit.feed(Rows(number, ROW % 1, 1))
    visit.settle().cut().knock()
    (fate,) = went_on(visit).fates
    visit.technician.take_up(fate, visit.now.wall)  # never arrives
    visit.feed(Rows(number, ROW % 2, 1))
    visit.cut().knock("c" * 26)
    (fate,) = went_on(visit).fates
    assert not fate.reached
    visit.technician.take_up(fate, visit.now.wall)
    visit.flush()
    visit.settle()
    visit.feed(Finished(number, Outcome.DONE))
    visit.settle()
    assert rows_of(visit) == [1, 2]
    assert len(visit.runs) == 1


def test_an_action_sent_in_the_moment_of_the_cut_is_known_not_to_have_run() -> None:
    visit = granted()
    visit.act()
    visit.technician.open_action("processes", visit.arguments(), visit.now.wall)
    visit.flush()  # on its way, and lost
    visit.cut().knock()
    reached, missed = went_on(visit).fates
    assert (reached.reached, missed.reached) == (True, False)
    assert len(visit.runs) == 1
    visit.technician.take_up(missed, visit.now.wall)
    visit.flush()
    visit.settle()
    assert len(visit.runs) == 2, "a read that never arrived is asked for again"


def test_what_was_taken_up_cannot_be_taken_up_twice() -> None:
    visit = granted()
    number = visit.act()
    visit.feed(Rows(number, ROW % 1, 1))
    visit.settle().cut().knock()
    (fate,) = went_on(visit).fates
    visit.technician.take_up(fate, visit.now.wall)
    visit.technician.take_up(fate, visit.now.wall)
    visit.flush()
    visit.settle()
    (refused,) = visit.said(ActionEnded)
    assert isinstance(refused, ActionEnded)
    assert refused.result.outcome is Outcome.REFUSED
    assert len(visit.runs) == 1


@pytest.mark.parametrize("received", [1, STREAM_WINDOW_BYTES + 1, 1 << 40])
def test_what_cannot_have_arrived_is_refused(received: int) -> None:
    visit = granted()
    visit.act()
    visit.cut().knock()
    (fate,) = went_on(visit).fates
    fate.action._came_bytes = received  # a program that lies about what it has
    visit.technician.take_up(fate, visit.now.wall)
    visit.flush()
    visit.settle()
    (refused,) = visit.said(ActionEnded)
    assert isinstance(refused, ActionEnded)
    assert refused.result.outcome is Outcome.REFUSED


def test_no_number_is_booked_twice_over_the_cut() -> None:
    visit = granted()
    for _ in range(3):
        visit.feed(Finished(visit.act(), Outcome.DONE))
        visit.settle()
    visit.cut().knock()
    visit.act()
    numbers = [effect.number for effect in visit.done if isinstance(effect, BookAction)]
    assert numbers == [1, 2, 3, 4]
    assert [run.sequence for run in visit.runs] == numbers


# --- who is not let in -----------------------------------------------------------------------------------------------


def test_nobody_comes_back_after_stop() -> None:
    visit = waiting()
    effects = visit.feed(EndNow(EndedBy.CUSTOMER, "Stop"))
    assert isinstance(effects[0], KillHost)
    assert any(isinstance(effect, BookChange) for effect in effects)
    visit.knock()
    not_let_in(visit)
    assert visit.steps.ended_by is EndedBy.CUSTOMER


def test_stop_at_the_moment_somebody_is_at_the_door() -> None:
    visit = waiting(views="")
    visit.feed(CameBack("b" * 26, visit.device.own_side()))
    visit.feed(EndNow(EndedBy.CUSTOMER))
    assert visit.steps.state is SessionState.ENDED
    assert not visit.steps.waits
    not_let_in(visit)


def test_nobody_comes_back_after_the_computer_has_slept() -> None:
    visit = waiting()
    visit.steps.receive(Tick(), moment(30, slept_s=SLEPT_S + 1))
    assert visit.steps.ended_by is EndedBy.CONNECTION_LOST
    assert not visit.steps.waits


def test_sleep_is_noticed_by_the_knock_itself() -> None:
    visit = waiting()
    visit.steps.receive(CameBack("b" * 26, visit.device.own_side()), moment(30, slept_s=SLEPT_S + 1))
    assert visit.steps.ended_by is EndedBy.CONNECTION_LOST


def test_a_freshly_started_agent_knows_no_visit_to_go_on_with() -> None:
    """After a restart or a reboot there is a new visit, if anything; the old grant's hash opens nothing."""
    visit = waiting()
    after = Encounter(decision=None)
    after.to_device.append(visit.technician.go_back("a" * 26, visit._hello, seed("n"), NOW))
    after.technician = visit.technician
    after.settle()
    assert after.said(Refused) == [Refused(RefusalReason.NOT_RESUMED)]
    assert not after.asked, "nobody is asked about a visit that is over"


def test_narrowing_to_less_than_is_asked_ends_the_visit_at_the_return() -> None:
    visit = waiting()
    visit.feed(CustomerNarrows((Scope.DIAGNOSE,)))
    visit.knock()
    not_let_in(visit)
    assert visit.said(Refused) == [Refused(RefusalReason.NOT_RESUMED)]
    assert visit.steps.state is SessionState.ENDED
    assert visit.steps.ended_by is EndedBy.CONNECTION_LOST


def test_who_asks_for_what_is_still_allowed_goes_on_after_narrowing() -> None:
    visit = granted()
    visit.feed(CustomerNarrows((Scope.DIAGNOSE,)))
    visit.settle().cut().knock()
    assert went_on(visit).grant.body.scopes == (Scope.DIAGNOSE,)


def test_narrowing_to_nothing_while_nobody_is_there_is_stop() -> None:
    visit = waiting()
    visit.feed(CustomerNarrows(()))
    assert visit.steps.ended_by is EndedBy.CUSTOMER


def test_a_revocation_ends_a_visit_that_waits() -> None:
    visit = waiting()
    visit.feed(TrustChanged(trusting().accept(ORG.revocations(version=2, serials=(revoked_serial(),)), NOW)))
    assert visit.steps.ended_by is EndedBy.REVOKED
    visit.knock()
    not_let_in(visit)


def test_a_revocation_that_the_returning_program_brings_itself_ends_it() -> None:
    visit = waiting()
    visit._hello = visit._hello.model_copy(
        update={"revocations": ORG.revocations(version=2, serials=(revoked_serial(),))}
    )
    visit.knock()
    not_let_in(visit)
    assert visit.steps.ended_by is EndedBy.REVOKED


def other(visit: Encounter, name: str = "Eve Tech", **certificate: object) -> Initiator:
    """The same paused program in other hands: another key, or another certificate."""
    keys = technician_keys(name)
    chain = chain_of(keys, name, **certificate)
    technician = visit.technician
    technician._keys, technician._chain = keys, chain
    technician._certificate = ORG.trust.technician(chain, NOW).body
    return technician


def test_another_technician_does_not_go_on_and_the_visit_waits() -> None:
    visit = waiting()
    visit.knock(by=other(visit))
    not_let_in(visit)
    assert visit.said(Refused) == [Refused(RefusalReason.BUSY)]
    assert visit.steps.waits


def test_a_certificate_renewed_meanwhile_is_another_one() -> None:
    visit = waiting()
    visit.knock(by=other(visit, "Ada Tech", serial="0" * 31 + "1"))
    not_let_in(visit)
    assert visit.steps.waits


def test_a_request_for_more_scopes_ends_it() -> None:
    visit = waiting()
    visit.technician.scopes |= {Scope.LOGS}
    visit.knock()
    not_let_in(visit)
    assert visit.steps.state is SessionState.ENDED


def test_a_request_for_more_minutes_gets_what_is_left() -> None:
    visit = waiting(decision=yes(minutes=3))
    visit.at_s = 125
    visit.knock()
    grant = went_on(visit).grant.body
    assert (grant.minutes, grant.not_after) == (1, NOW + 180)


def test_the_same_technician_asking_anew_ends_the_visit_that_waits() -> None:
    visit = waiting()
    visit.feed(CameBack("b" * 26, visit.device.own_side()))
    again = Encounter(decision=None)
    again.technician._ask = replace(again.technician._ask, room="b" * 26)
    again.technician._handshake = again.technician._new_handshake()
    visit.technician = again.technician
    visit.begin()
    not_let_in(visit)
    assert visit.steps.state is SessionState.ENDED


def test_one_comes_to_the_door_at_a_time() -> None:
    visit = waiting()
    visit.feed(CameBack("b" * 26, visit.device.own_side()))
    assert not visit.steps.waits
    door = visit.steps._door
    assert visit.feed(CameBack("c" * 26, visit.device.own_side())) == []
    assert visit.steps._door is door


def test_a_return_replayed_into_another_room_opens_nothing() -> None:
    seen: list[bytes] = []

    def record(direction: str, data: bytes) -> list[bytes]:
        if direction == "to device":
            seen.append(data)
        return [data]

    visit = waiting()
    visit.tamper = record
    visit.knock()
    went_on(visit)
    before = len(visit.paper.books)
    visit.cut()
    for room in ("b" * 26, "c" * 26):
        visit.feed(CameBack(room, visit.device.own_side()))
        for data in seen:
            visit.feed(Received(data))
        assert visit.steps.state is SessionState.PAUSED
        visit.feed(TransportLost("gone"))
    assert len(visit.paper.books) == before


def test_a_garbled_return_is_none_and_the_visit_waits() -> None:
    visit = waiting()
    for _ in range(5):
        visit.feed(CameBack("b" * 26, visit.device.own_side()))
        effects = visit.feed(Received(b"not a handshake"))
        assert [type(effect) for effect in effects] == [HangUp]
        assert visit.steps.waits
    visit.knock()
    went_on(visit)


def test_a_return_that_does_not_go_on_is_sent_away() -> None:
    visit = waiting()
    visit.feed(CameBack("b" * 26, visit.device.own_side()))
    visit.at_s = HANDSHAKE_TIMEOUT_S + 1
    visit.feed(Tick())
    assert visit.steps.waits
    visit.knock()
    went_on(visit)


def test_two_views_of_the_log_at_the_return_let_nobody_in() -> None:
    visit = waiting()
    visit.views, visit.forked = "two logs", True
    visit.knock()
    not_let_in(visit)
    assert visit.said(Refused) == [Refused(RefusalReason.SPLIT_VIEW)]


def test_a_log_that_does_not_store_the_successor_lets_nobody_in() -> None:
    visit = waiting()
    visit.log_stores = False
    visit.knock()
    assert not visit.said(WentOn)
    assert visit.steps.ended_by is EndedBy.AUDIT_UNAVAILABLE
    assert sum(isinstance(effect, MakeReceipt) for effect in visit.done) == 1, "the successor's; the first has its own"
    assert len(visit.paper.books) == 2


def test_nobody_is_waited_for_longer_than_the_window() -> None:
    visit = waiting()
    visit.at_s = RESUME_WINDOW_S + 1
    visit.feed(Tick())
    assert visit.steps.ended_by is EndedBy.CONNECTION_LOST
    assert sum(isinstance(effect, MakeReceipt) for effect in visit.done) == 1


def test_a_relay_that_keeps_cutting_ends_it() -> None:
    visit = granted(minutes=60, decision=yes(minutes=60))
    for number in range(RESUMES_MAX):
        visit.cut().knock("b" * 25 + "abcdefghijklmnopqrstuvwxyz"[number])
        went_on(visit)
    visit.cut()
    assert visit.steps.ended_by is EndedBy.CONNECTION_LOST
    assert len(visit.paper.books) == RESUMES_MAX + 1
    assert len(visit.asked) == 1


CONTROL = ServicesControlArguments(name="cups.service", act="restart")
CHANGING = (Scope.SERVICES_CONTROL, Scope.LOGS)


def changing() -> Encounter:
    """A change is under way, and the connection is lost."""
    visit = granted(scopes=CHANGING, decision=yes(CHANGING))
    visit.act("services.control", CONTROL)
    assert [run.action for run in visit.runs] == ["services.control"]
    return visit.cut()


def test_a_change_under_way_ends_under_the_grant_it_began_under() -> None:
    visit = changing().knock()
    assert not visit.said(WentOn), "the successor waits for it"
    visit.feed(Finished(1, Outcome.DONE))
    visit.settle()
    (fate,) = went_on(visit).fates
    assert fate.result is not None
    assert fate.result.outcome is Outcome.DONE
    (past,) = visit.said(PastReceipt)
    assert isinstance(past, PastReceipt)
    assert [action.outcome for action in proven(past).receipt.actions] == [Outcome.DONE]
    assert len(visit.runs) == 1


def test_a_change_is_not_taken_up_even_by_a_program_that_tries() -> None:
    visit = changing()
    visit.feed(Finished(1, Outcome.DONE))
    visit.knock()
    (fate,) = went_on(visit).fates
    visit.technician.take_up(fate, visit.now.wall)
    visit.flush()
    visit.settle()
    (refused,) = visit.said(ActionEnded)
    assert isinstance(refused, ActionEnded)
    assert refused.result.outcome is Outcome.REFUSED
    assert len(visit.runs) == 1


def test_stop_does_not_wait_for_a_change_that_holds_the_return() -> None:
    visit = changing().knock()
    visit.feed(EndNow(EndedBy.CUSTOMER))
    visit.settle()
    assert visit.said(Refused) == [Refused(RefusalReason.NOT_RESUMED)]
    visit.feed(Finished(1, Outcome.DONE))
    not_let_in(visit)


def test_what_lasts_ends_with_the_connection_and_is_told_so() -> None:
    visit = granted(scopes=CHANGING, decision=yes(CHANGING))
    number = visit.act("logs.follow", LogsArguments())
    effects = visit.feed(TransportLost("cut"))
    assert Cancel(number) in effects
    visit.heard += visit.technician.connection_lost()
    visit.knock()
    (fate,) = went_on(visit).fates
    assert fate.result is not None
    assert fate.result.outcome is Outcome.CANCELLED


UPLOAD = FilesWriteArguments(path="Documents/a", size_bytes=3, sha256=sha256(b"abc"))
UPLOADING = (Scope.FILES_WRITE, Scope.LOGS)


def uploading() -> tuple[Encounter, int, int]:
    visit = granted(scopes=UPLOADING, decision=yes(UPLOADING))
    number = visit.act("files.write", UPLOAD)
    assert visit.technician.chain is not None
    stream = visit.technician.chain.sent[-1].stream
    visit.technician.send_input(stream, pack_bytes(b"abc"))
    visit.flush()
    visit.settle()
    return visit, number, stream


def test_an_upload_that_was_not_said_to_be_whole_is_cut_off_and_may_be_asked_for_again() -> None:
    visit, number, _ = uploading()
    effects = visit.feed(TransportLost("cut"))
    assert Cancel(number) in effects
    visit.heard += visit.technician.connection_lost()
    visit.knock()
    (fate,) = went_on(visit).fates
    assert fate.result is not None
    assert fate.result.outcome is Outcome.CANCELLED


def test_an_upload_that_came_whole_ends_there_and_the_receipt_tells_it_before_anything_goes_on() -> None:
    """So that it is known not to be sent a second time."""
    visit, number, stream = uploading()
    visit.technician.end_input(stream)
    visit.flush()
    visit.settle()
    visit.cut()
    assert Cancel(number) not in visit.done
    visit.knock()
    assert not visit.said(WentOn), "the successor waits for it"
    visit.feed(Finished(number, Outcome.DONE))
    visit.settle()
    (fate,) = went_on(visit).fates
    assert fate.result is not None
    assert fate.result.outcome is Outcome.DONE
    (past,) = visit.said(PastReceipt)
    assert isinstance(past, PastReceipt)
    assert [action.outcome for action in proven(past).receipt.actions] == [Outcome.DONE]


def test_what_waits_for_the_log_does_not_begin_while_nobody_is_there() -> None:
    visit = granted()
    number = visit.act()
    visit.steps._actions._running[number].begun = False  # type: ignore[union-attr] # as an action of risk 2 before its entry is stored
    effects = visit.feed(TransportLost("cut"))
    assert not any(isinstance(effect, Cancel) for effect in effects)
    assert any(getattr(effect, "outcome", None) is Outcome.CANCELLED for effect in effects)


def test_the_program_does_not_go_back_to_a_visit_that_is_not_lost() -> None:
    visit = granted()
    with pytest.raises(LocalProtocolError, match="nothing to go back to"):
        visit.technician.go_back("b" * 26, visit._hello, seed("n"), NOW)


def test_fresh_keys_are_used_for_each_return() -> None:
    made = fresh("device")
    assert made().private_bytes_raw() != made().private_bytes_raw()
