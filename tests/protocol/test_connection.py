"""Two ends of a session: whatever they do and however it interleaves, bytes arrive in order, once, under credit.

And a relay that mutates: whatever it does to handshake or records, nothing it made or moved is ever believed.
"""

import hashlib
import os
import random
from collections import deque
from dataclasses import dataclass, field

import pytest
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from protocol import limits
from protocol.channel import Channel, Frame
from protocol.cipher_state import CipherState
from protocol.connection import (
    Connection,
    ConnectionLost,
    Event,
    FrameType,
    PeerFinished,
    ResetReason,
    SessionFrame,
    StreamClosed,
    StreamData,
    StreamOpened,
    StreamReset,
)
from protocol.errors import LocalProtocolError, ProtocolError, RemoteProtocolError
from protocol.noise import SESSION_PROTOCOL, HandshakeState
from protocol.streams import StreamState

THERE, BACK = bytes([1]) * 32, bytes([2]) * 32


def cipher(key: bytes) -> CipherState:
    return CipherState("AESGCM", key)


def pair() -> tuple[Connection, Connection]:
    return (
        Connection(cipher(THERE), cipher(BACK), initiator=True, now_s=0.0),
        Connection(cipher(BACK), cipher(THERE), initiator=False, now_s=0.0),
    )


def carry(sender: Connection, receiver: Connection, now_s: float = 0.0) -> list[Event]:
    return [event for record in sender.data_to_send(now_s) for event in receiver.receive(record, now_s)]


# --- The façade


def test_a_visit_in_small() -> None:
    technician, device = pair()
    device.send_session(FrameType.GRANT, b'{"minutes":30}')
    assert carry(device, technician) == [SessionFrame(FrameType.GRANT, b'{"minutes":30}')]

    stream = technician.open(b"processes")
    technician.close_stream(stream)
    assert technician.unsent_bytes == len(b"processes")
    assert carry(technician, device) == [StreamOpened(1, b"processes"), StreamClosed(1, b"")]
    assert technician.unsent_bytes == 0

    assert device.sendable_bytes(stream) == limits.STREAM_WINDOW_BYTES
    device.send(stream, b"row\n")
    device.close_stream(stream, b"done")
    assert carry(device, technician) == [StreamData(1, b"row\n"), StreamClosed(1, b"done")]
    technician.consumed(stream, 4)
    assert technician.live_streams == device.live_streams == frozenset()
    assert technician.stream_state(stream) is StreamState.OVER

    device.finish()
    assert carry(device, technician) == [PeerFinished(2)]
    technician.finish()
    assert carry(technician, device) == [PeerFinished(1)]
    assert technician.connection_lost() == ConnectionLost(truncated=False, records=3)


def test_frames_queued_together_share_a_record() -> None:
    technician, _ = pair()
    for _ in range(5):
        technician.send(technician.open(b"x"), b"y")
    assert len(technician.data_to_send(0.0)) == 1
    assert technician.data_to_send(0.0) == []


def test_what_is_queued_goes_out_before_fin_and_nothing_after_it() -> None:
    technician, device = pair()
    stream = technician.open(b"")
    technician.finish()
    technician.finish()
    assert carry(technician, device) == [StreamOpened(stream, b""), PeerFinished(1)]
    assert technician.data_to_send(0.0) == []
    for act in (
        lambda: technician.open(b""),
        lambda: technician.send(stream, b"x"),
        lambda: technician.close_stream(stream),
        lambda: technician.reset(stream),
        lambda: technician.send_session(FrameType.NOTICE, b""),
    ):
        with pytest.raises(LocalProtocolError):
            act()


def test_after_our_fin_the_other_side_is_still_heard_but_not_answered() -> None:
    technician, device = pair()
    stream = technician.open(b"")
    carry(technician, device)
    technician.finish()
    carry(technician, device)
    big = limits.CREDIT_STEP_BYTES
    device.send(stream, bytes(big))
    device.reset(device.open(b"mine"))
    device.send(stream, b"tail")
    data = [event for event in carry(device, technician) if isinstance(event, StreamData)]
    technician.consumed(stream, sum(len(event.data) for event in data))
    assert sum(len(event.data) for event in data) == big + 4
    assert technician.data_to_send(0.0) == []


