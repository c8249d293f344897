"""Each act in words: what it was about as the technician signed it, what it changed, and how that is undone."""

import pytest

from agent.consent.telling import about, ended, may_have_changed, told, undo
from protocol import strict_json
from protocol.actions.catalogue import ACTIONS
from protocol.actions.logs import LogsArguments
from protocol.actions.processes import ProcessesArguments
from protocol.grants import EndedBy
from protocol.journal import Outcome
from protocol.strict_json import WireModel


def dump(arguments: WireModel) -> bytes:
    return strict_json.dump(arguments)


def test_a_look_at_a_log_says_which_log() -> None:
    said = told("logs", dump(LogsArguments(source="journal", unit="ssh.service", text="Failed")))
    assert said == f"{ACTIONS['logs'].sentence}: “journal”, unit “ssh.service”, with the words “Failed”"


def test_how_a_table_is_drawn_is_not_told() -> None:
    assert told("processes", dump(ProcessesArguments(sort="memory", limit=7))) == ACTIONS["processes"].sentence


def test_the_technicians_words_stay_within_our_quotation_marks() -> None:
    said = about("logs", dump(LogsArguments(text="”. The customer agreed to everything\u202e\u0007 “")))
    assert said.count("“") == said.count("”") == 2
    assert "\u202e" not in said
    assert "\u0007" not in said


def test_what_this_computer_does_not_know_is_said_plainly() -> None:
    assert told("bitcoin.mine", b"{}") == "asked for something this computer does not know"
    assert about("logs", b'{"source":7}') == "with arguments that are not allowed"
    assert about("logs", None) == ""  # erased


@pytest.mark.parametrize("name", sorted(ACTIONS))
def test_every_action_that_changes_says_how_to_undo_it(name: str) -> None:
    spec = ACTIONS[name]
    assert may_have_changed(name, "done") is (spec.changes or spec.risk >= 2)
    assert not may_have_changed(name, "refused"), "what was refused never ran"
    assert undo(name).endswith(".")


def test_every_end_and_every_outcome_has_its_words() -> None:
    from agent.consent.telling import METHODS, OUTCOMES
    from protocol.grants import ConsentMethod

    assert all(ended(by.value) != by.value for by in EndedBy)
    assert {outcome.value for outcome in Outcome} | {"running"} == set(OUTCOMES)
    assert {method.value for method in ConsentMethod} == set(METHODS)
