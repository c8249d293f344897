"""A technician who was let in and wants more: out of turn, twice, under other signatures, as other statements. None of
it runs. (Every action × scope × what is left of the grant: test_rogue_technician.py.)"""

from collections.abc import Callable

import pytest

from agent.session.effects import BookAction, CustomerNarrows, EndNow, Received, Run
from protocol import strict_json
from protocol.actions.catalogue import ACTIONS
from protocol.actions.scopes import Scope
from protocol.connection import FrameType
from protocol.fields import sha256
from protocol.grants import ActionStatement, EndedBy, SessionClose
from protocol.journal import Outcome
from protocol.session_state import SessionState
from protocol.statements import Envelope, Statement, StatementName
from protocol.visit import OpenAction, SessionClosing
from technician.session.events import ActionEnded
from tests.agent.visiting import ORG, Encounter, technician_keys, yes
from tests.hostile.insider import SERVED, body_of, granted, send_action, send_open
from tests.making import NOW, seed, serial, signing_key
from tests.protocol.visits import grant_body, request_body


def test_the_harness_can_run_something() -> None:
    visit = granted()
    send_action(visit, body_of(visit))
    assert [run.action for run in visit.runs] == ["processes"]


#: Names that no action has: of scopes, of what is later, and of nothing.
NO_ACTIONS = ["screen.view", "shell", "run", "a.b-c_d", "x", "screen.control", "agent.update"]


@pytest.mark.parametrize("name", NO_ACTIONS)
def test_an_action_that_does_not_exist_is_refused_and_booked(name: str) -> None:
    assert name not in ACTIONS
    visit = granted(SERVED)
    send_action(visit, body_of(visit, action=name))
    assert not visit.runs
    assert visit.booked[0].refused is not None
    assert visit.booked[0].scope is None


BROKEN: dict[str, Callable[[Encounter], ActionStatement]] = {
    "of another grant": lambda visit: body_of(visit, grant=seed("another grant")),
    "with a number left out": lambda visit: body_of(visit, sequence=2),
    "with a number far ahead": lambda visit: body_of(visit, sequence=1 << 31),
    "with another history": lambda visit: body_of(visit, previous=seed("another history")),
    "with other arguments than signed": lambda visit: body_of(visit, arguments_sha256=sha256(b'{"limit":2000}')),
}


@pytest.mark.parametrize("fault", BROKEN)
def test_an_action_outside_its_chain_ends_the_session(fault: str) -> None:
    visit = granted()
    send_action(visit, BROKEN[fault](visit))
    assert not visit.runs
    assert visit.steps.ended_by is EndedBy.PROTOCOL_ERROR


def test_the_same_action_twice_runs_once_and_ends_the_session() -> None:
    visit = granted()
    body = body_of(visit)
    send_action(visit, body)
    send_action(visit, body)
    assert len(visit.runs) == 1
    assert visit.steps.ended_by is EndedBy.PROTOCOL_ERROR


def test_a_refused_action_uses_up_its_number() -> None:
    visit = granted()
    body = body_of(visit, action="logs")
    send_action(visit, body)
    send_action(visit, body)
    assert not visit.runs
    assert visit.steps.ended_by is EndedBy.PROTOCOL_ERROR


def test_an_action_of_an_earlier_visit_is_worth_nothing_in_this_one() -> None:
    first = granted()
    old = body_of(first)
    send_action(first, old)
    assert len(first.runs) == 1
    second = Encounter(decision=yes((Scope.PROCESSES,), 14), scopes=SERVED, keys=technician_keys()).begin()
    send_action(second, old)
    assert not second.runs
    assert second.steps.ended_by is EndedBy.PROTOCOL_ERROR


@pytest.mark.parametrize("key", ["somebody", "device laptop", f"{ORG.name} certifying", f"{ORG.name} root"])
def test_an_action_that_somebody_else_signed_ends_the_session(key: str) -> None:
    visit = granted()
    send_action(visit, body_of(visit), key=key)
    assert not visit.runs
    assert visit.steps.ended_by is EndedBy.PROTOCOL_ERROR


@pytest.mark.parametrize(
    "arguments",
    [
        b"",
        b"null",
        b"[]",
        b'{"limit":"50"}',
        b'{"limit":0}',
        b'{"limit":2001}',
        b'{"sort":"; rm -rf /"}',
        b'{"limit":5,"limit":6}',
        b'{"unknown":1}',
        b'{"limit":NaN}',
        b'{"limit":1e3}',
        b"\xff",
        b"{" * 20,
    ],
)
def test_arguments_that_are_none_are_refused(arguments: bytes) -> None:
    visit = granted()
    send_action(visit, body_of(visit, arguments_sha256=sha256(arguments)), arguments)
    assert not visit.runs
    assert visit.booked[0].refused is not None
    assert visit.steps.state is SessionState.ACTIVE


def test_after_the_granted_minutes_nothing_runs_even_before_the_clock_ticks() -> None:
    visit = granted(minutes=1)
    visit.at_s = 61
    send_action(visit, body_of(visit))
    assert not visit.runs
    assert visit.booked[0].refused is not None


