"""Many streams in one channel: who opened what, how much may still be sent, and when a stream is over.

    opener                                   other side
      OPEN  (payload: what is wanted) ────────▶
      ◀──────────────────────────────── DATA … CREDIT …        either side, each under the other's credit
      CLOSE (payload) ───────────────────────▶                 ends the sender's direction only
      ◀─────────────────────────────── CLOSE (payload)         both have ended: the stream is over
    or, at any time:
      RESET (reason u8) ─────────────────────▶                 "I send no more and read no more"
      ◀───────────────────────── CLOSE or RESET                answered at once, without asking the application

Decides: whether a frame fits the state of its stream, and that nobody sends more than the other side has room for.
Leaves to others: sealing (`channel`), what payloads mean, whether a stream may be opened at all (`session_state`).

The initiator of the session opens 1, 3, 5 …, the other end 2, 4, 6 …: in order, none left out, never one again. So
"over" needs no memory: an id that was opened and is not live. CREDIT and RESET for such a stream crossed our end of
it on the way and are dropped; anything else for it, or for an id not yet opened, breaks the protocol.
"""

from dataclasses import dataclass
from enum import IntEnum, StrEnum
from typing import Final

from protocol import limits
from protocol.channel import FRAME_PAYLOAD_MAX_BYTES, SESSION_FRAMES, SESSION_STREAM, Frame, FrameType
from protocol.errors import LocalProtocolError, RemoteProtocolError


class ResetReason(IntEnum):
    """The one byte of a RESET: for programs; words for people travel in CLOSE."""

    ANSWER = 0  # the automatic answer to a RESET
    CANCELLED = 1  # nobody wants the rest
    REFUSED = 2  # the opening was refused
    FAILED = 3  # the side that sends it cannot go on


class StreamState(StrEnum):
    OPEN = "open"
    WE_CLOSED = "we closed"  # our direction has ended, theirs has not
    PEER_CLOSED = "peer closed"  # the other way round
    WE_RESET = "we reset"  # our direction has ended and we no longer read; waiting for the other side's end
    OVER = "over"  # both have ended; never stored


class StreamAct(StrEnum):
    """What happens to a stream: by us (`send`) or by the other side (`got`)."""

    SEND_DATA = "send DATA"
    SEND_CLOSE = "send CLOSE"
    SEND_RESET = "send RESET"
    GOT_DATA = "got DATA"
    GOT_CREDIT = "got CREDIT"
    GOT_CLOSE = "got CLOSE"
    GOT_RESET = "got RESET"


_S, _A = StreamState, StreamAct

# What is absent is an error: ours for `send`, theirs for `got`. GOT_RESET ends the stream in every state, because
# where our direction has not ended yet we answer with a RESET of our own in the same moment.
STREAM_TABLE: Final[dict[StreamState, dict[StreamAct, StreamState]]] = {
    _S.OPEN: {
        _A.SEND_DATA: _S.OPEN,
        _A.SEND_CLOSE: _S.WE_CLOSED,
        _A.SEND_RESET: _S.WE_RESET,
        _A.GOT_DATA: _S.OPEN,
        _A.GOT_CREDIT: _S.OPEN,
        _A.GOT_CLOSE: _S.PEER_CLOSED,
        _A.GOT_RESET: _S.OVER,
    },
    _S.WE_CLOSED: {
        _A.SEND_RESET: _S.WE_RESET,
        _A.GOT_DATA: _S.WE_CLOSED,
        _A.GOT_CREDIT: _S.WE_CLOSED,
        _A.GOT_CLOSE: _S.OVER,
        _A.GOT_RESET: _S.OVER,
    },
    _S.PEER_CLOSED: {
        _A.SEND_DATA: _S.PEER_CLOSED,
        _A.SEND_CLOSE: _S.OVER,
        _A.SEND_RESET: _S.OVER,
        _A.GOT_CREDIT: _S.PEER_CLOSED,
        _A.GOT_RESET: _S.OVER,
    },
    _S.WE_RESET: {
        _A.GOT_DATA: _S.WE_RESET,
        _A.GOT_CREDIT: _S.WE_RESET,
        _A.GOT_CLOSE: _S.OVER,
        _A.GOT_RESET: _S.OVER,
    },
    _S.OVER: {},
}


