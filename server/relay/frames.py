"""WebSocket frames of a client (RFC 6455, section 5), read as they come and made into a server's own. Pure.

A client's frame is masked, a server's is not; the rest of the bytes stays as it is:

    82 85 37fa213d 7f9f4d5158        a binary message «Hello», masked by 37fa213d
    82 05 48656c6c6f                 the same as the server sends it on

`FrameReader.read` takes what is in the buffer and gives back everything complete in it: the frames to send on, ready
to be written at once, and the few words that are not to be forwarded (text, ping, pong, close). A message that came in
fragments leaves as one. What breaks the protocol is a `Fault` with the close code for it; what was whole before it is
still given. Not decided here: to whom anything is sent, and whether it may be.
"""

from dataclasses import dataclass, field
from enum import Enum, auto
from typing import Final

from protocol.limits import RELAY_MESSAGE_MAX_BYTES

try:
    from websockets.speedups import apply_mask  # in C: 2 µs for the longest message
except ImportError:  # where there is no wheel: the same in Python, 25 times slower
    from websockets.utils import apply_mask

#: Close codes of RFC 6455, section 7.4.1.
PROTOCOL_BROKEN: Final = 1002
NOT_UTF8: Final = 1007
TOO_BIG: Final = 1009
NO_CODE: Final = 1005

_CONTINUATION, _TEXT, _BINARY, _CLOSE, _PING, _PONG = 0x0, 0x1, 0x2, 0x8, 0x9, 0xA
_FIN: Final = 0x80
_MASKED: Final = 0x80
_CONTROL_MAX_BYTES: Final = 125
#: The longest whole frame: two bytes, a 16-bit length, the mask, a message.
FRAME_MAX_BYTES: Final = 2 + 2 + 4 + RELAY_MESSAGE_MAX_BYTES
#: What a peer may say when it closes; 1004–1006, 1015 and what nobody registered never stand on the wire.
_CODES: Final = frozenset((*range(1000, 1004), *range(1007, 1015), *range(3000, 5000)))
#: The head of a binary frame with a short message.
_HEADS: Final = tuple(bytes((_FIN | _BINARY, length)) for length in range(126))


class Kind(Enum):
    TEXT = auto()
    EMPTY = auto()  # a binary message of no bytes
    PING = auto()
    PONG = auto()
    CLOSE = auto()


@dataclass(frozen=True, slots=True)
class Word:
    """What a peer says that is not for the other side. `code`: of a close."""

    kind: Kind
    data: bytes = b""
    code: int = NO_CODE


@dataclass(frozen=True, slots=True)
class Fault:
    """What the peer did, as `the <side> …` ends."""

    code: int
    what: str


@dataclass(slots=True)
class Read:
    """`used` bytes of the buffer are done with; the rest is the beginning of a frame. `onward`: frames as they are sent
    on, in order, `messages` of them holding `payload_bytes`."""

    used: int = 0
    onward: list[bytes] = field(default_factory=list)
    messages: int = 0
    payload_bytes: int = 0
    words: list[Word] = field(default_factory=list)
    fault: Fault | None = None


class _Broken(Exception):
    def __init__(self, code: int, what: str) -> None:
        super().__init__(what)
        self.fault = Fault(code, what)


