"""Two endpoints in one room: who is there, whether they still are, and ending both with one reason.

    A's endpoint ─► B's endpoint        and the same the other way

What arrives is handed on whole and in order. A full queue stops the reading; a side that takes nothing out of its full
queue for `stuck_s` (15), or says nothing at all for `silence_s` (45, pinged meanwhile), ends the room for both. When a
side leaves, what it sent before still arrives. A side that breaks the WebSocket protocol is told so with the protocol's
own code; the other one hears which side it was.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

from protocol import strict_json
from protocol.limits import RELAY_MESSAGE_MAX_BYTES
from protocol.messages.sessions import Paired
from server.relay.endpoint import DRAIN_S, Endpoint
from server.relay.frames import Fault, Kind, Word
from server.relay.rooms import Room, Side

#: Close codes of this protocol (4000–4999 are an application's own).
LEFT = 1000
RESTARTING = 1012
BAD_MESSAGE = 4400
NOT_ADMITTED = 4403
STUCK = 4408
DECLINED = 4410
NOBODY_CAME = 4411
REVOKED = 4412
FAULT = 1011

_PAIRED = strict_json.dump(Paired())


@dataclass(frozen=True)
class Ending:
    code: int
    reason: str


class Doorstep:
    """Where a socket waits with its first words: one text. What it does next is told to the room it is let into."""

    def __init__(self) -> None:
        self._text: asyncio.Future[bytes | None] = asyncio.get_running_loop().create_future()
        self._next: Callable[[Meeting], None] = lambda meeting: None

    async def first_text(self, *, max_bytes: int, timeout_s: float) -> bytes | None:
        """None when it is something else, too long, late, or the peer left."""
        try:
            async with asyncio.timeout(timeout_s):
                text = await self._text
        except TimeoutError:
            return None
        return None if text is None or len(text) > max_bytes else text

    def lead_into(self, meeting: "Meeting") -> None:
        self._next(meeting)

    def said(self, endpoint: Endpoint, word: Word) -> None:
        if word.kind is Kind.TEXT and not self._text.done():
            self._text.set_result(word.data)
        else:
            self._then(lambda meeting: meeting.said(endpoint, word))

    def early(self, endpoint: Endpoint) -> None:
        self._then(lambda meeting: meeting.early(endpoint))

    def broke(self, endpoint: Endpoint, fault: Fault) -> None:
        if not self._text.done():
            endpoint.say_close(fault.code, "")
        self._then(lambda meeting: meeting.broke(endpoint, fault))

    def left(self, endpoint: Endpoint) -> None:
        self._then(lambda meeting: meeting.left(endpoint))

    def _then(self, act: "Callable[[Meeting], None]") -> None:
        """The last counts: whatever it was, the room is over by it."""
        self._next = act
        if not self._text.done():
            self._text.set_result(None)


class Queue:
    """Whether a side's full queue moves. Pure; times are seconds of a monotonic clock."""

    def __init__(self) -> None:
        self._least_bytes: int | None = None
        self._moved_s = 0.0

    def stands_s(self, full: bool, queued_bytes: int, now_s: float) -> float:
        """How long nothing was taken out of it; 0 for one that is not full."""
        if not full:
            self._least_bytes = None
            return 0.0
        if self._least_bytes is None or queued_bytes < self._least_bytes:
            self._least_bytes, self._moved_s = queued_bytes, now_s
        return now_s - self._moved_s


class Meeting:
    """What the two endpoints of a room share."""

    def __init__(self, room: Room, *, stuck_s: float, silence_s: float) -> None:
        self._stuck_s = stuck_s
        self._silence_s = silence_s
        self._seats: dict[Side, Endpoint] = {}
        self._queues = {side: Queue() for side in Side}
        self._pinged_s = 0.0
        self._faults: dict[Endpoint, Ending] = {}
        self.room = room
        self.paired = False
        self.over = asyncio.Event()
        self.ending = Ending(LEFT, "")

    def seat(self, side: Side, endpoint: Endpoint) -> None:
        self._seats[side] = endpoint
        endpoint.room = self
        if self.over.is_set():  # declined before this side came: it hears why, too
            endpoint.say_close(self.ending.code, self.ending.reason)

    def pair(self) -> None:
        """Both are told, and from here each one's messages are the other's."""
        if self.over.is_set():
            return
        self.paired = True
        for side in Side:
            self._seats[side].forward_to(self._seats[side.other])
        for endpoint in self._seats.values():
            endpoint.say(_PAIRED)

    def passed_bytes(self, side: Side) -> int:
        return self._seats[side].passed_bytes if side in self._seats else 0

    def end(self, code: int, reason: str) -> None:
        """The first reason counts."""
        if not self.over.is_set():
            self.ending = Ending(code, reason)
            self.over.set()
            for endpoint in self._seats.values():
                told = self._faults.get(endpoint, self.ending)
                endpoint.say_close(told.code, told.reason)

    async def attend(self, endpoint: Endpoint) -> None:
        """Until the room is over and this side's socket closed. What was sent before the other side left has the time
        it needs, as long as it is taken at all."""
        await self.over.wait()
        await endpoint.gone(self._stuck_s if self.ending.code == LEFT else DRAIN_S)

    def check(self, now_s: float) -> None:
        """Ping who is there, and end the room when a side is stuck or silent."""
        for side, endpoint in self._seats.items():
            if self._queues[side].stands_s(endpoint.full, endpoint.queued_bytes, now_s) >= self._stuck_s:
                self.end(STUCK, f"the {side} took nothing for {self._stuck_s:g} s")
            elif not endpoint.held_back and not endpoint.full and now_s - endpoint.heard_s >= self._silence_s:
                self.end(LEFT, f"the {side} was silent for {self._silence_s:g} s")
        if now_s - self._pinged_s >= self._silence_s / 3:
            self._pinged_s = now_s
            for endpoint in self._seats.values():
                endpoint.ping()

    # --- what endpoints tell ---------------------------------------------------------------------------------

    def said(self, endpoint: Endpoint, word: Word) -> None:
        self._misbehaved(endpoint, f"sent something else than 1 to {RELAY_MESSAGE_MAX_BYTES} bytes")

    def early(self, endpoint: Endpoint) -> None:
        self._misbehaved(endpoint, "sent a message before both sides were there")

    def broke(self, endpoint: Endpoint, fault: Fault) -> None:
        self._faults[endpoint] = Ending(fault.code, f"the {self._side_of(endpoint)} {fault.what}")
        self._misbehaved(endpoint, fault.what)

    def left(self, endpoint: Endpoint) -> None:
        self.end(LEFT, f"the {self._side_of(endpoint)} left" + ("" if self.paired else " before the other side came"))

    def _misbehaved(self, endpoint: Endpoint, what: str) -> None:
        self.end(BAD_MESSAGE, f"the {self._side_of(endpoint)} {what}")

    def _side_of(self, endpoint: Endpoint) -> Side:
        return next(side for side, one in self._seats.items() if one is endpoint)
