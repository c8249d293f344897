"""Two endpoints over transports that take what the test lets them take, at a time the test says."""

import asyncio
import random
from typing import Any

import pytest

from protocol.limits import HALF_OPEN_S, RELAY_QUEUE_BYTES, RELAY_STUCK_S
from server.relay.endpoint import PAUSE_ABOVE_BYTES, Endpoint
from server.relay.frames import PROTOCOL_BROKEN, TOO_BIG
from server.relay.meeting import BAD_MESSAGE, LEFT, STUCK, Doorstep, Meeting, Queue
from server.relay.rooms import Room, Side
from tests.server.relay.test_frames import as_a_client_reads, client_frame


class Wire(asyncio.Transport):
    """A transport whose peer takes nothing until told to. `taken`: what it has taken."""

    def __init__(self) -> None:
        super().__init__()
        self.queue = b""
        self.taken = b""
        self.reading = True
        self.closing = False
        self.aborted = False
        self.protocol: Any = None
        self.limits = (0, 0)
        self._full = False
        self.most_bytes = 0

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        self.limits = (high or 0, low or 0)

    def get_write_buffer_size(self) -> int:
        return len(self.queue)

    def write(self, data: bytes | bytearray | memoryview) -> None:
        assert not self.closing
        self.queue += bytes(data)
        self.most_bytes = max(self.most_bytes, len(self.queue))
        if len(self.queue) > self.limits[0] and not self._full:
            self._full = True
            self.protocol.pause_writing()

    def take(self, count: int | None = None) -> None:
        count = len(self.queue) if count is None else count
        self.taken, self.queue = self.taken + self.queue[:count], self.queue[count:]
        if self._full and len(self.queue) <= self.limits[1]:
            self._full = False
            self.protocol.resume_writing()
        if self.closing and not self.queue:
            self.lose()

    def pause_reading(self) -> None:
        self.reading = False

    def resume_reading(self) -> None:
        self.reading = True

    def is_closing(self) -> bool:
        return self.closing

    def close(self) -> None:
        self.closing = True
        if not self.queue:
            self.lose()

    def abort(self) -> None:
        self.closing = self.aborted = True
        self.lose()

    def lose(self) -> None:
        if not self.protocol.lost.is_set():
            self.protocol.connection_lost(None)

    def gives(self, data: bytes) -> int:
        """One read callback: as many bytes as the endpoint asks for. How many that were."""
        buffer = self.protocol.get_buffer(-1)
        piece = data[: len(buffer)]
        buffer[: len(piece)] = piece
        self.protocol.buffer_updated(len(piece))
        return len(piece)

    def gives_all(self, data: bytes) -> None:
        """Read after read, also what a read that was under way brings after reading was stopped."""
        while data:
            data = data[self.gives(data) :]

    @property
    def heard(self) -> list[tuple[int, bytes]]:
        return [(int(frame.opcode), bytes(frame.data)) for frame in as_a_client_reads(self.taken + self.queue)]


class Pair:
    """A paired room, its clock, and both wires."""

    def __init__(self) -> None:
        self.now_s = 1000.0
        room = Room("r", device="d", serial="s", tokens={}, made_s=0, deadline_s=60)
        self.meeting = Meeting(room, stuck_s=RELAY_STUCK_S, silence_s=HALF_OPEN_S)
        self.wires = {side: Wire() for side in Side}
        self.ends = {side: self.sit(side) for side in Side}
        self.meeting.pair()
        for wire in self.wires.values():
            wire.take()
            wire.taken = b""
        self.technician, self.device = self.wires[Side.TECHNICIAN], self.wires[Side.DEVICE]

    def sit(self, side: Side) -> Endpoint:
        wire = self.wires[side]
        wire.protocol = endpoint = Endpoint(wire, Doorstep(), lambda: self.now_s)
        self.meeting.seat(side, endpoint)
        return endpoint

    def passes(self, seconds: float) -> None:
        """Second by second, as the relay looks at its meetings."""
        for _ in range(int(seconds)):
            self.now_s += 1
            self.meeting.check(self.now_s)


@pytest.fixture
async def pair() -> Pair:
    return Pair()


def chatter(chance: random.Random, count: int) -> list[bytes]:
    return [chance.randbytes(chance.choice((1, 60, 4096, 30_000, 65_535))) for _ in range(count)]


@pytest.mark.parametrize("seed", range(6))
async def test_a_queue_never_holds_more_than_its_bound_and_nothing_is_lost(pair: Pair, seed: int) -> None:
    chance = random.Random(seed)
    messages = chatter(chance, 60)
    left = b"".join(
        client_frame(2, message, mask=chance.randbytes(4))
        if len(message) < 1000 or seed % 2
        else client_frame(2, message[:999], fin=False) + client_frame(0, message[999:])
        for message in messages
    )
    while left:
        if pair.technician.reading:
            left = left[pair.technician.gives(left[: chance.choice((1, 1000, 70_000, 300_000))]) :]
        else:
            pair.device.take(chance.choice((1, 5000, 100_000, None)))
    assert RELAY_QUEUE_BYTES >= pair.device.most_bytes > PAUSE_ABOVE_BYTES  # it was full, and never more than that
    assert pair.device.heard == [(2, message) for message in messages]
    assert pair.meeting.passed_bytes(Side.DEVICE) == sum(map(len, messages))


