"""Actions that the end of a visit crosses on their way: told apart from actions that a device hides."""

import pytest

from agent.session.effects import EndNow, MakeReceipt
from protocol.actions.processes import ProcessesArguments
from protocol.grants import EndedBy
from protocol.visit import SessionClosing
from technician.session.closing import close_body, hidden
from technician.session.events import Closing
from tests.agent.visiting import Encounter
from tests.making import NOW


def crossing_stop() -> Encounter:
    """The technician asks for a second action while Stop is already on its way to them."""
    visit = Encounter().begin()
    visit.act()
    visit.technician.open_action("processes", ProcessesArguments(), NOW)
    visit.feed(EndNow(EndedBy.CUSTOMER))
    visit.flush()
    visit.settle()
    return visit


def test_an_action_that_crossed_stop_is_not_run_and_not_hidden() -> None:
    visit = crossing_stop()
    assert len(visit.runs) == 1
    chain = visit.technician.chain
    assert chain is not None
    assert [action.acknowledged for action in chain.sent] == [True, False]
    assert hidden(chain, told=1, now=NOW) == []
    assert [closing.disputed for closing in visit.said(Closing)] == [False]  # type: ignore[union-attr]
    (made,) = [effect for effect in visit.done if isinstance(effect, MakeReceipt)]
    assert made.close is not None  # countersigned: both ends count one action


def test_an_action_that_the_device_took_and_does_not_tell_is_hidden() -> None:
    visit = Encounter().begin()
    visit.act()
    visit.act()
    chain = visit.technician.chain
    assert chain is not None
    assert [action.sequence for action in hidden(chain, told=1, now=NOW)] == [2]
    said = SessionClosing(step="root", journal_root=bytes(32), actions=1)
    assert close_body(said, chain, NOW) is None


def test_an_action_left_without_a_word_for_too_long_counts_as_hidden() -> None:
    chain = crossing_stop().technician.chain
    assert chain is not None
    assert [action.sequence for action in hidden(chain, told=1, now=NOW + 31)] == [2]


def test_a_device_that_counts_actions_never_sent_is_not_countersigned() -> None:
    chain = crossing_stop().technician.chain
    assert chain is not None
    assert close_body(SessionClosing(step="root", journal_root=bytes(32), actions=3), chain, NOW) is None


@pytest.mark.parametrize("text", ["", "0", "3", "-1", "x", "9" * 30, "²"])
def test_a_word_on_no_action_of_ours_means_nothing(text: str) -> None:
    chain = crossing_stop().technician.chain
    assert chain is not None
    chain.heard_taken(text)
    assert [action.taken for action in chain.sent] == [True, False]
