"""One side's connection, once the upgrade is done: bytes from the socket to the other side's socket, in one callback.

    read callback ─► FrameReader ─► one write to the other side      and the same the other way

Each read takes no more than the other side's queue has room for, so that a queue never holds more than
RELAY_QUEUE_BYTES; when there is no room for one more message, this socket is not read from until there is. The queue
is the write buffer of the other side's transport: what the operating system has not taken yet.

What is decided here: what a socket says back by itself (pongs, the closing handshake) and when its queue moves. Who
may join, who meets whom and why a room ends is the meeting's.
"""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from typing import Final, Protocol

from protocol.limits import KIB, RELAY_QUEUE_BYTES
from server.relay.frames import (
    FRAME_MAX_BYTES,
    Fault,
    FrameReader,
    Kind,
    Read,
    Word,
    close_frame,
    ping_frame,
    pong_frame,
    text_frame,
)

#: Above this a queue has no room for one more read, which may bring a whole frame and finish a message in fragments.
PAUSE_ABOVE_BYTES: Final = RELAY_QUEUE_BYTES - 2 * FRAME_MAX_BYTES
#: Of one read, with what was left of the one before: twice as much was not faster, and costs memory on the way.
_READ_MAX_BYTES: Final = 2 * FRAME_MAX_BYTES
_TLS_KEEPS_BYTES: Final = 32 * KIB
#: After the last word, a peer that takes nothing has this long.
DRAIN_S: Final = 2.0

#: Every read goes through this one buffer: a read and what follows from it are one step of the loop, and what is left
#: of it (the beginning of a frame) is kept by its endpoint. So a quiet connection holds no buffer at all.
_SHARED: Final = bytearray(_READ_MAX_BYTES)


class Room(Protocol):
    """What an endpoint tells of itself. Each may end the room, and with it this endpoint."""

    def said(self, endpoint: "Endpoint", word: Word) -> None: ...
    def early(self, endpoint: "Endpoint") -> None: ...
    def broke(self, endpoint: "Endpoint", fault: Fault) -> None: ...
    def left(self, endpoint: "Endpoint") -> None: ...


class Endpoint(asyncio.BufferedProtocol):
    """`room` changes once, when the side is let in. `heard_s`: when bytes came last. `passed_bytes`: of messages handed
    to this side's socket."""

    def __init__(self, transport: asyncio.Transport, room: Room, mono: Callable[[], float]) -> None:
        self._transport = transport
        self.room = room
        self._mono = mono
        self._reader = FrameReader()
        self._rest = b""
        self._other: Endpoint | None = None
        self._offered = memoryview(_SHARED)
        self._closing = False  # the last word is said: nothing more is forwarded from here
        self._close_heard = False
        self._full = False  # this side's queue, seen by the other
        self.lost = asyncio.Event()
        self.heard_s = mono()
        self.passed_bytes = 0
        transport.set_write_buffer_limits(high=PAUSE_ABOVE_BYTES, low=PAUSE_ABOVE_BYTES // 2)
        if hasattr(transport, "set_read_buffer_limits"):
            # TLS keeps what it has received while nobody reads: 512 KiB, unless it is told otherwise.
            transport.set_read_buffer_limits(high=_TLS_KEEPS_BYTES)

    # --- the meeting's side ----------------------------------------------------------------------------------

    @property
    def queued_bytes(self) -> int:
        return 0 if self.lost.is_set() else self._transport.get_write_buffer_size()

    @property
    def full(self) -> bool:
        """Whoever sends to this side is not read from."""
        return self._full

    @property
    def held_back(self) -> bool:
        """This side is not read from, because the other one's queue is full."""
        return self._other is not None and self._other._full

    def forward_to(self, other: "Endpoint") -> None:
        self._other = other

    def say(self, text: bytes) -> None:
        if not self._closing:
            self._transport.write(text_frame(text))

    def ping(self) -> None:
        """Not into a full queue: there the one who waits for it to move decides."""
        if not self._closing and not self._full:
            self._transport.write(ping_frame(b""))

    def say_close(self, code: int, reason: str) -> None:
        """The last word, after everything that is queued."""
        if self._closing or self.lost.is_set():
            return
        self._closing = True
        self._transport.write(close_frame(code, reason))
        if self._close_heard:
            self._transport.close()  # writes what is queued first
        else:
            self._resume()  # to hear the answer; what else comes is not forwarded

    async def gone(self, patience_s: float = DRAIN_S) -> None:
        """Until the socket is closed. A peer that takes nothing of its queue for `patience_s` is cut off, and so is one
        that does not answer the last word."""
        try:
            while not self.lost.is_set():
                queued = self.queued_bytes
                with suppress(TimeoutError):
                    async with asyncio.timeout(patience_s if queued else min(patience_s, DRAIN_S)):
                        await self.lost.wait()
                if self.queued_bytes >= queued:
                    break
        finally:
            self.cut()

    def cut(self) -> None:
        if not self.lost.is_set():
            self._transport.abort()

    # --- the transport's side --------------------------------------------------------------------------------

    def get_buffer(self, sizehint: int) -> memoryview:
        kept = len(self._rest)
        room = _READ_MAX_BYTES
        if self._other is not None:
            # Under one frame only for a read that was under way when reading stopped; `kept` is less than one frame.
            free = RELAY_QUEUE_BYTES - self._other.queued_bytes - self._reader.held_bytes
            room = min(room, max(FRAME_MAX_BYTES, free))
        if kept:
            _SHARED[:kept] = self._rest
        return self._offered[kept:room]

    def buffer_updated(self, nbytes: int) -> None:
        end = len(self._rest) + nbytes
        self.heard_s = self._mono()
        read = self._reader.read(_SHARED, end)
        self._rest = bytes(_SHARED[read.used : end]) if read.used < end else b""
        if read.onward and self._other is not None:
            self._forward(self._other, read)
        for word in read.words:
            self._heard(word)
        if read.onward and self._other is None and not self._closing:
            self.room.early(self)
        if read.fault is not None:
            self.room.broke(self, read.fault)

    def _forward(self, other: "Endpoint", read: Read) -> None:
        if not self._closing and not other._closing:
            other.passed_bytes += read.payload_bytes
            other._transport.write(b"".join(read.onward))

    def _heard(self, word: Word) -> None:
        match word.kind:
            case Kind.PING:
                # Only while this side reads: pongs nobody takes must not gather.
                if not self._closing and not self._full:
                    self._transport.write(pong_frame(word.data))
            case Kind.PONG:
                pass
            case Kind.TEXT | Kind.EMPTY:
                self.room.said(self, word)
            case Kind.CLOSE:
                self._close_heard = True
                if self._closing:
                    self._transport.close()
                else:
                    self.say_close(word.code, "")
                    self.room.left(self)

    def pause_writing(self) -> None:
        self._full = True
        if self._other is not None:
            self._other._pause()

    def resume_writing(self) -> None:
        self._full = False
        if self._other is not None:
            self._other._resume()

    def _pause(self) -> None:
        if not self._closing and not self.lost.is_set():
            self._transport.pause_reading()

    def _resume(self) -> None:
        self.heard_s = self._mono()  # what it said meanwhile is only read now
        if not self.lost.is_set() and not self._transport.is_closing():
            self._transport.resume_reading()

    def eof_received(self) -> None:
        self.room.left(self)  # the transport closes itself once its queue is written

    def connection_lost(self, error: Exception | None) -> None:
        self._full = False
        self.lost.set()
        if self._other is not None:
            self._other._resume()
        self.room.left(self)