def test_stream_longer_than_its_window_goes_through_as_it_is_consumed() -> None:
    technician, device = pair()
    stream = technician.open(b"")
    sent, received = bytes(range(256)) * 4096, bytearray()  # 1 MiB, four windows
    place = 0
    for _ in range(100):
        room = technician.sendable_bytes(stream)
        technician.send(stream, sent[place : place + room])
        place = min(len(sent), place + room)
        for event in carry(technician, device):
            if isinstance(event, StreamData):
                received += event.data
                device.consumed(stream, len(event.data))
        assert carry(device, technician) == []  # credit is no news for the application
    assert received == sent
    assert technician.sendable_bytes(stream) > limits.STREAM_WINDOW_BYTES - limits.CREDIT_STEP_BYTES


def test_sender_stops_at_the_window_while_nothing_is_consumed() -> None:
    technician, device = pair()
    stream = technician.open(b"")
    technician.send(stream, bytes(limits.STREAM_WINDOW_BYTES))
    carry(technician, device)
    assert carry(device, technician) == []
    assert technician.sendable_bytes(stream) == 0


def test_reset_takes_back_data_that_was_not_sealed_yet() -> None:
    technician, device = pair()
    first, second = technician.open(b"a"), technician.open(b"b")
    technician.send(first, b"unwanted")
    technician.send(second, b"wanted")
    technician.reset(first, ResetReason.CANCELLED)
    assert carry(technician, device) == [
        StreamOpened(first, b"a"),
        StreamOpened(second, b"b"),
        StreamData(second, b"wanted"),
        StreamReset(first, ResetReason.CANCELLED),
    ]


def test_reset_takes_back_the_close_with_the_data_before_it() -> None:
    """Or the other side would see a stream that ended as meant, with its data missing."""
    technician, device = pair()
    stream = technician.open(b"a")
    technician.send(stream, b"unwanted")
    technician.close_stream(stream, b"all said")
    technician.reset(stream, ResetReason.FAILED)
    assert carry(technician, device) == [StreamOpened(stream, b"a"), StreamReset(stream, ResetReason.FAILED)]
    assert carry(device, technician) == []
    assert technician.live_streams == device.live_streams == frozenset()


def test_answer_to_a_reset_goes_out_by_itself() -> None:
    technician, device = pair()
    stream = technician.open(b"")
    technician.reset(stream)
    carry(technician, device)
    assert carry(device, technician) == []
    assert technician.stream_state(stream) is StreamState.OVER


def test_violation_in_a_stream_kills_the_connection_and_what_was_queued() -> None:
    technician, device = pair()
    device.send_session(FrameType.NOTICE, b"never sent")
    rogue = Channel(cipher(THERE), cipher(BACK), now_s=0.0)
    (record,) = rogue.send_frames([Frame(FrameType.DATA, 9, b"no such stream")], 0.0)
    with pytest.raises(RemoteProtocolError):
        device.receive(record, 0.0)
    assert device.dead
    assert device.unsent_bytes == 0
    assert device.data_to_send(0.0) == []
    with pytest.raises(LocalProtocolError):
        device.open(b"")
    with pytest.raises(LocalProtocolError):
        device.finish()
    with pytest.raises(LocalProtocolError):
        device.receive(technician.data_to_send(0.0)[0] if technician.unsent_bytes else b"", 0.0)


def test_our_own_mistake_sends_nothing_and_kills_nothing() -> None:
    technician, device = pair()
    stream = technician.open(b"")
    with pytest.raises(LocalProtocolError):
        technician.send(stream, bytes(limits.STREAM_WINDOW_BYTES + 1))
    assert carry(technician, device) == [StreamOpened(stream, b"")]
    assert not technician.dead


def test_lost_connection_is_truncated_unless_the_other_side_had_finished() -> None:
    technician, device = pair()
    technician.open(b"never arrives")
    assert technician.connection_lost() == ConnectionLost(truncated=True, records=0)
    assert technician.data_to_send(0.0) == []
    assert technician.unsent_bytes == 0
    assert technician.dead
    device.finish()
    assert not device.peer_finished


def test_silence_is_measured_from_the_last_authentic_record() -> None:
    technician, device = pair()
    assert device.silent_s(limits.HALF_OPEN_S + 1.0) > limits.HALF_OPEN_S
    technician.send_session(FrameType.NOTICE, b"{}")
    carry(technician, device, now_s=100.0)
    assert device.silent_s(101.5) == 1.5


