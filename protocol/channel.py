"""Sealed records between the two ends of a session: bytes in, events out; frames in, bytes out.

Decides: whether a record is authentic and in its place, whether its frames are well formed, when the key of a
direction changes, and whether the other side finished or was cut off.
Leaves to others: what streams mean (`streams`), who may say what when (`session_state`), and moving the bytes.

One WebSocket binary message is one record, one record is one Noise transport message. The relay between the ends
sees lengths and times and nothing else; a record it changes, drops, repeats or reorders does not open, and the
channel is dead for ever.

Inside a record (all numbers big-endian; `protocol/README.md` has the byte tables, drawn from this file):

    FRAMES  01  then one or more whole frames:  type u8 · stream u32 · length u32 · payload
    REKEY   02  alone; what follows in this direction is under the next key, the record counter goes on
    FIN     03  count u64: how many records went before this one; nothing follows it in this direction

Sample, a FRAMES record with DATA "hi" on stream 1:  01  02 00000001 00000002 6869
"""

import struct
from collections.abc import Iterable
from dataclasses import dataclass
from enum import IntEnum
from typing import Final

from protocol import limits
from protocol.cipher_state import CipherState
from protocol.errors import LocalProtocolError, RemoteProtocolError


class RecordType(IntEnum):
    """The first byte of a record's plaintext."""

    FRAMES = 1
    REKEY = 2
    FIN = 3


class FrameType(IntEnum):
    """The first byte of a frame. 1–5 belong to a stream; 16–22 to the session itself and stand on stream 0."""

    OPEN = 1
    DATA = 2
    CREDIT = 3
    CLOSE = 4
    RESET = 5
    HELLO = 16
    GRANT = 17
    GRANT_CHANGE = 18
    REFUSED = 19
    SESSION_CLOSE = 20
    RECEIPT = 21
    NOTICE = 22


STREAM_FRAMES: Final = frozenset({FrameType.OPEN, FrameType.DATA, FrameType.CREDIT, FrameType.CLOSE, FrameType.RESET})
SESSION_FRAMES: Final = frozenset(FrameType) - STREAM_FRAMES
SESSION_STREAM: Final = 0

FRAME_HEADER: Final = struct.Struct(">BII")  # type, stream, length
FIN_BODY: Final = struct.Struct(">Q")  # records sent before the FIN
_FRAME_TYPES: Final = {int(frame_type): frame_type for frame_type in FrameType}
_FRAMES_BYTE: Final = bytes([RecordType.FRAMES])
FRAME_PAYLOAD_MAX_BYTES: Final = limits.FRAME_PAYLOAD_MAX_BYTES


@dataclass(frozen=True, slots=True)
class Frame:
    """One frame, either way. The payload is opaque here."""

    type: FrameType
    stream: int
    payload: bytes


@dataclass(frozen=True, slots=True)
class PeerFinished:
    """The other side has said all it will say, and every record of it has come."""

    records: int


@dataclass(frozen=True, slots=True)
class ConnectionLost:
    """The transport is gone. `truncated`: the other side had not finished, so something may be missing."""

    truncated: bool
    records: int  # how many came, FIN included