def test_after_narrowing_what_was_taken_back_does_not_run() -> None:
    visit = granted((Scope.PROCESSES, Scope.DIAGNOSE))
    visit.feed(CustomerNarrows((Scope.DIAGNOSE,)))
    send_action(visit, body_of(visit))
    assert not visit.runs
    assert visit.steps.state is SessionState.ACTIVE


def test_more_at_once_than_a_computer_should_bear_is_refused() -> None:
    visit = granted()
    for _ in range(10):
        send_action(visit, body_of(visit))
    assert len(visit.runs) == 4
    assert [booked.refused is None for booked in visit.booked] == [True] * 4 + [False] * 6


@pytest.mark.parametrize(
    "payload", [b"", b"{}", b"null", b'{"action":{},"arguments":""}', b"\xff", b"[" * 1000, b'{"action":"processes"}']
)
def test_an_opening_that_is_no_action_ends_the_session(payload: bytes) -> None:
    visit = granted()
    send_open(visit, payload)
    assert not visit.runs
    assert visit.steps.ended_by is EndedBy.PROTOCOL_ERROR


@pytest.mark.parametrize(
    "frame", [FrameType.GRANT, FrameType.GRANT_CHANGE, FrameType.REFUSED, FrameType.RECEIPT, FrameType.HELLO]
)
def test_a_technician_who_says_what_only_devices_say_is_cut_off(frame: FrameType) -> None:
    visit = granted()
    connection = visit.technician._connection
    assert connection is not None
    connection.send_session(frame, b"{}")
    for record in connection.data_to_send(visit.now.mono_s):
        visit.feed(Received(record))
    assert visit.steps.ended_by is EndedBy.PROTOCOL_ERROR


def test_an_action_before_the_grant_ends_everything() -> None:
    visit = Encounter(decision=None).begin()
    assert visit.steps.state is SessionState.PROMPTED
    send_open(visit, b"{}")
    assert not visit.runs
    assert visit.steps.state is SessionState.ENDED
    assert visit.steps.grant is None


def test_a_countersignature_over_another_journal_is_not_kept() -> None:
    visit = granted()
    assert visit.steps.grant is not None
    visit.feed(EndNow(EndedBy.CUSTOMER))
    lie = SessionClose(
        grant=visit.steps.grant.grant.hash, journal_root=seed("another journal"), actions=0, issued_at=NOW
    )
    closing = SessionClosing(step="countersign", close=signing_key(f"{ORG.name} Ada Tech").sign(lie))
    connection = visit.technician._connection
    assert connection is not None
    connection.send_session(FrameType.SESSION_CLOSE, strict_json.dump(closing))
    for record in connection.data_to_send(visit.now.mono_s):
        visit.feed(Received(record))
    (made,) = [effect for effect in visit.done if type(effect).__name__ == "MakeReceipt"]
    assert getattr(made, "close", "absent") is None


# --- statements of one type offered as another -----------------------------------------------------------------------


def _as_type(envelope: Envelope, name: StatementName) -> Envelope:
    return envelope.model_copy(update={"payloadType": name.payload_type})


@pytest.mark.parametrize("name", [name for name in StatementName if name is not StatementName.ACTION])
def test_no_other_statement_passes_for_an_action(name: StatementName) -> None:
    """The technician's own signature over the very bytes of an action, under every other type."""
    visit = granted()

    class Disguised(ActionStatement):
        statement_name = name

    body = body_of(visit)
    disguised: Statement = Disguised(**body.model_dump())
    envelope = signing_key(f"{ORG.name} Ada Tech").sign(disguised)
    for offered in (envelope, _as_type(envelope, StatementName.ACTION)):
        fresh = granted()
        send_open(fresh, strict_json.dump(OpenAction(action=offered, arguments=b"{}")))
        assert not fresh.runs
        assert fresh.steps.ended_by is EndedBy.PROTOCOL_ERROR


def test_a_session_request_does_not_pass_for_an_action() -> None:
    visit = granted()
    request = signing_key(f"{ORG.name} Ada Tech").sign(request_body())
    send_open(visit, strict_json.dump(OpenAction(action=request, arguments=b"{}")))
    assert not visit.runs
    assert visit.steps.ended_by is EndedBy.PROTOCOL_ERROR


def test_a_grant_that_the_technician_signs_for_themselves_is_no_grant() -> None:
    """Nothing in the protocol lets a grant travel towards the device; as an action it is refused by its type."""
    visit = granted()
    forged = signing_key(f"{ORG.name} Ada Tech").sign(grant_body(serial("x").encode()[:32]))
    send_open(visit, strict_json.dump(OpenAction(action=forged, arguments=b"{}")))
    assert not visit.runs
    assert visit.steps.ended_by is EndedBy.PROTOCOL_ERROR


def test_the_outcome_of_a_refusal_is_told() -> None:
    visit = granted()
    visit.act("logs", ACTIONS["logs"].arguments())
    (end,) = visit.said(ActionEnded)
    assert isinstance(end, ActionEnded)
    assert end.result.outcome is Outcome.REFUSED
    assert not any(isinstance(effect, Run) for effect in visit.done)
    assert isinstance(visit.booked[0], BookAction)
