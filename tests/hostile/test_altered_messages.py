"""Altered messages, thousands of them: across the handshake, the records, and the frames inside the records.

Each lie is told to the real ends of a visit as they stood when a message was due (stopped_visits.py). What comes of a
message that was touched on its way is always the same: nothing runs, nobody is asked, the end that got it is done with
the visit, and the customer's receipt says that the protocol was broken. The second half is worse: a technician's
program, or a device, that seals whatever it likes with the right keys.
"""

import copy
import random
import struct
from collections.abc import Callable
from functools import cache

from agent.session.effects import AskCustomer, CloseBooks, MakeReceipt, OpenBooks, Run
from protocol.channel import FRAME_HEADER, Frame, FrameType
from protocol.errors import RemoteProtocolError
from protocol.grants import EndedBy
from protocol.limits import RELAY_MESSAGE_MAX_BYTES
from protocol.session_state import SessionState
from tests.agent.visiting import Encounter
from tests.hostile.stopped_visits import ROWS, TO_DEVICE, StoppedVisit, stops, stops_of

# In `make test`; `make soak` takes the second number.
ALTERED, SOAK_ALTERED = 5_000, 100_000
SEALED, SOAK_SEALED = 2_500, 50_000
Change = Callable[[random.Random, StoppedVisit], bytes]


@cache
def another() -> tuple[StoppedVisit, ...]:
    """The same visit under other ephemeral keys, recorded."""
    return stops_of("another visit")


# --- on the way ------------------------------------------------------------------------------------------------------


def flip(rng: random.Random, stop: StoppedVisit) -> bytes:
    data = bytearray(stop.message)
    for _ in range(rng.randint(1, 3)):
        data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)
    return bytes(data)


def cut(rng: random.Random, stop: StoppedVisit) -> bytes:
    return stop.message[: rng.randrange(len(stop.message))]


def cut_in_front(rng: random.Random, stop: StoppedVisit) -> bytes:
    return stop.message[rng.randrange(1, len(stop.message)) :]


def grow(rng: random.Random, stop: StoppedVisit) -> bytes:
    return stop.message + rng.randbytes(rng.randrange(1, 64))


def garbage(rng: random.Random, stop: StoppedVisit) -> bytes:
    return rng.randbytes(len(stop.message))


def turn_over(rng: random.Random, stop: StoppedVisit) -> bytes:
    place = rng.randrange(1, len(stop.message))
    return stop.message[place:] + stop.message[:place]


def another_message(rng: random.Random, stop: StoppedVisit) -> bytes:
    """A genuine one of this visit, of either direction: repeated, taken early, or sent back where it came from."""
    return rng.choice([other.message for other in stops() if other.message != stop.message])


def of_another_visit(rng: random.Random, stop: StoppedVisit) -> bytes:
    """What stood in this place when the same two met under other keys."""
    return next(
        other.message for other in another() if (other.towards, other.number) == (stop.towards, stop.number)
    )  # fmt: skip


def as_long_as_can_be(rng: random.Random, stop: StoppedVisit) -> bytes:
    return stop.message + bytes(RELAY_MESSAGE_MAX_BYTES - len(stop.message))


def too_long(rng: random.Random, stop: StoppedVisit) -> bytes:
    return stop.message + bytes(RELAY_MESSAGE_MAX_BYTES - len(stop.message) + rng.randrange(1, 8))


CHANGES: tuple[Change, ...] = (
    flip, flip, flip, cut, cut_in_front, grow, garbage, turn_over, another_message, of_another_visit,
    as_long_as_can_be, too_long,
)  # fmt: skip


def of(visit: Encounter, kind: type) -> int:
    return sum(isinstance(effect, kind) for effect in visit.done)


def given_to_the_device(stop: StoppedVisit, altered: bytes) -> None:
    visit, before = stop.again(), stop.before
    stop.give(visit, altered)
    for later in stops():  # and whatever was still on its way, as it was
        if later.towards == TO_DEVICE and later.number >= stop.number:
            later.give(visit, later.message)
    assert visit.steps.state is SessionState.ENDED
    for kind in (Run, AskCustomer, OpenBooks):
        assert of(visit, kind) == of(before, kind)
    if before.steps.grant is not None:
        # One receipt, without the countersignature that did not come, and it says why unless the visit was over.
        assert [made.close for made in visit.done if isinstance(made, MakeReceipt)] == [None]
        (books,) = (effect for effect in visit.done if isinstance(effect, CloseBooks))
        assert books.ended_by is (EndedBy.TECHNICIAN if of(before, CloseBooks) else EndedBy.PROTOCOL_ERROR)


