"""A rogue technician, let in by the customer: every action there is × what was ticked × its risk × what is left of the
grant. Generated from the catalogue, so that an action added tomorrow is tried tomorrow.

An action is handed to the host if and only if its scope was ticked, its grant is in force, its arguments are its own,
and, from risk 2 on, the server's log has it. Whatever was refused stands in the books.
"""

import itertools
import random
from collections.abc import Callable, Iterator

import pytest

from agent.session.effects import BookAction, CustomerNarrows, EndNow, OpenBooks, TransportLost, TrustChanged
from protocol.actions.catalogue import ACTIONS, parse_arguments
from protocol.actions.scopes import MEANINGS, Scope
from protocol.certificates import TechnicianCertificate
from protocol.fields import sha256
from protocol.grants import EndedBy
from protocol.session_state import SessionState
from protocol.statements import parse_payload
from protocol.visit import RefusalReason
from technician.session.events import Refused
from tests.agent.visiting import ORG, Encounter, chain_of, revoked_serial, technician_keys, yes
from tests.hostile.insider import CHAIN, SERVED, TRUST, attempt, attempts, body_of, granted, send_action
from tests.hostile.samples import SAMPLES, bad_arguments_of, every_action

EVERY = every_action()


def risk_of(name: str) -> int:
    """Of these very arguments."""
    return ACTIONS[name].risk_of(parse_arguments(ACTIONS[name], EVERY[name]))


def within(scopes: tuple[Scope, ...]) -> set[str]:
    return {name for name, spec in ACTIONS.items() if spec.scope in scopes}


def test_every_action_has_arguments_and_is_tried() -> None:
    assert set(EVERY) == set(ACTIONS)
    assert set(SAMPLES) <= set(ACTIONS)
    assert set(parse_payload(CHAIN.leaf, TechnicianCertificate).scopes) == set(Scope)


# --- scopes ----------------------------------------------------------------------------------------------------------


def choices(soak: bool) -> Iterator[tuple[Scope, ...]]:
    """One scope, all but one, all, up to each risk; and others by lot. Every one there is, in a soak."""
    if soak:
        for count in range(1, len(SERVED) + 1):
            yield from itertools.combinations(SERVED, count)
        return
    for scope in SERVED:
        yield (scope,)
        yield tuple(other for other in SERVED if other is not scope)
    yield SERVED
    for risk in range(4):
        upto = tuple(scope for scope in SERVED if MEANINGS[scope].risk <= risk)
        if upto:
            yield upto
    rng = random.Random("scopes")
    for _ in range(10):
        yield tuple(sorted(rng.sample(SERVED, rng.randint(2, len(SERVED) - 1))))


def test_every_action_by_every_choice_of_scopes(soak: bool) -> None:
    """The whole matrix: an action runs if and only if its scope was ticked; every try is in the books."""
    seen = 0
    for scopes in choices(soak):
        visit = granted(scopes)
        assert attempts(visit, EVERY) == within(scopes), scopes
        assert visit.steps.state is SessionState.ACTIVE
        assert [booked.action.body.action for booked in visit.booked] == list(EVERY)
        assert {booked.action.body.action for booked in visit.booked if booked.refused is None} == within(scopes)
        assert [booked.risk for booked in visit.booked if booked.refused is None] == [
            risk_of(name) for name in EVERY if name in within(scopes)
        ]
        seen += 1
    assert seen > len(SERVED) * 2


@pytest.mark.parametrize("scope", SERVED)
def test_a_scope_that_the_certificate_lacks_is_not_even_asked_about(scope: Scope) -> None:
    keys = technician_keys()
    lacking = chain_of(keys, scopes=tuple(other for other in Scope if other is not scope))
    visit = Encounter(keys=keys, chain=lacking, trust=TRUST, scopes=SERVED, decision=yes(SERVED)).begin()
    assert visit.steps.refused is RefusalReason.NOT_CERTIFIED
    assert not visit.asked
    assert not visit.runs


# --- what is left of the grant ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("kept", [(), *((scope,) for scope in SERVED)], ids=lambda kept: kept[0] if kept else "nothing")
def test_after_narrowing_only_what_is_left_runs(kept: tuple[Scope, ...]) -> None:
    visit = granted(SERVED)
    visit.feed(CustomerNarrows(kept))
    if visit.steps.state is SessionState.ACTIVE:
        assert attempts(visit, EVERY) == within(kept)
        # And what was taken away does not come back by asking the customer's program again.
        visit.feed(CustomerNarrows(SERVED))
        assert attempts(visit, EVERY) == within(kept)
    else:
        assert kept == ()
    assert {run.action for run in visit.runs} <= within(kept)


