"""Actions that take input, by the pure steps of both ends: what is checked, booked, held for the log, and counted."""

import hashlib
from dataclasses import replace

import pytest

from agent.session.effects import (
    AuditSettled,
    BookAction,
    BookActionEnd,
    Cancel,
    CustomerNarrows,
    Effect,
    Finished,
    GiveInput,
    HoldBack,
    InputTaken,
    Run,
    Streamed,
)
from protocol.actions.scopes import Scope
from protocol.actions.terminal import TerminalArguments
from protocol.errors import LocalProtocolError, RemoteProtocolError
from protocol.grants import EndedBy
from protocol.journal import Outcome
from protocol.limits import STREAM_WINDOW_BYTES
from protocol.pieces import pack_bytes
from protocol.session_state import SessionState
from technician.session.events import ActionEnded, BytesCame
from tests.agent.visiting import Device, Encounter, yes

SCOPES = (Scope.PROCESSES, Scope.TERMINAL)


class OpenDevice(Device):
    """Its administrator has enabled the terminal."""

    def own_side(self, checkpoint: str = "seen"):  # type: ignore[no-untyped-def]
        return replace(super().own_side(checkpoint), not_served=frozenset())


def granted(**changes: object) -> Encounter:
    return Encounter(device=OpenDevice(), scopes=SCOPES, decision=yes(SCOPES), **changes).begin()  # type: ignore[arg-type]


def of(made: Encounter, kind: type[Effect]) -> list[Effect]:
    return [effect for effect in made.done if isinstance(effect, kind)]


def log_is_silent(made: Encounter) -> None:
    """Until a test says what it answers."""
    answer = made._answer
    made._answer = lambda effect: None if isinstance(effect, BookAction) else answer(effect)  # type: ignore[method-assign]


def typed(made: Encounter, stream: int, data: bytes) -> None:
    made.technician.send_input(stream, data)
    made.flush()
    made.settle()


def opened(made: Encounter) -> int:
    made.act("terminal", TerminalArguments())
    assert made.technician.chain is not None
    return made.technician.chain.sent[-1].stream


def test_what_is_typed_reaches_the_action_and_is_booked_by_its_hash() -> None:
    made = granted()
    stream = opened(made)
    typed(made, stream, pack_bytes(b"ls\n"))
    typed(made, stream, pack_bytes(b"exit\n"))
    given = of(made, GiveInput)
    said = pack_bytes(b"ls\n") + pack_bytes(b"exit\n")
    assert b"".join(each.data for each in given) == said  # type: ignore[union-attr]
    shown = pack_bytes(b"file\n")
    made.feed(Streamed(1, shown))
    made.feed(Finished(1, Outcome.DONE))
    made.settle()
    (end,) = of(made, BookActionEnd)
    assert isinstance(end, BookActionEnd)
    assert f"got {len(said)} bytes sha256 {hashlib.sha256(said).hexdigest()}" in end.detail
    assert f"gave {len(shown)} bytes sha256 {hashlib.sha256(shown).hexdigest()}" in end.detail
    (ended,) = made.said(ActionEnded)
    assert isinstance(ended, ActionEnded)
    assert ended.result.totals is not None
    assert [event.data for event in made.said(BytesCame) if isinstance(event, BytesCame)] == [b"file\n"]
    assert made.broken is None


def test_nothing_typed_reaches_a_terminal_whose_beginning_the_log_does_not_have() -> None:
    made = granted()
    log_is_silent(made)
    stream = opened(made)
    typed(made, stream, pack_bytes(b"rm -rf ~\n"))
    made.feed(AuditSettled(1, stored=False))
    made.settle()
    assert of(made, Run) == of(made, GiveInput) == []
    (ended,) = made.said(ActionEnded)
    assert isinstance(ended, ActionEnded)
    assert ended.result.outcome is Outcome.CANCELLED
    assert made.steps.state is SessionState.ACTIVE