class FrameReader:
    """One connection's frames. After a fault or a close nothing more is read from it."""

    def __init__(self) -> None:
        self._opcode = 0  # of the message whose fragments are being gathered; 0: none
        self._parts: list[bytes] = []
        self._parts_bytes = 0
        self._over = False

    @property
    def held_bytes(self) -> int:
        """Fragments of a message that is not whole yet."""
        return self._parts_bytes

    def read(self, buffer: bytearray | bytes, end: int) -> Read:
        """Everything complete in `buffer[:end]`."""
        read = Read()
        if self._over:
            read.used = end
            return read
        view = memoryview(buffer)
        onward = read.onward
        at = 0
        try:
            while end - at >= 6:  # the least a client's frame has
                first, length = buffer[at], buffer[at + 1]
                start = at + 6
                if length < _MASKED:
                    raise _Broken(PROTOCOL_BROKEN, "sent a frame that is not masked")
                length -= _MASKED
                if length >= 126:
                    if length == 127:
                        self._check_long(first)
                    start += 2
                    length = buffer[at + 2] << 8 | buffer[at + 3]
                    if length < 126:
                        raise _Broken(PROTOCOL_BROKEN, "wrote a length in more bytes than it needs")
                    if first & 0x08:
                        raise _Broken(PROTOCOL_BROKEN, "sent a control frame that is too long")
                stop = start + length
                if first == _FIN | _BINARY and length and not self._opcode:
                    if stop > end:
                        break
                    onward.append(_HEADS[length] if length < 126 else b"\x82\x7e" + length.to_bytes(2, "big"))
                    onward.append(apply_mask(view[start:stop], buffer[start - 4 : start]))
                    read.messages += 1
                    read.payload_bytes += length
                else:
                    self._check(first, length)
                    if stop > end:
                        break
                    self._take(first, apply_mask(view[start:stop], buffer[start - 4 : start]), read)
                at = stop
                if self._over:
                    break
        except _Broken as broken:
            read.fault = broken.fault
            self._over = True
        finally:
            view.release()
        read.used = end if self._over else at
        return read

    def _check_long(self, first: int) -> None:
        """A 64-bit length: never right for a control frame, and always more than a message may have."""
        self._check(first, 0)
        if first & 0x08:
            raise _Broken(PROTOCOL_BROKEN, "sent a control frame that is too long")
        raise _Broken(TOO_BIG, f"sent more than {RELAY_MESSAGE_MAX_BYTES} bytes in one message")

    def _check(self, first: int, length: int) -> None:
        """What the head alone shows, before the payload is waited for."""
        opcode = first & 0x0F
        if first & 0x70:
            raise _Broken(PROTOCOL_BROKEN, "set reserved bits of a frame")
        if opcode in (_CLOSE, _PING, _PONG):
            if not first & _FIN:
                raise _Broken(PROTOCOL_BROKEN, "sent a control frame in fragments")
        elif opcode == _CONTINUATION:
            if not self._opcode:
                raise _Broken(PROTOCOL_BROKEN, "continued a message that did not begin")
        elif opcode in (_TEXT, _BINARY):
            if self._opcode:
                raise _Broken(PROTOCOL_BROKEN, "began a message inside another")
        else:
            raise _Broken(PROTOCOL_BROKEN, "sent a frame of a kind that does not exist")
        if not opcode & 0x08 and self._parts_bytes + length > RELAY_MESSAGE_MAX_BYTES:
            raise _Broken(TOO_BIG, f"sent more than {RELAY_MESSAGE_MAX_BYTES} bytes in one message")

    def _take(self, first: int, payload: bytes, read: Read) -> None:
        """A frame that is whole, and of a kind that may come here."""
        match first & 0x0F:
            case 0x9:
                read.words.append(Word(Kind.PING, payload))
            case 0xA:
                read.words.append(Word(Kind.PONG, payload))
            case 0x8:
                read.words.append(_close(payload))
                self._over = True
            case opcode:
                self._opcode = opcode or self._opcode
                if payload:  # any number of empty fragments holds no memory
                    self._parts.append(payload)
                    self._parts_bytes += len(payload)
                if first & _FIN:
                    self._finish(read)

    def _finish(self, read: Read) -> None:
        message, opcode = b"".join(self._parts), self._opcode
        self._parts, self._parts_bytes, self._opcode = [], 0, 0
        if opcode == _TEXT:
            try:
                message.decode()
            except UnicodeDecodeError:
                raise _Broken(NOT_UTF8, "sent a text that is not UTF-8") from None
            read.words.append(Word(Kind.TEXT, message))
        elif not message:
            read.words.append(Word(Kind.EMPTY))
        else:
            read.onward += (_head(len(message)), message)
            read.messages += 1
            read.payload_bytes += len(message)


def _head(length: int) -> bytes:
    return _HEADS[length] if length < 126 else b"\x82\x7e" + length.to_bytes(2, "big")


def _close(payload: bytes) -> Word:
    if not payload:
        return Word(Kind.CLOSE)
    code = int.from_bytes(payload[:2], "big")
    if len(payload) == 1 or code not in _CODES:
        raise _Broken(PROTOCOL_BROKEN, "closed with a code that may not be sent")
    try:
        payload[2:].decode()
    except UnicodeDecodeError:
        raise _Broken(NOT_UTF8, "closed with a reason that is not UTF-8") from None
    return Word(Kind.CLOSE, payload[2:], code)


# --- what a server sends -----------------------------------------------------------------------------------


def text_frame(text: bytes) -> bytes:
    """`text`: at most 125 bytes, as everything is that the relay itself says."""
    return _short(_TEXT, text)


def ping_frame(data: bytes) -> bytes:
    return _short(_PING, data)


def pong_frame(data: bytes) -> bytes:
    return _short(_PONG, data)


def close_frame(code: int, reason: str) -> bytes:
    """NO_CODE makes an empty one. A close frame holds 123 bytes of reason."""
    if code == NO_CODE:
        return _short(_CLOSE, b"")
    cut = reason.encode()[:120].decode("utf-8", "ignore").encode()
    return _short(_CLOSE, code.to_bytes(2, "big") + cut)


def _short(opcode: int, payload: bytes) -> bytes:
    assert len(payload) <= _CONTROL_MAX_BYTES, "only short words are the relay's own"  # noqa: S101
    return bytes((_FIN | opcode, len(payload))) + payload
