"""The four facts as a form: whole, or back with what is missing."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from protocol.messages.desk import FourFacts, TicketState
from server.console.facts_form import FARTHEST_S, SOON, FactsForm, read_facts, utc_minute
from tests.making import DAY, NOW

STANDING = FourFacts(cost="Nothing.", doing="Looking.", next="A call.", eta=NOW + 3600)
WHOLE = {"cost": "Nothing.", "doing": "Looking at it.", "next": "We call you.", "eta_choice": "7200", "eta_at": ""}


def read(state: TicketState = TicketState.OPEN, **changes: str) -> FourFacts | FactsForm:
    return read_facts({**WHOLE, **changes}, STANDING, state, NOW)


def errors(**changes: str) -> set[str]:
    form = read(**changes)
    return set(form.errors) if isinstance(form, FactsForm) else set()


def test_whole_facts_come_out_trimmed() -> None:
    facts = read(doing="  Looking at it. \n")
    assert facts == FourFacts(cost="Nothing.", doing="Looking at it.", next="We call you.", eta=NOW + 7200)


@pytest.mark.parametrize("field", ["cost", "doing", "next"])
@pytest.mark.parametrize("text", ["", "   ", "\n\t", "x" * 501])
def test_no_fact_can_be_empty_or_endless(field: str, text: str) -> None:
    assert errors(**{field: text}) == {field}


def test_the_eta_can_stay_be_soon_or_be_a_minute_in_utc() -> None:
    assert isinstance(read(eta_choice="keep"), FourFacts)
    for seconds in SOON:
        facts = read(eta_choice=str(seconds))
        assert isinstance(facts, FourFacts)
        assert facts.eta == NOW + seconds
    facts = read(eta_choice="at", eta_at=utc_minute(NOW + DAY))
    assert isinstance(facts, FourFacts)
    assert facts.eta == (NOW + DAY) // 60 * 60


@pytest.mark.parametrize(
    ("choice", "at"),
    [("", ""), ("soon", ""), ("-5", ""), ("7201", ""), ("at", ""), ("at", "tomorrow"), ("at", "2026-13-40T99:99"),
     ("at", utc_minute(NOW - 60)), ("at", utc_minute(NOW + FARTHEST_S + DAY)), ("at", "9999999-01-01T00:00")],
)  # fmt: skip
def test_an_eta_that_is_no_promise_is_refused(choice: str, at: str) -> None:
    assert errors(eta_choice=choice, eta_at=at) == {"eta"}


def test_a_promise_that_has_passed_must_be_made_anew_while_we_work_and_not_while_we_wait() -> None:
    late = FourFacts(cost="a", doing="b", next="c", eta=NOW - 1)
    form = {**WHOLE, "eta_choice": "keep"}
    assert isinstance(read_facts(form, late, TicketState.OPEN, NOW), FactsForm)
    for state in (TicketState.WAITING_CUSTOMER, TicketState.WAITING_THIRD_PARTY, TicketState.SOLVED):
        assert isinstance(read_facts(form, late, state, NOW), FourFacts)


text = st.text(max_size=600)


@given(form=st.dictionaries(st.sampled_from(["cost", "doing", "next", "eta_choice", "eta_at", "state"]), text))
@settings(deadline=None, derandomize=True, max_examples=300)
def test_any_form_gives_valid_facts_or_says_what_is_wrong(form: dict[str, str]) -> None:
    found = read_facts(form, STANDING, TicketState.OPEN, NOW)
    if isinstance(found, FactsForm):
        assert found.errors
    else:
        assert FourFacts.model_validate_json(found.model_dump_json()) == found


@given(moment=st.integers())
@settings(deadline=None, derandomize=True, max_examples=200)
def test_any_stored_moment_can_be_shown(moment: int) -> None:
    assert utc_minute(moment) == "" or len(utc_minute(moment)) >= 15
