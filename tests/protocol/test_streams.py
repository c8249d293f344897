"""Streams: the table walked, credit to the byte, and every frame that must not come."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from protocol import limits
from protocol.channel import FRAME_PAYLOAD_MAX_BYTES, Frame, FrameType
from protocol.errors import LocalProtocolError, RemoteProtocolError
from protocol.streams import (
    STREAM_TABLE,
    ResetReason,
    SessionFrame,
    StreamAct,
    StreamClosed,
    StreamData,
    StreamOpened,
    StreamReset,
    Streams,
    StreamState,
    session_frame,
)

WINDOW = limits.STREAM_WINDOW_BYTES


def frame(kind: FrameType, stream: int = 1, payload: bytes = b"") -> Frame:
    return Frame(kind, stream, payload)


def credit(count: int, stream: int = 1) -> Frame:
    return frame(FrameType.CREDIT, stream, count.to_bytes(4, "big"))


def reset(reason: ResetReason = ResetReason.CANCELLED, stream: int = 1) -> Frame:
    return frame(FrameType.RESET, stream, bytes([reason]))


def opened() -> Streams:
    """The end that opened stream 1."""
    streams = Streams(initiator=True)
    assert streams.open(b"what")[0] == 1
    return streams


def accepted() -> Streams:
    """The end that was asked to open stream 1."""
    streams = Streams(initiator=False)
    assert streams.receive(frame(FrameType.OPEN, 1, b"what")) == ([StreamOpened(1, b"what")], [])
    return streams


def in_state(state: StreamState) -> Streams:
    """Stream 1, opened by us, in `state`."""
    streams = opened()
    match state:
        case StreamState.OPEN:
            pass
        case StreamState.WE_CLOSED:
            streams.close(1)
        case StreamState.PEER_CLOSED:
            streams.receive(frame(FrameType.CLOSE))
        case StreamState.WE_RESET:
            streams.reset(1)
        case StreamState.OVER:
            streams.close(1)
            streams.receive(frame(FrameType.CLOSE))
    assert streams.state(1) is state
    return streams


# --- Opening


def test_initiator_opens_odd_streams_and_the_other_end_even_ones() -> None:
    initiator, other = Streams(initiator=True), Streams(initiator=False)
    assert [initiator.open(b"")[0] for _ in range(3)] == [1, 3, 5]
    assert [other.open(b"")[0] for _ in range(3)] == [2, 4, 6]
    assert initiator.live == {1, 3, 5}


@pytest.mark.parametrize("stream", [2, 3, 5, 4_294_967_295])
def test_stream_opened_out_of_order_breaks_the_protocol(stream: int) -> None:
    with pytest.raises(RemoteProtocolError, match="out of order"):
        Streams(initiator=False).receive(frame(FrameType.OPEN, stream))


def test_stream_id_is_never_used_again() -> None:
    streams = accepted()
    streams.receive(frame(FrameType.CLOSE))
    streams.close(1)
    assert streams.state(1) is StreamState.OVER
    with pytest.raises(RemoteProtocolError, match="out of order"):
        streams.receive(frame(FrameType.OPEN, 1))


def test_too_many_streams_are_our_mistake_or_theirs() -> None:
    ours, theirs = Streams(initiator=True), Streams(initiator=False)
    for _ in range(limits.STREAMS_OPEN_MAX_EACH):
        theirs.receive(ours.open(b"")[1])
    with pytest.raises(LocalProtocolError, match="too many"):
        ours.open(b"")
    next_id = 2 * limits.STREAMS_OPEN_MAX_EACH + 1
    with pytest.raises(RemoteProtocolError, match="too many"):
        theirs.receive(frame(FrameType.OPEN, next_id))
    # The other end's own number is its own.
    for _ in range(limits.STREAMS_OPEN_MAX_EACH):
        ours.receive(theirs.open(b"")[1])
    assert len(ours.live) == len(theirs.live) == limits.STREAMS_OPEN_MAX


def test_stream_that_is_over_makes_room_for_another() -> None:
    streams = Streams(initiator=True)
    for _ in range(limits.STREAMS_OPEN_MAX_EACH):
        streams.open(b"")
    streams.close(3)
    streams.receive(frame(FrameType.CLOSE, 3))
    assert streams.open(b"")[0] == 2 * limits.STREAMS_OPEN_MAX_EACH + 1


def test_stream_ids_run_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "STREAM_ID_MAX", 3)
    streams = Streams(initiator=True)
    streams.open(b"")
    streams.open(b"")
    with pytest.raises(LocalProtocolError, match="used up"):
        streams.open(b"")


def test_payload_that_does_not_fit_one_frame_is_our_mistake_and_opens_nothing() -> None:
    streams = Streams(initiator=True)
    with pytest.raises(LocalProtocolError, match="fit"):
        streams.open(bytes(FRAME_PAYLOAD_MAX_BYTES + 1))
    assert streams.open(bytes(FRAME_PAYLOAD_MAX_BYTES))[0] == 1
    with pytest.raises(LocalProtocolError, match="fit"):
        streams.close(1, bytes(FRAME_PAYLOAD_MAX_BYTES + 1))
    assert streams.state(1) is StreamState.OPEN


# --- The table


GOT = {
    StreamAct.GOT_DATA: frame(FrameType.DATA, 1, b"x"),
    StreamAct.GOT_CREDIT: credit(1),
    StreamAct.GOT_CLOSE: frame(FrameType.CLOSE, 1, b"bye"),
    StreamAct.GOT_RESET: reset(),
}


@pytest.mark.parametrize("state", list(StreamState))
@pytest.mark.parametrize("act", list(GOT))
def test_what_the_other_side_does_follows_the_table(state: StreamState, act: StreamAct) -> None:
    streams = in_state(state)
    if act is StreamAct.GOT_CREDIT and StreamAct.SEND_DATA in STREAM_TABLE[state]:
        streams.send(1, b"x")  # so that there is something to give credit for
    if act is StreamAct.GOT_CREDIT and state in {StreamState.WE_CLOSED, StreamState.WE_RESET}:
        streams = opened()
        streams.send(1, b"x")
        streams.close(1) if state is StreamState.WE_CLOSED else streams.reset(1)
    following = STREAM_TABLE[state].get(act)
    late = state is StreamState.OVER and act in {StreamAct.GOT_CREDIT, StreamAct.GOT_RESET}
    if late:
        assert streams.receive(GOT[act]) == ([], [])
    elif following is None:
        with pytest.raises(RemoteProtocolError):
            streams.receive(GOT[act])
    else:
        streams.receive(GOT[act])
        assert streams.state(1) is following


@pytest.mark.parametrize("state", list(StreamState))
@pytest.mark.parametrize("act", [StreamAct.SEND_DATA, StreamAct.SEND_CLOSE, StreamAct.SEND_RESET])
def test_what_we_do_follows_the_table(state: StreamState, act: StreamAct) -> None:
    streams = in_state(state)

    def do() -> None:
        match act:
            case StreamAct.SEND_DATA:
                assert streams.send(1, b"x") == [frame(FrameType.DATA, 1, b"x")]
            case StreamAct.SEND_CLOSE:
                assert streams.close(1, b"bye") == frame(FrameType.CLOSE, 1, b"bye")
            case _:
                assert streams.reset(1) == reset()

    following = STREAM_TABLE[state].get(act)
    if following is None:
        with pytest.raises(LocalProtocolError, match="cannot"):
            do()
        assert streams.state(1) is state
    else:
        do()
        assert streams.state(1) is following


def test_every_state_can_be_reached_and_left() -> None:
    reached = {after for acts in STREAM_TABLE.values() for after in acts.values()}
    assert reached == set(StreamState)
    for state, acts in STREAM_TABLE.items():
        assert bool(acts) == (state is not StreamState.OVER)


@pytest.mark.parametrize("stream", [0, 3, 2, -1, 1 << 32])
def test_stream_that_never_was_is_our_mistake(stream: int) -> None:
    streams = opened()
    for act in (
        lambda: streams.state(stream),
        lambda: streams.send(stream, b"x"),
        lambda: streams.close(stream),
        lambda: streams.reset(stream),
        lambda: streams.consumed(stream, 0),
        lambda: streams.sendable_bytes(stream),
    ):
        with pytest.raises(LocalProtocolError, match="no such stream"):
            act()


@pytest.mark.parametrize("kind", [FrameType.DATA, FrameType.CLOSE, FrameType.CREDIT, FrameType.RESET])
@pytest.mark.parametrize("stream", [2, 3, 4_294_967_295])
def test_frame_for_a_stream_never_opened_breaks_the_protocol(kind: FrameType, stream: int) -> None:
    payload = {FrameType.DATA: b"x", FrameType.CREDIT: bytes([0, 0, 0, 1]), FrameType.RESET: b"\x01"}
    with pytest.raises(RemoteProtocolError, match="not open"):
        opened().receive(frame(kind, stream, payload.get(kind, b"")))


def test_ids_of_the_two_ends_are_not_taken_for_one_another() -> None:
    streams = Streams(initiator=True)
    for _ in range(3):
        streams.open(b"")
    for stream in (2, 4, 6, 8):
        streams.receive(frame(FrameType.OPEN, stream))
    for never in (7, 9):  # below the other end's newest, but ours to open
        with pytest.raises(RemoteProtocolError, match="not open"):
            streams.receive(credit(1, never))
        with pytest.raises(LocalProtocolError, match="no such stream"):
            streams.state(never)
    for stream in (2, 4, 6, 8):
        streams.receive(frame(FrameType.CLOSE, stream))
        streams.close(stream)
        assert streams.receive(credit(1, stream)) == ([], [])


# --- Ends


def test_each_direction_closes_by_itself_with_its_last_word() -> None:
    one, other = opened(), accepted()
    assert other.receive(one.close(1, b"that was all")) == ([StreamClosed(1, b"that was all")], [])
    for sent in other.send(1, b"answer"):
        assert one.receive(sent) == ([StreamData(1, b"answer")], [])
    assert one.receive(other.close(1, b"done")) == ([StreamClosed(1, b"done")], [])
    assert one.live == other.live == frozenset()


def test_reset_is_answered_at_once_and_what_was_under_way_is_dropped() -> None:
    one, other = opened(), accepted()
    under_way = [*other.send(1, b"too late"), other.close(1, b"done")]
    sent = one.reset(1, ResetReason.FAILED)
    assert one.state(1) is StreamState.WE_RESET
    events, answers = other.receive(sent)
    assert events == [StreamReset(1, ResetReason.FAILED)]
    assert answers == []  # its direction had ended with CLOSE
    for late in under_way:
        assert one.receive(late) == ([], [])
    assert one.live == other.live == frozenset()


def test_reset_of_an_open_stream_is_answered_with_a_reset() -> None:
    one, other = opened(), accepted()
    events, answers = other.receive(one.reset(1))
    assert events == [StreamReset(1, ResetReason.CANCELLED)]
    assert answers == [reset(ResetReason.ANSWER)]
    assert one.receive(answers[0]) == ([], [])
    assert one.live == other.live == frozenset()


def test_two_resets_that_cross_end_the_stream_at_both_ends() -> None:
    one, other = opened(), accepted()
    first, second = one.reset(1), other.reset(1)
    assert one.receive(second) == ([], [])
    assert other.receive(first) == ([], [])
    assert one.live == other.live == frozenset()


def test_reset_of_a_half_closed_stream_makes_the_other_side_end_its_direction() -> None:
    one, other = opened(), accepted()
    other.receive(one.close(1))
    events, answers = other.receive(one.reset(1))
    assert events == [StreamReset(1, ResetReason.CANCELLED)]
    assert answers == [reset(ResetReason.ANSWER)]
    assert one.receive(answers[0]) == ([], [])
    assert one.live == other.live == frozenset()


# --- Credit


def test_window_is_used_to_the_last_byte_and_given_back_when_consumed() -> None:
    one, other = opened(), accepted()
    frames = one.send(1, bytes(WINDOW))
    assert [len(sent.payload) for sent in frames] == [FRAME_PAYLOAD_MAX_BYTES] * 4 + [
        WINDOW - 4 * FRAME_PAYLOAD_MAX_BYTES
    ]
    assert one.sendable_bytes(1) == 0
    with pytest.raises(LocalProtocolError, match="room"):
        one.send(1, b"x")
    for sent in frames:
        other.receive(sent)
    (given_back,) = other.consumed(1, WINDOW)
    assert given_back == credit(WINDOW)
    assert one.receive(given_back) == ([], [])
    assert one.sendable_bytes(1) == WINDOW


def test_window_given_back_can_be_used_again_and_again() -> None:
    one, other = opened(), accepted()
    for _ in range(3):
        for sent in one.send(1, bytes(WINDOW)):
            other.receive(sent)
        for given_back in other.consumed(1, WINDOW):
            one.receive(given_back)
        assert one.sendable_bytes(1) == WINDOW


def test_bytes_are_consumed_once() -> None:
    streams = accepted()
    streams.receive(frame(FrameType.DATA, 1, b"xy"))
    streams.consumed(1, 2)
    with pytest.raises(LocalProtocolError, match="more was consumed"):
        streams.consumed(1, 1)


def test_credit_is_given_back_in_steps_not_for_every_byte() -> None:
    one, other = opened(), accepted()
    step = limits.CREDIT_STEP_BYTES
    for sent in one.send(1, bytes(step)):
        other.receive(sent)
    assert other.consumed(1, step - 1) == []
    assert other.consumed(1, 0) == []
    assert other.consumed(1, 1) == [credit(step)]
    for sent in one.send(1, bytes(step)):
        other.receive(sent)
    assert other.consumed(1, step - 1) == []  # counting begins anew, at nothing
    assert other.consumed(1, 1) == [credit(step)]


def test_one_byte_over_the_window_closes_the_session() -> None:
    streams = accepted()
    left = WINDOW
    while left:
        count = min(left, FRAME_PAYLOAD_MAX_BYTES)
        streams.receive(frame(FrameType.DATA, 1, bytes(count)))
        left -= count
    with pytest.raises(RemoteProtocolError, match="overflowed"):
        streams.receive(frame(FrameType.DATA, 1, b"x"))


def test_window_counts_after_our_reset_too() -> None:
    streams = in_state(StreamState.WE_RESET)
    for _ in range(WINDOW // 32_768):
        assert streams.receive(frame(FrameType.DATA, 1, bytes(32_768))) == ([], [])
    with pytest.raises(RemoteProtocolError, match="overflowed"):
        streams.receive(frame(FrameType.DATA, 1, b"x"))


def test_credit_for_bytes_never_sent_is_refused() -> None:
    streams = opened()
    with pytest.raises(RemoteProtocolError, match="never sent"):
        streams.receive(credit(1))
    streams = opened()
    streams.send(1, b"xy")
    assert streams.receive(credit(2)) == ([], [])
    with pytest.raises(RemoteProtocolError, match="never sent"):
        streams.receive(credit(1))


@pytest.mark.parametrize("count", [-1, 3])
def test_consuming_what_never_came_is_our_mistake(count: int) -> None:
    streams = accepted()
    streams.receive(frame(FrameType.DATA, 1, b"xy"))
    with pytest.raises(LocalProtocolError):
        streams.consumed(1, count)


def test_no_credit_is_given_when_nothing_more_can_come() -> None:
    streams = accepted()
    streams.receive(frame(FrameType.DATA, 1, bytes(limits.FRAME_PAYLOAD_MAX_BYTES)))
    streams.receive(frame(FrameType.DATA, 1, bytes(limits.FRAME_PAYLOAD_MAX_BYTES)))
    streams.receive(frame(FrameType.CLOSE, 1))
    assert streams.consumed(1, 2 * limits.FRAME_PAYLOAD_MAX_BYTES) == []
    streams.close(1)
    assert streams.consumed(1, 1) == []


def test_no_credit_is_given_after_our_reset() -> None:
    streams = accepted()
    for _ in range(2):
        streams.receive(frame(FrameType.DATA, 1, bytes(limits.FRAME_PAYLOAD_MAX_BYTES)))
    streams.reset(1)
    assert streams.consumed(1, 2 * limits.FRAME_PAYLOAD_MAX_BYTES) == []


def test_nothing_is_sendable_when_our_direction_has_ended() -> None:
    for state in (StreamState.WE_CLOSED, StreamState.WE_RESET, StreamState.OVER):
        assert in_state(state).sendable_bytes(1) == 0
    assert in_state(StreamState.PEER_CLOSED).sendable_bytes(1) == WINDOW


def test_sending_nothing_makes_no_frame() -> None:
    assert opened().send(1, b"") == []


# --- Malformed frames


@pytest.mark.parametrize(
    ("bad", "message"),
    [
        (frame(FrameType.DATA), "DATA frame is empty"),
        (frame(FrameType.CREDIT), "CREDIT frame is malformed"),
        (frame(FrameType.CREDIT, 1, bytes(4)), "CREDIT frame is malformed"),
        (frame(FrameType.CREDIT, 1, bytes([0, 0, 1])), "CREDIT frame is malformed"),
        (frame(FrameType.CREDIT, 1, bytes([0, 0, 0, 0, 1])), "CREDIT frame is malformed"),
        (frame(FrameType.RESET), "RESET frame is malformed"),
        (frame(FrameType.RESET, 1, b"\x04"), "RESET frame is malformed"),
        (frame(FrameType.RESET, 1, b"\x01\x01"), "RESET frame is malformed"),
    ],
)
@pytest.mark.parametrize("state", [StreamState.OPEN, StreamState.OVER])
def test_malformed_frame_breaks_the_protocol_even_when_late(bad: Frame, message: str, state: StreamState) -> None:
    with pytest.raises(RemoteProtocolError, match=message):
        in_state(state).receive(bad)


# --- Session frames


def test_session_frames_pass_through() -> None:
    sent = session_frame(FrameType.GRANT, b"{}")
    assert sent == Frame(FrameType.GRANT, 0, b"{}")
    assert Streams(initiator=True).receive(sent) == ([SessionFrame(FrameType.GRANT, b"{}")], [])


def test_reasons_of_a_reset_never_change_their_number() -> None:
    assert {reason.name: int(reason) for reason in ResetReason} == {
        "ANSWER": 0,
        "CANCELLED": 1,
        "REFUSED": 2,
        "FAILED": 3,
    }


def test_stream_frame_is_not_a_session_frame() -> None:
    with pytest.raises(LocalProtocolError, match="belongs to a stream"):
        session_frame(FrameType.DATA, b"")


@given(
    st.lists(
        st.builds(
            Frame,
            st.sampled_from([FrameType.OPEN, FrameType.DATA, FrameType.CREDIT, FrameType.CLOSE, FrameType.RESET]),
            st.integers(1, 6),
            st.one_of(
                st.binary(max_size=5), st.just(bytes(4) + b"\x01"), st.just(bytes(3) + b"\x01"), st.just(b"\x01")
            ),
        ),
        max_size=30,
    )
)
@settings(deadline=None, derandomize=True, max_examples=300)
def test_any_frames_either_fit_the_table_or_break_the_protocol_by_type(frames: list[Frame]) -> None:
    streams = Streams(initiator=False)
    streams.open(b"")
    for received in frames:
        live = streams.live
        try:
            streams.receive(received)
        except RemoteProtocolError:
            assert streams.live == live  # nothing half done
            return
        assert len(streams.live) <= limits.STREAMS_OPEN_MAX