def given_to_the_technician(stop: StoppedVisit, altered: bytes) -> None:
    visit, before = stop.again(), stop.before
    stop.give(visit, altered)
    assert type(visit.broken) is RemoteProtocolError
    assert visit.heard == before.heard
    assert visit.to_device == [], "not a word is said in answer"


def test_no_altered_message_runs_or_asks_anything(soak: bool) -> None:
    """Every message of a visit, both ways, changed in every way: the end that gets it is done, and says so."""
    rng = random.Random("altered messages")
    places = open_stops()
    assert len(places) >= 18
    tried: set[tuple[str, Change]] = set()
    for number in range(SOAK_ALTERED if soak else ALTERED):
        stop, change = places[number % len(places)], rng.choice(CHANGES)
        altered = change(rng, stop)
        if altered == stop.message:  # flipped there and back
            continue
        tried.add((str(stop), change))
        try:
            (given_to_the_device if stop.towards == TO_DEVICE else given_to_the_technician)(stop, altered)
        except AssertionError as error:
            raise AssertionError(f"number {number}: {stop}, {change.__name__}") from error
    assert len(tried) == len(places) * len(set(CHANGES))


def test_untouched_the_same_harness_goes_on() -> None:
    """The control: at each stop the genuine message is taken, and leads to what it led to."""
    runs = 0
    for stop in stops():
        visit = stop.again()
        before = visit.broken
        stop.give(visit, stop.message)
        assert visit.broken is before or "receipt has a wrong shape" in str(visit.broken)
        assert visit.steps.ended_by is not EndedBy.PROTOCOL_ERROR
        runs += len(visit.runs) - len(stop.before.runs)
    assert runs == 2


# --- under the seal --------------------------------------------------------------------------------------------------


def opened(stop: StoppedVisit) -> bytes:
    """The record's plaintext. Only a test can: it borrows the receiver's key."""
    connection = stop.connection(stop.before)
    assert connection is not None
    return copy.copy(connection._channel._receive).decrypt(stop.message)


def sealed(stop: StoppedVisit, plaintext: bytes) -> bytes:
    connection = stop.connection(stop.before)
    assert connection is not None
    return copy.copy(connection._channel._receive).encrypt(plaintext)


@cache
def inside() -> dict[StoppedVisit, bytes]:
    """Everything after the handshake, opened."""
    return {stop: opened(stop) for stop in open_stops() if stop.connection(stop.before) is not None}


@cache
def open_stops() -> tuple[StoppedVisit, ...]:
    """All but what follows the receipt, which this visit's shell made up and the technician's end has refused."""
    return tuple(stop for stop in stops() if stop.before.broken is None)


def frames_of(plaintext: bytes) -> list[Frame]:
    found, place = [], 1
    while plaintext[0] == 1 and place < len(plaintext):
        number, stream, length = FRAME_HEADER.unpack_from(plaintext, place)
        place += FRAME_HEADER.size + length
        found.append(Frame(FrameType(number), stream, plaintext[place - length : place]))
    return found


@cache
def said() -> tuple[Frame, ...]:
    """Every frame of the whole visit, both ways."""
    return tuple(frame for plaintext in inside().values() for frame in frames_of(plaintext))


def packed(rng: random.Random, frame: tuple[int, int, bytes]) -> bytes:
    number, stream, payload = frame
    length = len(payload) if rng.random() < 0.95 else rng.choice((0, len(payload) + 1, 1 << 31, (1 << 32) - 1))
    return FRAME_HEADER.pack(number, stream, length) + payload


def any_frame(rng: random.Random) -> tuple[int, int, bytes]:
    genuine = rng.choice(said())
    number = rng.choice((int(genuine.type), int(genuine.type), int(rng.choice(list(FrameType))), rng.randrange(256)))
    stream = rng.choice((genuine.stream, genuine.stream, 0, 1, 2, 3, 4, 5, 9, 1 << 31, (1 << 32) - 1))
    payload = rng.choice(
        (genuine.payload, genuine.payload, b"", b"{}", b"null", struct.pack(">I", rng.getrandbits(32)), bytes(9), ROWS)
    )
    return number, stream, payload


def bent_inside(rng: random.Random, plaintext: bytes) -> bytes:
    """One to three bits of the plaintext."""
    data = bytearray(plaintext)
    for _ in range(rng.randint(1, 3)):
        data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)
    return bytes(data)


def other_frames(rng: random.Random, plaintext: bytes) -> bytes:
    return b"\x01" + b"".join(packed(rng, any_frame(rng)) for _ in range(rng.randint(1, 6)))


