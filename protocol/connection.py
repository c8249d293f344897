"""One end of a session after its handshake: records and streams joined, as agent and technician use them.

    connection = Connection.from_handshake(handshake, now_s=clock())
    stream = connection.open(b'{"action":"processes"}')
    for record in connection.data_to_send(clock()):
        await socket.send(record)
    for event in connection.receive(await socket.recv(), clock()):
        match event: ...

No sockets, no clock, no threads: bytes go in as they came, events come out; acts are queued as frames and sealed
when `data_to_send` is called, so that frames queued together share a record. A caller that cannot get records
out (`unsent_bytes` grows) stops reading: every answer it would have to make then waits at the other end.

A violation by the other side raises `RemoteProtocolError` once; the connection is dead from then on and what was
queued is thrown away. A mistake of our own raises `LocalProtocolError`, sends nothing and changes nothing.
"""

from typing import Self

from protocol.channel import Channel, ConnectionLost, Frame, FrameType, PeerFinished
from protocol.cipher_state import CipherState
from protocol.errors import LocalProtocolError, RemoteProtocolError
from protocol.noise import HandshakeState
from protocol.streams import (
    ResetReason,
    SessionFrame,
    StreamClosed,
    StreamData,
    StreamEvent,
    StreamOpened,
    StreamReset,
    Streams,
    StreamState,
    session_frame,
)

__all__ = [
    "Connection",
    "ConnectionLost",
    "Event",
    "FrameType",
    "PeerFinished",
    "ResetReason",
    "SessionFrame",
    "StreamClosed",
    "StreamData",
    "StreamOpened",
    "StreamReset",
]

Event = StreamEvent | PeerFinished


class Connection:
    """Both directions, all streams. `now_s` is a clock that never goes back, in seconds."""

    def __init__(self, send: CipherState, receive: CipherState, *, initiator: bool, now_s: float) -> None:
        self._channel = Channel(send, receive, now_s=now_s)
        self._streams = Streams(initiator=initiator)
        self._queue: list[Frame] = []
        self._finishing = False
        self._heard_at_s = now_s

    @classmethod
    def from_handshake(cls, handshake: HandshakeState, *, now_s: float) -> Self:
        """Takes the keys out of a finished handshake; who initiated it opens the odd streams."""
        send, receive = handshake.split()
        return cls(send, receive, initiator=handshake.initiator, now_s=now_s)

    @property
    def dead(self) -> bool:
        """An error or the loss of the transport has ended this connection."""
        return self._channel.dead

    @property
    def peer_finished(self) -> bool:
        return self._channel.peer_finished

    @property
    def live_streams(self) -> frozenset[int]:
        return self._streams.live

    @property
    def unsent_bytes(self) -> int:
        """Payload bytes waiting for `data_to_send`."""
        return sum(len(frame.payload) for frame in self._queue)

    def silent_s(self, now_s: float) -> float:
        """How long nothing authentic has come; `limits.HALF_OPEN_S` is when to give up."""
        return now_s - self._heard_at_s

    # --- The other side

    def receive(self, data: bytes, now_s: float) -> list[Event]:
        """The events of one record, in order. All of it is believed, or none."""
        events: list[Event] = []
        answers: list[Frame] = []
        try:
            for said in self._channel.receive_record(data):
                if isinstance(said, PeerFinished):
                    events.append(said)
                    continue
                stream_events, stream_answers = self._streams.receive(said)
                events += stream_events
                answers += stream_answers
        except RemoteProtocolError:
            self._channel.kill()
            self._queue.clear()
            raise
        self._heard_at_s = now_s
        if not self._finishing:  # after our FIN there is nothing left that could be answered
            self._queue += answers
        return events

    def connection_lost(self) -> ConnectionLost:
        """The transport is gone: was the other side finished, or cut off? The connection is dead afterwards."""
        self._queue.clear()
        return self._channel.connection_lost()

    # --- Our acts, queued until `data_to_send`

    def open(self, payload: bytes) -> int:
        """A new stream; `payload` says what is wanted."""
        self._require_open()
        stream, frame = self._streams.open(payload)
        self._queue.append(frame)
        return stream

    def sendable_bytes(self, stream: int) -> int:
        """How much `send` takes now. Grows when the other side has consumed what it got."""
        return self._streams.sendable_bytes(stream)

    def stream_state(self, stream: int) -> StreamState:
        return self._streams.state(stream)

    def send(self, stream: int, data: bytes) -> None:
        """At most `sendable_bytes(stream)`; more is a `LocalProtocolError`."""
        self._require_open()
        self._queue += self._streams.send(stream, data)

    def consumed(self, stream: int, count: int) -> None:
        """The application has taken `count` bytes of a stream's data: the other side may send as much again."""
        frames = self._streams.consumed(stream, count)
        if not self._finishing:
            self._queue += frames

    def close_stream(self, stream: int, payload: bytes = b"") -> None:
        """Our direction of the stream ends; `payload` is the last word on it."""
        self._require_open()
        self._queue.append(self._streams.close(stream, payload))

    def reset(self, stream: int, reason: ResetReason = ResetReason.CANCELLED) -> None:
        """Break the stream off both ways. What is queued for it and not yet sealed is not sent, except its OPEN.

        A queued CLOSE goes with the DATA: without it a broken stream would look like one that ended as meant.
        """
        self._require_open()
        frame = self._streams.reset(stream, reason)
        self._queue = [waiting for waiting in self._queue if waiting.stream != stream or waiting.type is FrameType.OPEN]
        self._queue.append(frame)

    def send_session(self, frame_type: FrameType, payload: bytes) -> None:
        """A frame of the session itself: HELLO, GRANT, … with a JSON payload."""
        self._require_open()
        self._queue.append(session_frame(frame_type, payload))

    def finish(self) -> None:
        """FIN goes out behind all that is queued; nothing can be sent afterwards. A second call does nothing."""
        if self._finishing:
            return
        self._require_open()
        self._finishing = True

    def data_to_send(self, now_s: float) -> list[bytes]:
        """Sealed records, to be sent in this order, each as one binary message. Empty once dead."""
        if self._channel.dead or self._channel.finished:
            return []
        frames, self._queue = self._queue, []
        records = self._channel.send_frames(frames, now_s)
        if self._finishing:
            records.append(self._channel.close())
        return records

    def _require_open(self) -> None:
        if self._finishing or self._channel.dead:
            raise LocalProtocolError("nothing can be sent any more", expected="a live connection before finish()")
