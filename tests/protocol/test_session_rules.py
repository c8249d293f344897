"""A request must be about exactly this handshake; an action must be the next one, within what was allowed."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from protocol.actions.scopes import MEANINGS, Scope, highest_risk
from protocol.errors import RemoteProtocolError
from protocol.fields import sha256
from protocol.grants import EndedBy, Grant
from protocol.session_rules import (
    REQUEST_MAX_AGE_S,
    BrokenActionChain,
    GrantState,
    RefusedAction,
    check_request,
    check_return,
    check_successor,
    next_action,
    skip_action,
)
from protocol.statements import verify
from tests.making import NOW, seed
from tests.protocol.visits import DEVICE, FACTS, ORG, action, grant_body, request

ARGUMENTS = sha256(b"{}")
PERSON = ORG.technician_body()


def state(**changes: object) -> GrantState:
    grant = verify(DEVICE.sign(grant_body(request().hash, **changes)), Grant, DEVICE.verify_key)
    return GrantState.begin(grant)


def test_an_honest_request_passes() -> None:
    check_request(request(), PERSON, FACTS, "Acme", NOW)
    check_request(request(), PERSON, FACTS, None, NOW)


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"device": "d-" + "b" * 26}, "another device"),
        ({"root": bytes(32)}, "another organisation root"),
        ({"room": "b" * 26}, "another room"),
        ({"ticket": None}, "another ticket"),
        ({"serial": "0" * 32}, "another certificate serial"),
        ({"initiator_ephemeral": bytes(32)}, "another ephemeral key"),
        ({"issued_at": NOW - REQUEST_MAX_AGE_S - 1}, "not fresh"),
        ({"issued_at": NOW + REQUEST_MAX_AGE_S + 1}, "not fresh"),
    ],
)
def test_a_request_about_anything_else_is_refused(changes: dict[str, object], why: str) -> None:
    with pytest.raises(RemoteProtocolError, match=why):
        check_request(request(**changes), PERSON, FACTS, "Acme", NOW)


def test_a_stolen_chain_under_another_static_key_is_refused() -> None:
    thief = PERSON.model_copy(update={"noise_key": seed("the thief's own noise key")})
    with pytest.raises(RemoteProtocolError, match="another static key"):
        check_request(request(), thief, FACTS, "Acme", NOW)


def test_a_technician_of_other_customers_is_refused() -> None:
    for customers in ((), ("Other Ltd",)):
        person = PERSON.model_copy(update={"customers": customers})
        with pytest.raises(RemoteProtocolError, match="not certified for this customer"):
            check_request(request(), person, FACTS, "Acme", NOW)


def test_nobody_asks_for_more_than_their_certificate() -> None:
    person = PERSON.model_copy(update={"scopes": (Scope.DIAGNOSE,)})
    with pytest.raises(RemoteProtocolError, match="more than the certificate allows"):
        check_request(request(), person, FACTS, "Acme", NOW)


def take(current: GrantState, number: int, previous: bytes, scope: Scope = Scope.DIAGNOSE) -> GrantState:
    asked = action(current.grant.hash, number, "diagnose", previous)
    return next_action(current, asked, scope, ARGUMENTS, elapsed_s=1, now=NOW)


def test_actions_follow_one_another() -> None:
    begun = state()
    first = take(begun, 1, begun.grant.hash)
    second = take(first, 2, first.last_action)
    assert second.last_sequence == 2


def test_the_same_action_twice_ends_the_session() -> None:
    begun = state()
    first = take(begun, 1, begun.grant.hash)
    with pytest.raises(BrokenActionChain, match="another sequence"):
        take(first, 1, begun.grant.hash)


def test_a_skipped_sequence_a_foreign_grant_and_altered_arguments_end_the_session() -> None:
    begun = state()
    with pytest.raises(BrokenActionChain, match="another sequence"):
        take(begun, 2, begun.grant.hash)
    with pytest.raises(BrokenActionChain, match="another predecessor"):
        take(begun, 1, bytes(32))
    other = state(number=2)
    asked = action(other.grant.hash, 1, "diagnose", begun.grant.hash)
    with pytest.raises(BrokenActionChain, match="another grant"):
        next_action(begun, asked, Scope.DIAGNOSE, ARGUMENTS, elapsed_s=0, now=NOW)
    asked = action(begun.grant.hash, 1, "diagnose", begun.grant.hash, arguments=b'{"checks":[]}')
    with pytest.raises(BrokenActionChain, match="another arguments"):
        next_action(begun, asked, Scope.DIAGNOSE, ARGUMENTS, elapsed_s=0, now=NOW)


def test_an_action_outside_the_scopes_is_refused_and_used_up() -> None:
    begun = state()
    asked = action(begun.grant.hash, 1, "logs", begun.grant.hash)
    with pytest.raises(RefusedAction, match="outside what the customer allowed"):
        next_action(begun, asked, Scope.LOGS, ARGUMENTS, elapsed_s=1, now=NOW)
    after = skip_action(begun, asked)
    assert take(after, 2, after.last_action).last_sequence == 2


def test_time_ends_by_both_clocks() -> None:
    begun = state()
    asked = action(begun.grant.hash, 1, "diagnose", begun.grant.hash)
    with pytest.raises(RefusedAction, match="time is over"):
        next_action(begun, asked, Scope.DIAGNOSE, ARGUMENTS, elapsed_s=901, now=NOW)
    with pytest.raises(RefusedAction, match="time is over"):
        next_action(begun, asked, Scope.DIAGNOSE, ARGUMENTS, elapsed_s=1, now=NOW + 901)


def test_an_ended_session_takes_nothing_and_keeps_its_first_end() -> None:
    begun = state()
    ended = begun.ended(EndedBy.CUSTOMER)
    assert ended.ended(EndedBy.TECHNICIAN) is ended
    asked = action(begun.grant.hash, 1, "diagnose", begun.grant.hash)
    with pytest.raises(RefusedAction, match="has ended"):
        next_action(ended, asked, Scope.DIAGNOSE, ARGUMENTS, elapsed_s=1, now=NOW)


@settings(deadline=None, derandomize=True, max_examples=100)
@given(st.lists(st.sets(st.sampled_from(Scope)), max_size=4))
def test_narrowing_never_widens(steps: list[set[Scope]]) -> None:
    current = state()
    for wanted in steps:
        after = current.narrowed(tuple(wanted))
        assert after.scopes <= current.scopes
        assert after.scopes <= wanted
        assert after.changes == current.changes + 1
        current = after


def test_every_scope_has_a_risk_and_a_sentence() -> None:
    assert set(MEANINGS) == set(Scope)
    assert highest_risk((Scope.DIAGNOSE, Scope.TERMINAL)) == 3
    assert highest_risk(()) == 0


def returning(before: GrantState, **changes: object) -> None:
    asked = {"resumes": before.grant.hash, "scopes": tuple(sorted(before.scopes)), **changes}
    check_return(before, request(**asked).body)


def test_the_same_technician_may_go_on_with_what_is_still_allowed() -> None:
    returning(state())
    returning(state(), scopes=(Scope.DIAGNOSE,))
    returning(state().narrowed([Scope.DIAGNOSE]))


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"resumes": None}, "another grant"),
        ({"resumes": bytes(32)}, "another grant"),
        ({"device": "d-" + "a" * 26}, "another device"),
        ({"serial": "0" * 32}, "another certificate serial"),
        ({"ticket": None}, "another ticket"),
        ({"scopes": (Scope.DIAGNOSE, Scope.TERMINAL)}, "more than is allowed now"),
    ],
)
def test_a_return_about_another_visit_or_with_more_is_refused(changes: dict[str, object], why: str) -> None:
    with pytest.raises(RemoteProtocolError, match=why):
        returning(state(), **changes)


def test_nobody_returns_after_the_end_or_with_what_was_taken_back() -> None:
    with pytest.raises(RemoteProtocolError, match="has ended"):
        returning(state().ended(EndedBy.CUSTOMER))
    with pytest.raises(RemoteProtocolError, match="more than is allowed now"):
        returning(state().narrowed([Scope.DIAGNOSE]), scopes=(Scope.DIAGNOSE, Scope.PROCESSES))


def successor(first: GrantState, **changes: object) -> Grant:
    return grant_body(seed("another request"), number=2, successor_of=first.grant.hash, **changes)


def test_a_successor_allows_no_more_than_its_predecessor() -> None:
    first = state()
    check_successor(first.grant, first.scopes, successor(first))
    check_successor(first.grant, first.scopes, successor(first, minutes=3, scopes=(Scope.DIAGNOSE,)))


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"successor_of": None}, "another predecessor"),
        ({"device": "d-" + "a" * 26}, "another device"),
        ({"root": bytes(32)}, "another root"),
        ({"serial": "0" * 32}, "another certificate"),
        ({"ticket": None}, "another ticket"),
        ({"consent": grant_body(bytes(32)).consent.model_copy(update={"local_user": "eve"})}, "another consent"),
        ({"scopes": (Scope.DIAGNOSE, Scope.LOGS)}, "scopes"),
        ({"minutes": 16}, "minutes"),
        ({"granted_at": NOW - 1}, "time"),
        ({"not_after": NOW + 901}, "time"),
        ({"number": 1}, "number"),
    ],
)
def test_a_successor_that_goes_beyond_is_refused(changes: dict[str, object], why: str) -> None:
    first = state()
    with pytest.raises(RemoteProtocolError, match=why):
        check_successor(first.grant, first.scopes, successor(first).model_copy(update=changes))