def test_what_was_typed_before_the_log_answered_waits_for_it() -> None:
    """As a fast technician does: keys come while the server's log is still asked."""
    made = granted()
    log_is_silent(made)
    stream = opened(made)
    typed(made, stream, pack_bytes(b"a"))
    typed(made, stream, pack_bytes(b"b"))
    made.technician.end_input(stream)
    made.flush()
    made.settle()
    assert of(made, Run) == of(made, GiveInput) == []
    made.feed(AuditSettled(1, stored=True))
    assert of(made, GiveInput) == [GiveInput(1, pack_bytes(b"a") + pack_bytes(b"b"), last=True)]


def test_credit_comes_back_when_the_action_has_taken_what_was_typed_and_not_before() -> None:
    made = granted()
    stream = opened(made)
    typed(made, stream, pack_bytes(b"x" * (STREAM_WINDOW_BYTES - 5)))
    assert made.technician.input_room(stream) == 0
    made.feed(InputTaken(1, STREAM_WINDOW_BYTES))
    made.settle()
    assert made.technician.input_room(stream) == STREAM_WINDOW_BYTES


def test_an_action_that_nobody_listens_to_is_held_back_and_let_go() -> None:
    made = granted()
    stream = opened(made)
    for _ in range(14):
        made.feed(Streamed(1, pack_bytes(b"y" * 60_000)))
    made.settle()
    assert of(made, HoldBack) == [HoldBack(1, held=True)]
    while came := [event for event in made.heard if isinstance(event, BytesCame)]:
        made.heard = [event for event in made.heard if not isinstance(event, BytesCame)]
        for event in came:
            made.technician.consumed(stream, event.size_bytes)
        made.flush()
        made.settle()
    assert of(made, HoldBack) == [HoldBack(1, held=True), HoldBack(1, held=False)]


def test_input_for_an_action_that_takes_none_ends_the_session() -> None:
    made = granted()
    made.act("processes")
    assert made.technician.chain is not None
    stream = made.technician.chain.sent[-1].stream
    with pytest.raises(LocalProtocolError, match="takes no input"):
        made.technician.send_input(stream, b"x")
    made.technician._channel().send(stream, b"x")  # a program that does not ask itself
    made.flush()
    made.settle()
    assert made.steps.ended_by is EndedBy.PROTOCOL_ERROR


def test_keys_that_cross_the_end_of_a_terminal_on_their_way_are_dropped() -> None:
    made = granted()
    stream = opened(made)
    made.technician.send_input(stream, pack_bytes(b"late"))
    made.feed(Finished(1, Outcome.DONE))
    made.flush()
    made.settle()
    assert of(made, GiveInput) == []
    assert made.steps.state is SessionState.ACTIVE
    assert made.broken is None


def test_a_device_that_counts_other_keys_than_were_typed_is_found_out() -> None:
    """Its journal would say that the technician typed something else."""
    made = granted()
    stream = opened(made)
    typed(made, stream, pack_bytes(b"ls\n"))
    actions = made.steps._actions
    assert actions is not None
    (running,) = actions._running.values()
    running._received = hashlib.sha256(pack_bytes(b"rm\n"))
    made.feed(Finished(1, Outcome.DONE))
    made.settle()
    assert isinstance(made.broken, RemoteProtocolError)
    assert "other bytes" in str(made.broken)


def test_taking_the_terminal_back_kills_it_and_says_so() -> None:
    made = granted()
    opened(made)
    effects = made.feed(CustomerNarrows((Scope.PROCESSES,)))
    made.settle()
    assert Cancel(1) in effects
    (ended,) = made.said(ActionEnded)
    assert isinstance(ended, ActionEnded)
    assert ended.result.outcome is Outcome.CANCELLED
    assert made.broken is None


def test_a_terminal_that_nobody_enabled_is_not_even_asked_about() -> None:
    made = Encounter(scopes=SCOPES, decision=yes((Scope.PROCESSES,))).begin()
    (asked,) = made.asked
    assert asked.facts.offer.scopes == (Scope.PROCESSES,)