@dataclass(frozen=True, slots=True)
class StreamOpened:
    stream: int
    payload: bytes


@dataclass(frozen=True, slots=True)
class StreamData:
    stream: int
    data: bytes  # call `consumed` when the application has taken it


@dataclass(frozen=True, slots=True)
class StreamClosed:
    """The other side's direction has ended as it meant to."""

    stream: int
    payload: bytes


@dataclass(frozen=True, slots=True)
class StreamReset:
    """The stream is over: the other side broke it off. Nothing more can be sent on it."""

    stream: int
    reason: ResetReason


@dataclass(frozen=True, slots=True)
class SessionFrame:
    """A frame of the session itself; its payload is JSON for the layer above."""

    type: FrameType
    payload: bytes


StreamEvent = StreamOpened | StreamData | StreamClosed | StreamReset | SessionFrame

_ACT_OF_FRAME: Final = {
    FrameType.DATA: _A.GOT_DATA,
    FrameType.CREDIT: _A.GOT_CREDIT,
    FrameType.CLOSE: _A.GOT_CLOSE,
    FrameType.RESET: _A.GOT_RESET,
}
# These may cross the end of a stream on their way.
_LATE_FRAMES: Final = frozenset({FrameType.CREDIT, FrameType.RESET})
CREDIT_BODY_BYTES: Final = 4
_RESET_REASONS: Final = {bytes([reason]): reason for reason in ResetReason}


@dataclass(slots=True)
class _Stream:
    state: StreamState = StreamState.OPEN
    send_credit: int = limits.STREAM_WINDOW_BYTES  # what we may still send
    receive_credit: int = limits.STREAM_WINDOW_BYTES  # what the other side may still send
    unconsumed: int = 0  # came, not yet taken by the application
    owed: int = 0  # taken by the application, not yet given back as credit