def minutes_over(visit: Encounter) -> None:
    visit.at_s = 15 * 60 + 1


def revoked(visit: Encounter) -> None:
    newer = ORG.revocations(version=9, serials=(revoked_serial(),))
    visit.feed(TrustChanged(TRUST.accept(newer, visit.now.wall)))


def ended(by: EndedBy) -> Callable[[Encounter], object]:
    return lambda visit: visit.feed(EndNow(by))


OVER: dict[str, Callable[[Encounter], object]] = {
    "its minutes are over": minutes_over,
    "its certificate was revoked": revoked,
    "the connection was lost": lambda visit: visit.feed(TransportLost()),
    **{f"ended by {by}": ended(by) for by in EndedBy},
}


@pytest.mark.parametrize("how", OVER)
def test_under_a_grant_that_is_over_no_action_runs(how: str) -> None:
    """All of them, one after the other, each signed as if nothing had happened."""
    visit = granted(SERVED)
    OVER[how](visit)
    for name, arguments in EVERY.items():
        send_action(visit, body_of(visit, action=name, arguments_sha256=sha256(arguments)), arguments)
    assert not visit.runs
    assert all(booked.refused is not None for booked in visit.booked)


def test_no_action_runs_under_the_grant_of_a_visit_before() -> None:
    for name, arguments in EVERY.items():
        first = granted(SERVED)
        old = body_of(first, action=name, arguments_sha256=sha256(arguments))
        second = granted(SERVED, minutes=14)
        assert second.steps.grant is not None
        send_action(second, old, arguments)
        assert not second.runs, name
        assert second.steps.ended_by is EndedBy.PROTOCOL_ERROR


# --- risk ------------------------------------------------------------------------------------------------------------


def test_what_the_servers_log_did_not_store_does_not_run_from_risk_2_on() -> None:
    visit = granted(SERVED)
    visit.log_stores = False
    harmless = {name for name in ACTIONS if risk_of(name) < 2}
    assert attempts(visit, EVERY) == harmless
    for booked in visit.done:
        if isinstance(booked, BookAction):
            assert booked.wait_for_log == (risk_of(booked.action.body.action) >= 2)


def test_without_the_log_nothing_begins_at_all() -> None:
    visit = Encounter(log_stores=False, trust=TRUST, chain=CHAIN, keys=technician_keys(), scopes=SERVED).begin()
    assert any(isinstance(effect, OpenBooks) for effect in visit.done)
    assert visit.said(Refused) == [Refused(RefusalReason.AUDIT_UNAVAILABLE)]
    assert visit.steps.ended_by is EndedBy.AUDIT_UNAVAILABLE
    assert not visit.runs


def test_what_changes_the_machine_is_never_below_risk_2_unless_it_asks_the_customer_itself() -> None:
    """A scope of risk 0 or 1 must not hide an action that changes things; remedies have a question of their own."""
    changing = {name for name, spec in ACTIONS.items() if spec.changes and spec.scope is not Scope.REMEDY}
    assert {name for name in changing if ACTIONS[name].risk < 2} == set()


# --- arguments -------------------------------------------------------------------------------------------------------


def test_no_action_takes_arguments_that_are_not_its_own() -> None:
    """Broken, bent, of unknown fields: refused and booked, and the visit goes on."""
    tried = 0
    for name, spec in sorted(ACTIONS.items()):
        visit = granted(SERVED)
        for how, data in bad_arguments_of(spec).items():
            assert not attempt(visit, name, data), (name, how)
            assert visit.booked[-1].refused is not None
            tried += 1
        assert visit.steps.state is SessionState.ACTIVE
    assert tried > 8 * len(ACTIONS)


def test_no_action_runs_with_other_arguments_than_were_signed() -> None:
    for name, arguments in EVERY.items():
        visit = granted(SERVED)
        send_action(visit, body_of(visit, action=name, arguments_sha256=sha256(arguments)), arguments + b" ")
        assert not visit.runs, name
        assert visit.steps.ended_by is EndedBy.PROTOCOL_ERROR
