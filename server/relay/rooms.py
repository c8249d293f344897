"""Rooms, pure: who may join, when a room is paired, when it is over. Times are seconds of a monotonic clock.

    WAITING ──joined──► HALF ──joined──► PAIRED ──left──► CLOSED
       └──── expired ────┴── left/expired ────────────────► CLOSED

Each side has one token of its own, good for one join, within JOIN_TOKEN_S. A room with one side in it waits
ROOM_WAIT_S. What is absent from the table is an error.
"""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from protocol.limits import JOIN_TOKEN_S, ROOM_WAIT_S


class Side(StrEnum):
    TECHNICIAN = "technician"
    DEVICE = "device"

    @property
    def other(self) -> "Side":
        return Side.DEVICE if self is Side.TECHNICIAN else Side.TECHNICIAN


class RoomState(StrEnum):
    WAITING = "waiting"
    HALF = "half"
    PAIRED = "paired"
    CLOSED = "closed"


class RoomEvent(StrEnum):
    JOINED = "joined"
    ENDED = "ended"


MOVES: Final[dict[RoomState, dict[RoomEvent, RoomState]]] = {
    RoomState.WAITING: {RoomEvent.JOINED: RoomState.HALF, RoomEvent.ENDED: RoomState.CLOSED},
    RoomState.HALF: {RoomEvent.JOINED: RoomState.PAIRED, RoomEvent.ENDED: RoomState.CLOSED},
    RoomState.PAIRED: {RoomEvent.ENDED: RoomState.CLOSED},
    RoomState.CLOSED: {},
}


class JoinRefused(Exception):
    """No such room, a wrong, used or expired token, or a room that is over: one answer for all, to say little."""


@dataclass
class Room:
    """`tokens`: hash of an unused token → the side it admits. `deadline_s`: when the room closes unless paired."""

    name: str
    device: str
    serial: str
    tokens: dict[bytes, Side]
    made_s: float
    deadline_s: float
    state: RoomState = RoomState.WAITING
    joined: set[Side] = field(default_factory=set)

    def move(self, event: RoomEvent) -> None:
        self.state = MOVES[self.state][event]


class RoomBook:
    """Every room that is not over."""

    def __init__(self) -> None:
        self._rooms: dict[str, Room] = {}

    def __len__(self) -> int:
        return len(self._rooms)

    def get(self, name: str) -> Room | None:
        return self._rooms.get(name)

    def open(self, name: str, *, device: str, serial: str, tokens: dict[bytes, Side], now_s: float) -> Room:
        room = Room(name, device, serial, dict(tokens), now_s, now_s + JOIN_TOKEN_S)
        self._rooms[name] = room
        return room

    def join(self, name: str, token_hash: bytes, now_s: float) -> tuple[Room, Side]:
        """Take the token and let its side in. Raises JoinRefused."""
        room = self._rooms.get(name)
        if room is None or (now_s > room.deadline_s and room.state is not RoomState.PAIRED):
            raise JoinRefused
        side = room.tokens.pop(token_hash, None)
        if side is None or now_s > room.made_s + JOIN_TOKEN_S:
            raise JoinRefused
        room.move(RoomEvent.JOINED)
        room.joined.add(side)
        room.deadline_s = now_s + ROOM_WAIT_S
        return room, side

    def end(self, name: str) -> Room | None:
        """The room is over; None when it was before."""
        room = self._rooms.pop(name, None)
        if room is not None:
            room.move(RoomEvent.ENDED)
        return room

    def overdue(self, now_s: float) -> list[Room]:
        """Rooms that waited too long for a side."""
        return [r for r in self._rooms.values() if r.state is not RoomState.PAIRED and now_s > r.deadline_s]

    def of_technician(self, serial: str) -> list[Room]:
        return [room for room in self._rooms.values() if room.serial == serial]

    def of_device(self, device: str) -> list[Room]:
        return [room for room in self._rooms.values() if room.device == device]