def more_frames(rng: random.Random, plaintext: bytes) -> bytes:
    """The genuine ones with others before, between and after."""
    frames = [(int(frame.type), frame.stream, frame.payload) for frame in frames_of(plaintext)]
    for _ in range(rng.randint(1, 4)):
        frames.insert(rng.randint(0, len(frames)), any_frame(rng))
    return b"\x01" + b"".join(packed(rng, frame) for frame in frames)


def twice(rng: random.Random, plaintext: bytes) -> bytes:
    return plaintext + plaintext[1:]


def another_kind_of_record(rng: random.Random, plaintext: bytes) -> bytes:
    return bytes([rng.choice((0, 2, 3, rng.randrange(256)))]) + plaintext[1 : rng.choice((1, 9, len(plaintext)))]


def nothing(rng: random.Random, plaintext: bytes) -> bytes:
    return b""


def untouched(rng: random.Random, plaintext: bytes) -> bytes:
    """The control: the genuine words in a record that this test has sealed."""
    return plaintext


BENDS = (
    bent_inside, bent_inside, bent_inside, other_frames, other_frames, more_frames, twice, another_kind_of_record,
    nothing, untouched,
)  # fmt: skip


def sealed_to_the_device(stop: StoppedVisit, record: bytes) -> Encounter:
    visit, before = stop.again(), stop.before
    stop.give(visit, record)
    runs = [(run.sequence, run.action, run.arguments) for run in visit.runs]
    assert len({sequence for sequence, *_ in runs}) == len(runs), "nothing runs twice"
    assert set(runs) <= signed_actions(), "nothing runs that was not signed, word for word"
    assert of(visit, AskCustomer) <= 1
    assert of(visit, OpenBooks) <= 1
    if before.steps.grant is not None and visit.steps.grant is not None:
        assert visit.steps.grant.scopes <= before.steps.grant.scopes
    assert of(visit, MakeReceipt) <= 1
    assert sum(map(len, visit.to_technician)) < 70_000, "a small lie has no great answer"
    return visit


@cache
def signed_actions() -> frozenset[tuple[int, str, bytes]]:
    return frozenset((run.sequence, run.action, run.arguments) for run in stops()[-1].before.runs)


def sealed_to_the_technician(stop: StoppedVisit, record: bytes) -> Encounter:
    visit, before = stop.again(), stop.before
    stop.give(visit, record)
    assert visit.broken is None or type(visit.broken) is RemoteProtocolError
    if before.technician.chain is not None and visit.technician.chain is not None:
        assert visit.technician.chain.grant == before.technician.chain.grant
        assert len(visit.technician.chain.sent) == len(before.technician.chain.sent), "it makes nobody sign anything"
        assert visit.technician.scopes <= before.technician.scopes
    elif visit.technician.chain is not None:
        # The same signed words; a key's name beside the signature is signed by nobody, and means nothing.
        honest = stops()[-1].before.technician.chain
        assert honest is not None
        assert visit.technician.chain.grant.hash == honest.grant.hash
    assert sum(map(len, visit.to_device)) < 70_000
    return visit


def test_whatever_is_sealed_with_the_right_keys_runs_only_what_was_signed(soak: bool) -> None:
    """A technician's program gone mad, or a device that is not ours at all: frames of any kind, in any order."""
    rng = random.Random("sealed lies")
    assert len(signed_actions()) == 2
    assert {frame.type for frame in said()} >= {
        FrameType.HELLO, FrameType.GRANT, FrameType.OPEN, FrameType.DATA, FrameType.CLOSE, FrameType.GRANT_CHANGE,
        FrameType.SESSION_CLOSE,
    }  # fmt: skip
    places = list(inside().items())
    ended = ran = broken = 0
    count = SOAK_SEALED if soak else SEALED
    for number in range(count):
        stop, plaintext = places[number % len(places)]
        bend = rng.choice(BENDS)
        record = sealed(stop, bend(rng, plaintext))
        try:
            if stop.towards == TO_DEVICE:
                visit = sealed_to_the_device(stop, record)
                ended += visit.steps.state is SessionState.ENDED
                ran += len(visit.runs) > len(stop.before.runs)
            else:
                broken += sealed_to_the_technician(stop, record).broken is not None
        except Exception as error:
            raise AssertionError(f"number {number}: {stop}, {bend.__name__}") from error
    # Most are refused; the genuine action under the test's own seal runs.
    assert ended > count / 5
    assert broken > count / 5
    assert ran > 0