class Streams:
    """The streams of one session, seen from one end. Frames in → events; acts → frames to send."""

    def __init__(self, *, initiator: bool) -> None:
        self._live: dict[int, _Stream] = {}
        self._next_own = 1 if initiator else 2
        self._next_peers = 2 if initiator else 1

    @property
    def live(self) -> frozenset[int]:
        """Ids of the streams that are not over."""
        return frozenset(self._live)

    def state(self, stream: int) -> StreamState:
        """`OVER` for a stream that is; a `LocalProtocolError` for one that never was."""
        found = self._live.get(stream)
        if found is not None:
            return found.state
        if not self._was_opened(stream):
            raise LocalProtocolError("no such stream", got=str(stream))
        return StreamState.OVER

    # --- Our acts

    def open(self, payload: bytes) -> tuple[int, Frame]:
        """Open the next stream. `LocalProtocolError` when this end has too many open, or none left."""
        stream = self._next_own
        if self._count_like(stream) >= limits.STREAMS_OPEN_MAX_EACH:
            raise LocalProtocolError(
                "too many streams are open",
                expected=f"at most {limits.STREAMS_OPEN_MAX_EACH} opened by one end",
                hint="close one first",
            )
        if stream > limits.STREAM_ID_MAX:
            raise LocalProtocolError("all stream ids are used up", hint="open a new session")
        frame = Frame(FrameType.OPEN, stream, _fitting(payload))
        self._live[stream] = _Stream()
        self._next_own += 2
        return stream, frame

    def sendable_bytes(self, stream: int) -> int:
        """How much `send` takes now; the caller keeps the rest. 0 when our direction has ended."""
        if StreamAct.SEND_DATA not in STREAM_TABLE[self.state(stream)]:
            return 0
        return self._live[stream].send_credit

    def send(self, stream: int, data: bytes) -> list[Frame]:
        """DATA frames for all of `data`, which must not exceed `sendable_bytes`."""
        found = self._act(stream, StreamAct.SEND_DATA)
        if len(data) > found.send_credit:
            raise LocalProtocolError(
                "more was sent than the other side has room for",
                expected=f"at most {found.send_credit} bytes",
                got=f"{len(data)} bytes",
                hint="ask sendable_bytes first and keep the rest",
            )
        found.send_credit -= len(data)
        step = FRAME_PAYLOAD_MAX_BYTES
        return [Frame(FrameType.DATA, stream, data[place : place + step]) for place in range(0, len(data), step)]

    def consumed(self, stream: int, count: int) -> list[Frame]:
        """The application has taken `count` bytes; gives credit back once it is worth a frame."""
        if count < 0:
            raise LocalProtocolError("a negative number of bytes was consumed", got=str(count))
        if self.state(stream) is StreamState.OVER:
            return []
        found = self._live[stream]
        if count > found.unconsumed:
            raise LocalProtocolError(
                "more was consumed than had come",
                expected=f"at most {found.unconsumed} bytes",
                got=f"{count} bytes",
            )
        found.unconsumed -= count
        if StreamAct.GOT_DATA not in STREAM_TABLE[found.state] or found.state is StreamState.WE_RESET:
            return []  # no more will come, or none of it will be read
        found.owed += count
        if found.owed < limits.CREDIT_STEP_BYTES:
            return []
        credit, found.owed = found.owed, 0
        found.receive_credit += credit
        return [Frame(FrameType.CREDIT, stream, credit.to_bytes(CREDIT_BODY_BYTES, "big"))]

    def close(self, stream: int, payload: bytes = b"") -> Frame:
        """End our direction; the other side may go on with its own."""
        frame = Frame(FrameType.CLOSE, stream, _fitting(payload))
        self._move(stream, self._act(stream, StreamAct.SEND_CLOSE), StreamAct.SEND_CLOSE)
        return frame

    def reset(self, stream: int, reason: ResetReason = ResetReason.CANCELLED) -> Frame:
        """Break the stream off, both ways. What still comes on it is dropped unseen."""
        self._move(stream, self._act(stream, StreamAct.SEND_RESET), StreamAct.SEND_RESET)
        return Frame(FrameType.RESET, stream, bytes([reason]))

    # --- The other side's frames

    def receive(self, frame: Frame) -> tuple[list[StreamEvent], list[Frame]]:
        """What a frame means for the application, and what must be answered without it.

        A `RemoteProtocolError` is for the whole session: the caller closes the channel.
        """
        if frame.stream == SESSION_STREAM:
            return [SessionFrame(frame.type, frame.payload)], []
        if frame.type is FrameType.OPEN:
            return [self._opened(frame)], []
        _check_shape(frame)
        found = self._live.get(frame.stream)
        if found is None:
            if frame.type in _LATE_FRAMES and self._was_opened(frame.stream):
                return [], []
            raise RemoteProtocolError(
                f"{frame.type.name} came for a stream that is not open", got=f"stream {frame.stream}"
            )
        act = _ACT_OF_FRAME[frame.type]
        before = found.state
        if act not in STREAM_TABLE[before]:
            raise RemoteProtocolError(
                f"{frame.type.name} came on stream {frame.stream} after its end", got=before.value
            )
        match frame.type:
            case FrameType.DATA:
                return self._data(frame, found), []
            case FrameType.CREDIT:
                self._credit(frame, found)
                return [], []
            case FrameType.CLOSE:
                self._move(frame.stream, found, act)
                unread = before is StreamState.WE_RESET
                return [] if unread else [StreamClosed(frame.stream, frame.payload)], []
            case _:
                return self._reset(frame, found)

    def _opened(self, frame: Frame) -> StreamOpened:
        if frame.stream != self._next_peers:
            raise RemoteProtocolError(
                "a stream was opened out of order", expected=str(self._next_peers), got=str(frame.stream)
            )
        if self._count_like(frame.stream) >= limits.STREAMS_OPEN_MAX_EACH:
            raise RemoteProtocolError(
                "the other side has too many streams open", expected=f"{limits.STREAMS_OPEN_MAX_EACH}"
            )
        self._live[frame.stream] = _Stream()
        self._next_peers += 2
        return StreamOpened(frame.stream, frame.payload)

    def _data(self, frame: Frame, found: _Stream) -> list[StreamEvent]:
        count = len(frame.payload)
        if count > found.receive_credit:
            raise RemoteProtocolError(
                f"stream {frame.stream} overflowed its window",
                expected=f"at most {found.receive_credit} bytes",
                got=f"{count} bytes",
            )
        found.receive_credit -= count
        if found.state is StreamState.WE_RESET:
            return []
        found.unconsumed += count
        return [StreamData(frame.stream, frame.payload)]

    def _credit(self, frame: Frame, found: _Stream) -> None:
        credit = int.from_bytes(frame.payload, "big")
        if found.send_credit + credit > limits.STREAM_WINDOW_BYTES:
            raise RemoteProtocolError(
                f"stream {frame.stream} was given credit for bytes never sent",
                expected=f"at most {limits.STREAM_WINDOW_BYTES - found.send_credit}",
                got=str(credit),
            )
        found.send_credit += credit

    def _reset(self, frame: Frame, found: _Stream) -> tuple[list[StreamEvent], list[Frame]]:
        before = found.state
        self._move(frame.stream, found, StreamAct.GOT_RESET)
        events: list[StreamEvent] = []
        answers: list[Frame] = []
        if before is not StreamState.WE_RESET:
            events.append(StreamReset(frame.stream, _RESET_REASONS[frame.payload]))
        if StreamAct.SEND_CLOSE in STREAM_TABLE[before]:  # our direction had not ended: end it now
            answers.append(Frame(FrameType.RESET, frame.stream, bytes([ResetReason.ANSWER])))
        return events, answers

    # --- Bookkeeping

    def _act(self, stream: int, act: StreamAct) -> _Stream:
        state = self.state(stream)
        if act not in STREAM_TABLE[state]:
            raise LocalProtocolError(f"cannot {act.value} on stream {stream}", got=f"state {state.value}")
        return self._live[stream]

    def _move(self, stream: int, found: _Stream, act: StreamAct) -> None:
        found.state = STREAM_TABLE[found.state][act]
        if found.state is StreamState.OVER:
            del self._live[stream]

    def _was_opened(self, stream: int) -> bool:
        own = stream % 2 == self._next_own % 2
        return 0 < stream < (self._next_own if own else self._next_peers)

    def _count_like(self, stream: int) -> int:
        return sum(1 for live in self._live if live % 2 == stream % 2)