# --- Any interleaving of two ends


@dataclass
class Direction:
    """What one end has put into one stream, and what the other has got out."""

    sent: bytearray = field(default_factory=bytearray)
    received: int = 0
    consumed: int = 0
    closed: bool = False  # CLOSE sent
    closed_seen: bool = False
    torn: bool = False  # RESET by either end: the rest may be missing, but nothing may be wrong


class TwoEnds(RuleBasedStateMachine):
    """Both ends act as they please; records of each direction arrive in order, at any time."""

    def __init__(self) -> None:
        super().__init__()
        self.ends = pair()
        self.wires: tuple[deque[bytes], deque[bytes]] = (deque(), deque())
        self.directions: dict[tuple[int, int], Direction] = {}  # (sending end, stream)
        self.known: tuple[set[int], set[int]] = (set(), set())  # streams an end knows of
        self.finished = [False, False]
        self.peer_finished = [False, False]
        self.clock_s = 0.0
        self.counter = 0

    def some_stream(self, end: int, pick: int) -> int | None:
        live = sorted(self.ends[end].live_streams)
        return live[pick % len(live)] if live else None

    def direction(self, end: int, stream: int) -> Direction:
        return self.directions.setdefault((end, stream), Direction())

    end_s = st.integers(0, 1)
    pick_s = st.integers(0, 1000)

    @rule(end=end_s)
    def open(self, end: int) -> None:
        if self.finished[end]:
            return
        if sum(stream % 2 == 1 - end for stream in self.ends[end].live_streams) < limits.STREAMS_OPEN_MAX_EACH:
            stream = self.ends[end].open(b"open")
            assert stream % 2 == 1 - end
            self.known[end].add(stream)

    @rule(end=end_s, pick=pick_s, share=st.sampled_from([0.0, 0.01, 0.3, 1.0]))
    def send(self, end: int, pick: int, share: float) -> None:
        stream = self.some_stream(end, pick)
        if stream is None or self.finished[end]:
            return
        room = self.ends[end].sendable_bytes(stream)
        direction = self.direction(end, stream)
        # Never more than a window between what we send and what the other application has taken.
        assert room <= limits.STREAM_WINDOW_BYTES - (len(direction.sent) - direction.consumed)
        if room == 0:
            return
        count = max(1, int(room * share))
        self.counter += 1
        data = (self.counter.to_bytes(4, "big") * (count // 4 + 1))[:count]
        self.ends[end].send(stream, data)
        direction.sent += data

    @rule(end=end_s, pick=pick_s)
    def send_too_much(self, end: int, pick: int) -> None:
        stream = self.some_stream(end, pick)
        if stream is not None and not self.finished[end]:
            room = self.ends[end].sendable_bytes(stream)
            with pytest.raises(LocalProtocolError):
                self.ends[end].send(stream, bytes(room + 1))

    @rule(end=end_s, pick=pick_s, all_of_it=st.booleans())
    def consume(self, end: int, pick: int, all_of_it: bool) -> None:
        waiting = [
            (stream, direction)
            for (sender, stream), direction in sorted(self.directions.items())
            if sender != end and direction.received > direction.consumed
        ]
        if waiting:
            stream, direction = waiting[pick % len(waiting)]
            count = direction.received - direction.consumed
            count = count if all_of_it else count // 2
            if stream in self.ends[end].live_streams:
                self.ends[end].consumed(stream, count)
            direction.consumed += count

    @rule(end=end_s, pick=pick_s)
    def close(self, end: int, pick: int) -> None:
        stream = self.some_stream(end, pick)
        ready = {StreamState.OPEN, StreamState.PEER_CLOSED}
        if stream is None or self.finished[end] or self.ends[end].stream_state(stream) not in ready:
            return
        self.ends[end].close_stream(stream, b"last word")
        self.direction(end, stream).closed = True

    @precondition(lambda self: len(self.known[0] | self.known[1]) > 2)
    @rule(end=end_s, pick=pick_s)
    def reset(self, end: int, pick: int) -> None:
        stream = self.some_stream(end, pick)
        if stream is None or self.finished[end]:
            return
        if self.ends[end].stream_state(stream) is StreamState.WE_RESET:
            return
        self.ends[end].reset(stream)
        self.direction(0, stream).torn = True
        self.direction(1, stream).torn = True

    @rule(end=end_s, seconds=st.sampled_from([0.0, 1.0, 899.0, 900.0]))
    def flush(self, end: int, seconds: float) -> None:
        self.clock_s += seconds
        self.wires[end].extend(self.ends[end].data_to_send(self.clock_s))

    @rule(end=end_s)
    def deliver(self, end: int) -> None:
        """One record from `end` reaches the other one."""
        if self.wires[end]:
            self.take(1 - end, self.ends[1 - end].receive(self.wires[end].popleft(), self.clock_s))

    @precondition(lambda self: self.counter > 5)
    @rule(end=end_s)
    def finish(self, end: int) -> None:
        self.ends[end].finish()
        self.finished[end] = True

    def take(self, end: int, events: list[Event]) -> None:
        for event in events:
            assert not self.peer_finished[end]
            match event:
                case StreamOpened(stream, payload):
                    assert payload == b"open"
                    assert stream not in self.known[end]
                    assert stream % 2 == end
                    self.known[end].add(stream)
                case StreamData(stream, data):
                    direction = self.direction(1 - end, stream)
                    assert not direction.closed_seen
                    assert data == direction.sent[direction.received : direction.received + len(data)]
                    direction.received += len(data)
                case StreamClosed(stream, payload):
                    direction = self.direction(1 - end, stream)
                    assert payload == b"last word"
                    assert direction.closed
                    assert not direction.closed_seen
                    assert direction.received == len(direction.sent)
                    direction.closed_seen = True
                case StreamReset(stream, _):
                    assert self.direction(end, stream).torn
                case PeerFinished():
                    self.peer_finished[end] = True
                case SessionFrame():
                    raise AssertionError("nobody sent one")

    @invariant()
    def nothing_is_dead(self) -> None:
        assert not self.ends[0].dead
        assert not self.ends[1].dead

    def teardown(self) -> None:
        """Finish both ends, deliver everything: what was not torn off has arrived whole."""
        for end in (0, 1):
            self.ends[end].finish()
            self.flush(end, 0.0)
        for end in (0, 1):
            while self.wires[end]:
                self.deliver(end)
        for end in (0, 1):
            assert self.peer_finished[end]
            assert not self.ends[end].connection_lost().truncated
        for direction in self.directions.values():
            assert direction.received <= len(direction.sent)
            if not direction.torn:
                assert direction.received == len(direction.sent)
                assert direction.closed_seen == direction.closed


SOAK = os.environ.get("BELLPULL_SOAK") == "1"
TwoEnds.TestCase.settings = settings(
    deadline=None, derandomize=True, max_examples=3_000 if SOAK else 150, stateful_step_count=60
)
TestTwoEnds = TwoEnds.TestCase


# --- A relay that mutates: a seeded sample, 100 000 with BELLPULL_SOAK=1


TECHNICIAN = X25519PrivateKey.from_private_bytes(hashlib.sha256(b"technician").digest())
DEVICE = X25519PrivateKey.from_private_bytes(hashlib.sha256(b"device").digest())


def handshake_pair(rng: random.Random) -> tuple[HandshakeState, HandshakeState]:
    def ephemeral() -> X25519PrivateKey:
        return X25519PrivateKey.from_private_bytes(rng.randbytes(32))

    device_public = DEVICE.public_key().public_bytes_raw()
    return (
        HandshakeState(
            SESSION_PROTOCOL, initiator=True, prologue=b"p", s=TECHNICIAN, rs=device_public, ephemeral=ephemeral
        ),
        HandshakeState(SESSION_PROTOCOL, initiator=False, prologue=b"p", s=DEVICE, ephemeral=ephemeral),
    )


class End:
    """One end as a program has it: handshake first, then a connection. Notes down what it heard.

    What came with handshake messages is believed only once the handshake is finished: a replayed message 1 opens, but
    nothing follows from it.
    """

    def __init__(self, handshake: HandshakeState) -> None:
        self.handshake = handshake
        self.connection: Connection | None = None
        self.heard: list[object] = []

    @property
    def believed(self) -> list[object]:
        return self.heard if self.connection else []

    def say(self, payload: bytes) -> list[bytes]:
        if self.connection is None:
            message = self.handshake.write_message(payload)
            self.settle()
            return [message]
        self.connection.send_session(FrameType.NOTICE, payload)
        return self.connection.data_to_send(0.0)

    def hear(self, message: bytes) -> None:
        if self.connection is None:
            self.heard.append(self.handshake.read_message(message))
            self.settle()
        else:
            for event in self.connection.receive(message, 0.0):
                assert isinstance(event, SessionFrame)
                self.heard.append(event.payload)

    def settle(self) -> None:
        if self.handshake.finished:
            self.connection = Connection.from_handshake(self.handshake, now_s=0.0)


MUTATIONS = ("flip", "cut", "extend", "drop", "repeat", "swap", "insert", "reflect", "foreign")


def speaker_of(turn: int) -> int:
    """Handshake: initiator, responder, initiator; then two messages of each end in turn."""
    return turn % 2 if turn < 3 else (turn // 2) % 2


def play(rng: random.Random, mutation: str, foreign: list[bytes]) -> None:
    """One conversation of ten messages through a relay that does one thing wrong at one place.

    Whatever an end believed must be a prefix of what the other really said, and the wrong message must be noticed by
    the first end that meets its effect. `foreign`: messages of another session of the same two people.
    """
    ends = [End(side) for side in handshake_pair(rng)]
    said: list[list[bytes]] = [[], []]
    wire: list[bytes] = []
    victim = rng.randrange(10)
    held: bytes | None = None  # for swap: kept back until the next message of the same direction
    noticed = False
    for turn in range(10):
        speaker = speaker_of(turn)
        payload = rng.randbytes(rng.randrange(1, 40))
        (message,) = ends[speaker].say(payload)
        said[speaker].append(payload)
        delivered = [message]
        if turn == victim:
            delivered = mutated(rng, mutation, message, wire, foreign)
            held = message if mutation == "swap" else None
        elif held is not None and speaker == speaker_of(victim):
            delivered, held = [message, held], None
        wire.append(message)
        hearer = ends[1 - speaker]
        try:
            for each in delivered:
                hearer.hear(each)
        except ProtocolError:
            noticed = True
        believed = hearer.believed
        assert believed == said[speaker][: len(believed)], (mutation, victim, turn)
        if noticed or (turn < 3 and len(hearer.heard) < (turn // 2) + 1):
            break  # a program stops here: an error, or a handshake message that never came
    missing = any(end.believed != said[1 - number] for number, end in enumerate(ends))
    assert noticed or missing, (mutation, victim)
    for number, end in enumerate(ends):
        if end.connection is not None and end.believed != said[1 - number]:
            assert end.connection.connection_lost().truncated


def mutated(rng: random.Random, mutation: str, message: bytes, wire: list[bytes], foreign: list[bytes]) -> list[bytes]:
    place = rng.randrange(len(message))
    match mutation:
        case "flip":
            return [message[:place] + bytes([message[place] ^ (1 << rng.randrange(8))]) + message[place + 1 :]]
        case "cut":
            return [message[:place]]
        case "extend":
            return [message + rng.randbytes(rng.randrange(1, 30))]
        case "drop" | "swap":
            return []
        case "repeat":
            return [message, message]
        case "insert":
            return [rng.randbytes(rng.randrange(200)), message]
        case "reflect":
            return [rng.choice(wire) if wire else message[::-1], message]
        case _:
            return [foreign[len(wire)]]


def conversation(rng: random.Random) -> list[bytes]:
    """The ten messages of an undisturbed session, to be replayed into another."""
    ends = [End(side) for side in handshake_pair(rng)]
    wire = []
    for turn in range(10):
        (message,) = ends[speaker_of(turn)].say(rng.randbytes(20))
        ends[1 - speaker_of(turn)].hear(message)
        wire.append(message)
    return wire


def test_undisturbed_conversation_is_believed_whole() -> None:
    assert len(conversation(random.Random(1))) == 10


def test_nothing_a_relay_does_to_handshake_or_records_is_believed(soak: bool) -> None:
    rng = random.Random(20_261)
    foreign = conversation(rng)
    for number in range(100_000 if soak else 2_000):
        play(rng, MUTATIONS[number % len(MUTATIONS)], foreign)
