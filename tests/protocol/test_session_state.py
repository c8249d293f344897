"""The tables of a session, walked whole: no way around a grant, no way back from an end."""

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from protocol.channel import STREAM_FRAMES, FrameType
from protocol.errors import LocalProtocolError, RemoteProtocolError
from protocol.session_state import (
    FRAME_TABLE,
    SESSION_TABLE,
    SessionEvent,
    SessionState,
    Side,
    Verdict,
    check_send,
    judge_received,
    may_send,
    next_state,
)

S, E = SessionState, SessionEvent


def walk(*events: SessionEvent) -> SessionState:
    state = S.REQUESTED
    for event in events:
        state = next_state(state, event)
    return state


def test_a_visit_that_goes_well() -> None:
    assert walk(E.PAIRED, E.PEER_VERIFIED, E.PROMPT_SHOWN, E.GRANTED) is S.ACTIVE
    assert walk(E.PAIRED, E.PEER_VERIFIED, E.PROMPT_SHOWN, E.GRANTED, E.CLOSED, E.RECEIPT_MADE) is S.ENDED


def test_an_owners_policy_grants_without_a_prompt() -> None:
    assert walk(E.PAIRED, E.PEER_VERIFIED, E.GRANTED) is S.ACTIVE


@pytest.mark.parametrize("answer", [E.REFUSED, E.UNANSWERED, E.CONNECTION_LOST, E.STOPPED, E.REVOKED, E.BROKEN])
def test_prompt_without_a_yes_ends_the_session(answer: SessionEvent) -> None:
    assert walk(E.PAIRED, E.PEER_VERIFIED, E.PROMPT_SHOWN, answer) is S.ENDED


def test_lost_connection_pauses_and_a_successor_grant_resumes() -> None:
    active = (E.PAIRED, E.PEER_VERIFIED, E.PROMPT_SHOWN, E.GRANTED)
    assert walk(*active, E.CONNECTION_LOST) is S.PAUSED
    assert walk(*active, E.CONNECTION_LOST, E.CONNECTION_LOST, E.NARROWED, E.SUCCESSOR_GRANTED) is S.ACTIVE
    assert walk(*active, E.CONNECTION_LOST, E.NOT_RESUMED, E.RECEIPT_MADE) is S.ENDED


@pytest.mark.parametrize("end", [E.STOPPED, E.CLOSED, E.EXPIRED, E.REVOKED, E.BROKEN])
@pytest.mark.parametrize("state", [S.ACTIVE, S.PAUSED])
def test_every_end_of_a_granted_session_makes_a_receipt_first(state: SessionState, end: SessionEvent) -> None:
    stopping = next_state(state, end)
    assert stopping is S.STOPPING
    assert next_state(stopping, E.RECEIPT_MADE) is S.ENDED


@pytest.mark.parametrize("again", [E.STOPPED, E.CLOSED, E.EXPIRED, E.REVOKED, E.BROKEN, E.CONNECTION_LOST])
def test_stop_pressed_twice_is_no_news(again: SessionEvent) -> None:
    assert next_state(S.STOPPING, again) is S.STOPPING
    assert next_state(S.ENDED, again) is S.ENDED


@pytest.mark.parametrize("state", list(S))
@pytest.mark.parametrize("event", list(E))
def test_what_the_table_lacks_is_our_mistake(state: SessionState, event: SessionEvent) -> None:
    if event in SESSION_TABLE[state]:
        assert next_state(state, event) is SESSION_TABLE[state][event]
    else:
        with pytest.raises(LocalProtocolError, match="cannot happen"):
            next_state(state, event)


def test_only_grants_lead_into_a_session_in_force() -> None:
    into_active = {
        (state, event)
        for state, following in SESSION_TABLE.items()
        for event, after in following.items()
        if after is S.ACTIVE and state is not S.ACTIVE
    }
    assert into_active == {
        (S.VERIFIED, E.GRANTED),
        (S.PROMPTED, E.GRANTED),
        (S.PAUSED, E.SUCCESSOR_GRANTED),
    }


def test_there_is_no_way_back_from_stopping_or_ended() -> None:
    assert set(SESSION_TABLE[S.STOPPING].values()) == {S.STOPPING, S.ENDED}
    assert set(SESSION_TABLE[S.ENDED].values()) == {S.ENDED}


def test_stop_works_in_every_state() -> None:
    for state in S:
        assert next_state(state, E.STOPPED) in {S.STOPPING, S.ENDED}