def session_frame(frame_type: FrameType, payload: bytes) -> Frame:
    """A frame of the session itself, to be sent."""
    if frame_type not in SESSION_FRAMES:
        raise LocalProtocolError(f"{frame_type.name} belongs to a stream, not to the session")
    return Frame(frame_type, SESSION_STREAM, _fitting(payload))


def _check_shape(frame: Frame) -> None:
    """What a frame must look like whatever the state of its stream."""
    match frame.type:
        case FrameType.DATA if not frame.payload:
            raise RemoteProtocolError("a DATA frame is empty", expected="one byte or more")
        case FrameType.CREDIT if len(frame.payload) != CREDIT_BODY_BYTES or not any(frame.payload):
            raise RemoteProtocolError(
                "a CREDIT frame is malformed", expected="a u32 above zero", got=frame.payload[:16].hex()
            )
        case FrameType.RESET if frame.payload not in _RESET_REASONS:
            raise RemoteProtocolError(
                "a RESET frame is malformed", expected="a known reason", got=frame.payload[:16].hex()
            )
        case _:
            pass


def _fitting(payload: bytes) -> bytes:
    if len(payload) > FRAME_PAYLOAD_MAX_BYTES:
        raise LocalProtocolError(
            "a payload does not fit into one frame",
            expected=f"at most {FRAME_PAYLOAD_MAX_BYTES} bytes",
            got=f"{len(payload)} bytes",
        )
    return payload