class Channel:
    """Both directions of one session's records, after the handshake.

    `now_s` is a clock that never goes back, in seconds; it decides only when this side changes its key.
    """

    def __init__(self, send: CipherState, receive: CipherState, *, now_s: float) -> None:
        if send.nonce or receive.nonce:
            raise LocalProtocolError("a channel begins with fresh keys", hint="pass what split() returned")
        self._send = send
        self._receive = receive
        self._sent_under_key = 0
        self._received_under_key = 0
        self._keyed_at_s = now_s
        self._finished = False
        self._peer_finished = False
        self._dead = False

    @property
    def finished(self) -> bool:
        """We have sent FIN."""
        return self._finished

    @property
    def peer_finished(self) -> bool:
        """The other side has sent FIN and its count was right."""
        return self._peer_finished

    @property
    def dead(self) -> bool:
        return self._dead

    def kill(self) -> None:
        """Nothing is sent or believed any more. For layers above that found a violation of their own."""
        self._dead = True

    def receive_record(self, data: bytes) -> list[Frame | PeerFinished]:
        """What one record says. Anything wrong is a `RemoteProtocolError`, after which the channel is dead."""
        if self._dead:
            raise LocalProtocolError("the channel is dead", hint="stop reading after an error")
        if self._peer_finished:
            raise self._refusal("a record came after FIN")
        if len(data) > limits.RELAY_MESSAGE_MAX_BYTES:
            raise self._refusal(
                "a record is too long", f"at most {limits.RELAY_MESSAGE_MAX_BYTES} bytes", f"{len(data)} bytes"
            )
        before = self._receive.nonce
        try:
            plaintext = self._receive.decrypt(data)
        except RemoteProtocolError:
            self._dead = True
            raise
        if not plaintext:
            raise self._refusal("a record is empty", "a record type")
        kind = plaintext[0]
        if kind == RecordType.FRAMES:
            if self._received_under_key >= limits.REKEY_RECORDS:
                raise self._refusal(
                    "the other side used one key for too long", f"REKEY after {limits.REKEY_RECORDS} records"
                )
            self._received_under_key += 1
            return list(self._frames(plaintext))
        if kind == RecordType.REKEY:
            if len(plaintext) != 1:
                raise self._refusal("a REKEY record carries something", "1 byte", f"{len(plaintext)} bytes")
            self._receive.rekey()
            self._received_under_key = 0
            return []
        if kind == RecordType.FIN:
            return [self._fin(plaintext, before)]
        raise self._refusal("a record has an unknown type", "1, 2 or 3", str(kind))

    def send_frames(self, frames: Iterable[Frame], now_s: float) -> list[bytes]:
        """Records that carry `frames` in order, as few as will hold them; a REKEY goes before where one is due.

        All frames are checked before the first is sealed: a `LocalProtocolError` means that nothing was sent.
        """
        self._require_open()
        records: list[bytes] = []
        for plaintext in _pack(frames):
            if self._sent_under_key >= limits.REKEY_RECORDS or now_s - self._keyed_at_s >= limits.REKEY_S:
                records.append(self._send.encrypt(bytes([RecordType.REKEY])))
                self._send.rekey()
                self._sent_under_key = 0
                self._keyed_at_s = now_s
            records.append(self._send.encrypt(plaintext))
            self._sent_under_key += 1
        return records

    def close(self) -> bytes:
        """The FIN record: nothing more will come from this side."""
        self._require_open()
        self._finished = True
        return self._send.encrypt(bytes([RecordType.FIN]) + FIN_BODY.pack(self._send.nonce))

    def connection_lost(self) -> ConnectionLost:
        """The transport ended. Says whether the other side had finished; afterwards the channel is dead."""
        truncated = not self._peer_finished
        self._dead = True
        return ConnectionLost(truncated, self._receive.nonce)

    def _frames(self, plaintext: bytes) -> Iterable[Frame]:
        end = len(plaintext)
        place = 1
        if place == end:
            raise self._refusal("a FRAMES record is empty", "one or more frames")
        while place < end:
            if end - place < FRAME_HEADER.size:
                raise self._refusal("a frame is cut off in its header", f"{FRAME_HEADER.size} bytes", str(end - place))
            number, stream, length = FRAME_HEADER.unpack_from(plaintext, place)
            place += FRAME_HEADER.size
            if length > end - place:
                raise self._refusal("a frame is cut off in its payload", f"{length} bytes", str(end - place))
            frame_type = _FRAME_TYPES.get(number)
            if frame_type is None:
                raise self._refusal("a frame has an unknown type", "a type of this version", str(number))
            if (stream == SESSION_STREAM) != (frame_type in SESSION_FRAMES):
                raise self._refusal("a frame stands on the wrong stream", got=f"{frame_type.name} on {stream}")
            yield Frame(frame_type, stream, plaintext[place : place + length])
            place += length

    def _fin(self, plaintext: bytes, before: int) -> PeerFinished:
        if len(plaintext) != 1 + FIN_BODY.size:
            raise self._refusal("a FIN record has a wrong length", f"{1 + FIN_BODY.size} bytes", str(len(plaintext)))
        (count,) = FIN_BODY.unpack_from(plaintext, 1)
        if count != before:
            raise self._refusal("FIN names another number of records", f"{before} as received", str(count))
        self._peer_finished = True
        return PeerFinished(before)

    def _require_open(self) -> None:
        if self._dead or self._finished:
            raise LocalProtocolError("nothing can be sent any more", expected="an open channel without FIN")

    def _refusal(self, what: str, expected: str = "", got: str = "") -> RemoteProtocolError:
        self._dead = True
        return RemoteProtocolError(what, expected=expected, got=got, hint="the session is closed")


def _pack(frames: Iterable[Frame]) -> list[bytes]:
    """Plaintexts of FRAMES records: frames side by side, a new record where the next would not fit whole."""
    plaintexts: list[bytes] = []
    parts = [_FRAMES_BYTE]
    size = 1
    for frame in frames:
        if (frame.stream == SESSION_STREAM) != (frame.type in SESSION_FRAMES):
            raise LocalProtocolError(f"{frame.type.name} does not belong on stream {frame.stream}")
        if not 0 <= frame.stream <= limits.STREAM_ID_MAX:
            raise LocalProtocolError("a stream id does not fit into a frame", got=str(frame.stream))
        if len(frame.payload) > FRAME_PAYLOAD_MAX_BYTES:
            raise LocalProtocolError(
                "a frame does not fit into a record",
                expected=f"a payload of at most {FRAME_PAYLOAD_MAX_BYTES} bytes",
                got=f"{len(frame.payload)} bytes",
            )
        whole = FRAME_HEADER.size + len(frame.payload)
        if size + whole > limits.RECORD_PLAINTEXT_MAX_BYTES:
            plaintexts.append(b"".join(parts))
            parts, size = [_FRAMES_BYTE], 1
        parts += (FRAME_HEADER.pack(frame.type, frame.stream, len(frame.payload)), frame.payload)
        size += whole
    if size > 1:
        plaintexts.append(b"".join(parts))
    return plaintexts