class AnySession(RuleBasedStateMachine):
    """Whatever happens in whatever order: in force only after a grant, and never again after an end."""

    def __init__(self) -> None:
        super().__init__()
        self.state = S.REQUESTED
        self.verified = False
        self.granted = False
        self.over = False

    @rule(event=st.sampled_from(list(E)))
    def happen(self, event: SessionEvent) -> None:
        try:
            following = next_state(self.state, event)
        except LocalProtocolError:
            return
        self.verified |= event is E.PEER_VERIFIED
        self.granted |= event is E.GRANTED
        self.over |= following in {S.STOPPING, S.ENDED}
        self.state = following

    @invariant()
    def in_force_means_verified_and_granted_and_not_over(self) -> None:
        if self.state in {S.ACTIVE, S.PAUSED}:
            assert self.verified
            assert self.granted
            assert not self.over


AnySession.TestCase.settings = settings(deadline=None, derandomize=True, max_examples=100)
TestAnySession = AnySession.TestCase


# --- Who may say what


@pytest.mark.parametrize("side", list(Side))
@pytest.mark.parametrize("frame", sorted(STREAM_FRAMES))
def test_streams_live_only_under_a_grant_in_force(side: Side, frame: FrameType) -> None:
    assert {state for state in S if may_send(side, frame, state)} == {S.ACTIVE}


@pytest.mark.parametrize("frame", [FrameType.GRANT, FrameType.GRANT_CHANGE, FrameType.REFUSED, FrameType.RECEIPT])
def test_technician_never_grants_refuses_or_receipts(frame: FrameType) -> None:
    for state in S:
        assert not may_send(Side.TECHNICIAN, frame, state)
        with pytest.raises(RemoteProtocolError, match="never sends"):
            judge_received(Side.TECHNICIAN, frame, state)


def test_nothing_is_sent_before_the_other_side_is_verified_or_after_the_end() -> None:
    for state in (S.REQUESTED, S.HANDSHAKE, S.ENDED):
        assert not any(may_send(side, frame, state) for side in Side for frame in FrameType)


def test_after_stop_only_closing_words_and_the_receipt_are_left() -> None:
    assert {frame for frame in FrameType if may_send(Side.DEVICE, frame, S.STOPPING)} == {
        FrameType.GRANT_CHANGE,
        FrameType.SESSION_CLOSE,
        FrameType.RECEIPT,
        FrameType.NOTICE,
    }
    assert {frame for frame in FrameType if may_send(Side.TECHNICIAN, frame, S.STOPPING)} == {
        FrameType.SESSION_CLOSE,
        FrameType.NOTICE,
    }


@pytest.mark.parametrize(("side", "frame"), sorted(FRAME_TABLE))
@pytest.mark.parametrize("state", list(S))
def test_sending_is_checked_by_the_table(side: Side, frame: FrameType, state: SessionState) -> None:
    if state in FRAME_TABLE[side, frame]:
        check_send(side, frame, state)
    else:
        with pytest.raises(LocalProtocolError, match="does not send"):
            check_send(side, frame, state)


def test_opening_before_the_grant_breaks_the_protocol() -> None:
    for state in (S.REQUESTED, S.HANDSHAKE, S.VERIFIED, S.PROMPTED, S.PAUSED):
        with pytest.raises(RemoteProtocolError, match="too early"):
            judge_received(Side.TECHNICIAN, FrameType.OPEN, state)
    assert judge_received(Side.TECHNICIAN, FrameType.OPEN, S.ACTIVE) is Verdict.ACCEPT


@pytest.mark.parametrize("state", [S.STOPPING, S.ENDED])
def test_opening_that_crossed_the_stop_is_dropped_not_done(state: SessionState) -> None:
    assert judge_received(Side.TECHNICIAN, FrameType.OPEN, state) is Verdict.DROP


def test_receipt_that_outruns_the_news_of_the_end_is_accepted() -> None:
    assert judge_received(Side.DEVICE, FrameType.RECEIPT, S.STOPPING) is Verdict.ACCEPT
    assert judge_received(Side.DEVICE, FrameType.RECEIPT, S.ACTIVE) is Verdict.ACCEPT
    assert judge_received(Side.DEVICE, FrameType.RECEIPT, S.PAUSED) is Verdict.ACCEPT  # of the grant before
    with pytest.raises(RemoteProtocolError, match="too early"):
        judge_received(Side.DEVICE, FrameType.RECEIPT, S.PROMPTED)


@pytest.mark.parametrize("side", list(Side))
@pytest.mark.parametrize("frame", list(FrameType))
@pytest.mark.parametrize("state", list(S))
def test_what_may_be_sent_in_a_state_is_accepted_in_it(side: Side, frame: FrameType, state: SessionState) -> None:
    if may_send(side, frame, state):
        assert judge_received(side, frame, state) is Verdict.ACCEPT