async def test_reading_stops_while_the_other_side_is_full_and_goes_on_when_it_takes(pair: Pair) -> None:
    frame = client_frame(2, b"x" * 65_535)
    pair.technician.gives_all(frame * 3)
    assert (pair.technician.reading, pair.device.reading) == (False, True)
    pair.device.take(1)
    assert not pair.technician.reading
    pair.device.take()
    assert pair.technician.reading


async def test_who_takes_nothing_for_15_seconds_ends_the_room_for_both_with_the_reason(pair: Pair) -> None:
    pair.technician.gives_all(client_frame(2, b"x" * 65_535) * 3)
    pair.passes(RELAY_STUCK_S)
    assert not pair.meeting.over.is_set()
    pair.passes(1)
    assert pair.meeting.ending.code == STUCK
    told = (8, STUCK.to_bytes(2, "big") + b"the device took nothing for 15 s")
    assert pair.technician.heard[-1] == pair.device.heard[-1] == told


async def test_who_takes_a_little_is_slow_and_not_stuck(pair: Pair) -> None:
    pair.technician.gives_all(client_frame(2, b"x" * 65_535) * 3)
    for _ in range(5):
        pair.passes(14)
        pair.device.take(10)
        pair.device.gives(client_frame(10, b""))
        pair.technician.gives(b"")
    assert not pair.meeting.over.is_set()


async def test_a_silent_side_is_pinged_and_then_the_room_is_over(pair: Pair) -> None:
    for _ in range(3):
        pair.passes(15)
        pair.technician.gives(client_frame(10, b""))
    assert pair.device.heard.count((9, b"")) == 3
    assert pair.meeting.ending.reason == "the device was silent for 45 s"


async def test_who_is_held_back_by_the_other_side_is_not_called_silent() -> None:
    pair = Pair()
    pair.meeting._stuck_s = 1000
    pair.technician.gives_all(client_frame(2, b"x" * 65_535) * 3)
    for _ in range(10):
        pair.passes(10)
        pair.device.gives(client_frame(10, b""))
    assert not pair.meeting.over.is_set()
    pair.device.take()
    pair.passes(10)  # and is given its time once it is read from again
    assert not pair.meeting.over.is_set()


async def test_pings_are_answered_but_pongs_nobody_takes_do_not_gather(pair: Pair) -> None:
    pair.technician.gives(client_frame(9, b"there?"))
    assert pair.technician.heard == [(10, b"there?")]
    for _ in range(40):
        pair.technician.gives(client_frame(9, b"x" * 125) * 100)
    assert len(pair.technician.queue) <= RELAY_QUEUE_BYTES


@pytest.mark.parametrize(
    ("bad", "code", "what"),
    [
        (b"\x82\x01x" + bytes(4), PROTOCOL_BROKEN, "sent a frame that is not masked"),
        (client_frame(2, b"x" * 65_536), TOO_BIG, "sent more than 65535 bytes in one message"),
    ],
)
async def test_who_breaks_the_protocol_gets_its_code_and_the_other_hears_who_it_was(
    pair: Pair, bad: bytes, code: int, what: str
) -> None:
    pair.device.gives(client_frame(2, b"before") + bad)
    reason = f"the device {what}".encode()
    assert pair.device.heard == [(8, code.to_bytes(2, "big") + reason)]
    assert pair.technician.heard == [(2, b"before"), (8, BAD_MESSAGE.to_bytes(2, "big") + reason)]


@pytest.mark.parametrize("way", ["close", "end of the stream", "reset"])
async def test_whoever_leaves_leaves_what_they_sent_and_the_other_hears_who_left(pair: Pair, way: str) -> None:
    pair.technician.gives(client_frame(2, b"last words"))
    match way:
        case "close":
            pair.technician.gives(client_frame(8, b"\x03\xe8bye") + client_frame(2, b"after"))
            assert pair.technician.heard == [(8, b"\x03\xe8")]
        case "end of the stream":
            pair.ends[Side.TECHNICIAN].eof_received()
        case _:
            pair.technician.lose()
    assert pair.device.heard == [(2, b"last words"), (8, LEFT.to_bytes(2, "big") + b"the technician left")]
    pair.device.take()
    pair.device.gives(client_frame(2, b"too late") + client_frame(8, b"\x03\xe8"))
    assert pair.device.closing
    await asyncio.wait_for(pair.meeting.attend(pair.ends[Side.DEVICE]), 1)


async def test_a_side_that_takes_nothing_of_the_last_words_is_cut(pair: Pair) -> None:
    pair.technician.gives(client_frame(2, b"x" * 65_535))
    pair.technician.lose()
    await pair.ends[Side.DEVICE].gone(patience_s=0.01)
    assert pair.device.aborted


def test_a_queue_that_shrinks_stands_no_time_and_one_that_is_not_full_neither() -> None:
    queue = Queue()
    assert queue.stands_s(True, 100, 10.0) == 0
    assert queue.stands_s(True, 100, 14.0) == 4
    assert queue.stands_s(True, 150, 15.0) == 5  # more in it is not less
    assert queue.stands_s(True, 99, 16.0) == 0
    assert queue.stands_s(False, 99, 20.0) == 0
    assert queue.stands_s(True, 120, 30.0) == 0
