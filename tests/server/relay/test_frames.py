"""Frames of a client, read in any pieces: what `websockets` reads of them, made into frames a client reads again."""

import struct

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from websockets.client import ClientProtocol
from websockets.frames import Frame, Opcode
from websockets.protocol import OPEN
from websockets.uri import parse_uri

from protocol.limits import RELAY_MESSAGE_MAX_BYTES
from server.relay.frames import (
    FRAME_MAX_BYTES,
    NOT_UTF8,
    PROTOCOL_BROKEN,
    TOO_BIG,
    Fault,
    FrameReader,
    Kind,
    Word,
    close_frame,
    ping_frame,
    pong_frame,
    text_frame,
)

SIZES = st.one_of(st.integers(1, 300), st.sampled_from([125, 126, 127, 4096, 65_534, 65_535]))


def client_frame(opcode: int, data: bytes, *, fin: bool = True, mask: bytes = b"\x01\x80\x7f\xff") -> bytes:
    """As RFC 6455, section 5.2, writes it; nothing is checked."""
    length = len(data)
    if length < 126:
        head = struct.pack("!BB", fin << 7 | opcode, 0x80 | length)
    elif length < 65_536:
        head = struct.pack("!BBH", fin << 7 | opcode, 0x80 | 126, length)
    else:
        head = struct.pack("!BBQ", fin << 7 | opcode, 0x80 | 127, length)
    return head + mask + bytes(byte ^ mask[at % 4] for at, byte in enumerate(data))


class Feed:
    """A reader whose socket gives bytes in pieces: what it left of a piece comes again before the next."""

    def __init__(self) -> None:
        self.reader = FrameReader()
        self.rest = b""
        self.onward = b""
        self.messages = 0
        self.payload_bytes = 0
        self.words: list[Word] = []
        self.fault: Fault | None = None

    def take(self, piece: bytes) -> None:
        buffer = self.rest + piece
        read = self.reader.read(bytearray(buffer), len(buffer))
        self.rest = buffer[read.used :]
        self.onward += b"".join(read.onward)
        self.messages += read.messages
        self.payload_bytes += read.payload_bytes
        self.words += read.words
        self.fault = self.fault or read.fault
        # What an endpoint must be able to keep is bounded whatever comes.
        assert len(self.rest) < FRAME_MAX_BYTES
        assert self.reader.held_bytes <= RELAY_MESSAGE_MAX_BYTES


def read_whole(data: bytes) -> Feed:
    feed = Feed()
    feed.take(data)
    return feed


def as_a_client_reads(data: bytes) -> list[Frame]:
    """By the reference: what a `websockets` client makes of a server's bytes."""
    client = ClientProtocol(parse_uri("ws://relay/"), state=OPEN, max_size=None)
    client.receive_data(data)
    assert client.parser_exc is None
    return [event for event in client.events_received() if isinstance(event, Frame)]


@st.composite
def conversations(draw: st.DrawFn) -> tuple[bytes, list[bytes], list[tuple[Kind, bytes]]]:
    """A client's bytes, the messages in them, and the pings, pongs and texts between."""
    sent, messages, words = b"", [], []
    for _ in range(draw(st.integers(1, 8))):
        size = draw(SIZES)
        data = draw(st.binary(min_size=4, max_size=4)) * (size // 4 + 1)
        data = data[:size]
        mask = draw(st.binary(min_size=4, max_size=4))
        cuts = sorted(draw(st.lists(st.integers(0, size), max_size=3)))
        pieces = [data[a:b] for a, b in zip([0, *cuts], [*cuts, size], strict=True)]
        for at, piece in enumerate(pieces):
            last = at == len(pieces) - 1
            sent += client_frame(0x0 if at else 0x2, piece, fin=last, mask=mask)
            if not last and draw(st.booleans()):
                kind, opcode = draw(st.sampled_from([(Kind.PING, 0x9), (Kind.PONG, 0xA)]))
                said = draw(st.binary(max_size=125))
                sent += client_frame(opcode, said, mask=mask)
                words.append((kind, said))
        messages.append(data)
        if draw(st.integers(0, 4)) == 0:
            text = draw(st.text(min_size=1, max_size=40)).encode()
            sent += client_frame(0x1, text)
            words.append((Kind.TEXT, text))
    return sent, messages, words


@settings(deadline=None, derandomize=True, max_examples=80)
@given(conversation=conversations(), chance=st.randoms(use_true_random=False))
def test_frames_in_any_pieces_are_the_frames_a_reference_client_reads(conversation, chance) -> None:  # type: ignore[no-untyped-def]
    sent, messages, words = conversation
    feed = Feed()
    at = 0
    while at < len(sent):
        step = chance.choice((1, 2, 3, 7, 100, 5000, 100_000)) if len(sent) - at < 3000 else chance.randint(500, 90_000)
        feed.take(sent[at : at + step])
        at += step
    read = as_a_client_reads(feed.onward)
    assert [(frame.opcode, frame.fin, bytes(frame.data)) for frame in read] == [
        (Opcode.BINARY, True, message) for message in messages
    ]
    assert [(word.kind, word.data) for word in feed.words] == words
    assert (feed.fault, feed.rest) == (None, b"")
    assert (feed.messages, feed.payload_bytes) == (len(messages), sum(map(len, messages)))


@settings(deadline=None, derandomize=True, max_examples=150)
@given(pieces=st.lists(st.binary(max_size=400), max_size=12))
def test_noise_is_a_fault_or_frames_and_never_anything_else(pieces: list[bytes]) -> None:
    feed = Feed()
    for piece in pieces:
        feed.take(piece)
    as_a_client_reads(feed.onward)
    assert feed.fault is None or feed.fault.code in (PROTOCOL_BROKEN, NOT_UTF8, TOO_BIG)


#: name → what a client sends, and the code it is closed with. RFC 6455, sections 5 to 7.
ABUSE = {
    "a frame that is not masked": (b"\x82\x05Hello!", PROTOCOL_BROKEN),
    "reserved bit 1": (b"\xc2" + client_frame(2, b"x")[1:], PROTOCOL_BROKEN),
    "reserved bit 2": (b"\xa2" + client_frame(2, b"x")[1:], PROTOCOL_BROKEN),
    "reserved bit 3 on a ping": (b"\x99" + client_frame(9, b"x")[1:], PROTOCOL_BROKEN),
    "a data frame of no known kind": (client_frame(0x3, b"x"), PROTOCOL_BROKEN),
    "another data frame of no known kind": (client_frame(0x7, b""), PROTOCOL_BROKEN),
    "a control frame of no known kind": (client_frame(0xB, b""), PROTOCOL_BROKEN),
    "a ping in fragments": (client_frame(9, b"x", fin=False), PROTOCOL_BROKEN),
    "a close in fragments": (client_frame(8, b"", fin=False), PROTOCOL_BROKEN),
    "a ping of 126 bytes": (client_frame(9, b"x" * 126), PROTOCOL_BROKEN),
    "a pong of 64 KiB": (client_frame(10, b"x" * 65_536), PROTOCOL_BROKEN),
    "a close of 126 bytes": (client_frame(8, struct.pack("!H", 1000) + b"x" * 124), PROTOCOL_BROKEN),
    "a continuation of nothing": (client_frame(0, b"x"), PROTOCOL_BROKEN),
    "an empty last continuation of nothing": (client_frame(0, b""), PROTOCOL_BROKEN),
    "a message inside another": (client_frame(2, b"x", fin=False) + client_frame(2, b"y"), PROTOCOL_BROKEN),
    "a text inside a binary": (client_frame(2, b"x", fin=False) + client_frame(1, b"y"), PROTOCOL_BROKEN),
    "an empty message inside another": (client_frame(2, b"x", fin=False) + client_frame(2, b""), PROTOCOL_BROKEN),
    "a length of 125 in 16 bits": (b"\x82\xfe\x00\x7d" + bytes(4 + 125), PROTOCOL_BROKEN),
    "a length of 2^63": (b"\x82\xff\x80" + bytes(11), TOO_BIG),
    "a length of 2^63 on a ping": (b"\x89\xff\x80" + bytes(11), PROTOCOL_BROKEN),
    "65 536 bytes": (client_frame(2, b"x" * 65_536), TOO_BIG),
    "65 536 bytes in two fragments": (
        client_frame(2, b"x" * 40_000, fin=False) + client_frame(0, b"x" * 25_536),
        TOO_BIG,
    ),
    "a text that is not UTF-8": (client_frame(1, b"\xff\xfe"), NOT_UTF8),
    "a text that ends inside a character": (client_frame(1, "é".encode()[:1]), NOT_UTF8),
    "a close of one byte": (client_frame(8, b"\x03"), PROTOCOL_BROKEN),
    "a close whose reason is not UTF-8": (client_frame(8, struct.pack("!H", 1000) + b"\xff"), NOT_UTF8),
    **{
        f"a close with code {code}": (client_frame(8, struct.pack("!H", code)), PROTOCOL_BROKEN)
        for code in (0, 999, 1004, 1005, 1006, 1015, 1016, 2000, 2999, 5000, 65_535)
    },
}


@pytest.mark.parametrize("name", ABUSE)
def test_what_breaks_the_protocol_is_a_fault_with_the_code_for_it_and_what_came_before_is_kept(name: str) -> None:
    bad, code = ABUSE[name]
    before = client_frame(2, b"before")
    for step in (1 if len(bad) < 1000 else 4096, len(before) + len(bad)):
        feed, data = Feed(), before + bad + client_frame(2, b"after")
        for at in range(0, len(data), step):
            feed.take(data[at : at + step])
        assert feed.fault is not None, name
        assert feed.fault.code == code, feed.fault
        assert feed.onward == b"\x82\x06before"
        assert feed.rest == b""  # nothing after it is kept, or looked at


@pytest.mark.parametrize("code", [1000, 1001, 1003, 1007, 1014, 3000, 4999])
def test_a_close_is_told_with_its_code_and_reason_and_ends_the_reading(code: int) -> None:
    feed = read_whole(client_frame(8, struct.pack("!H", code) + "bis später".encode()) + client_frame(2, b"after"))
    assert feed.words == [Word(Kind.CLOSE, "bis später".encode(), code)]
    assert (feed.onward, feed.fault, feed.rest) == (b"", None, b"")


def test_a_close_without_a_code_is_one() -> None:
    assert read_whole(client_frame(8, b"")).words == [Word(Kind.CLOSE)]


def test_an_empty_message_is_told_and_not_sent_on() -> None:
    for data in (client_frame(2, b""), client_frame(2, b"", fin=False) + client_frame(0, b"")):
        feed = read_whole(data)
        assert ([word.kind for word in feed.words], feed.onward) == ([Kind.EMPTY], b"")


def test_ten_thousand_empty_fragments_hold_nothing() -> None:
    feed = read_whole(client_frame(2, b"a", fin=False) + client_frame(0, b"", fin=False) * 10_000)
    assert feed.reader.held_bytes == 1
    assert len(feed.reader._parts) == 1
    feed.take(client_frame(0, b"b"))
    assert feed.onward == b"\x82\x02ab"


def test_too_long_a_message_is_refused_by_its_head_alone() -> None:
    assert read_whole(client_frame(2, b"x" * 70_000)[:8]).fault == Fault(
        TOO_BIG, "sent more than 65535 bytes in one message"
    )
    first = client_frame(2, b"x" * 65_000, fin=False)
    assert read_whole(first + client_frame(0, b"x" * 536)[:6]).fault is not None


@pytest.mark.parametrize("data", [b"", b"x" * 125])
def test_what_the_relay_says_is_what_a_client_reads(data: bytes) -> None:
    frames = as_a_client_reads(text_frame(data) + ping_frame(data) + pong_frame(data))
    assert [(frame.opcode, bytes(frame.data)) for frame in frames] == [
        (Opcode.TEXT, data),
        (Opcode.PING, data),
        (Opcode.PONG, data),
    ]


def test_a_reason_that_is_too_long_is_cut_between_characters() -> None:
    (frame,) = as_a_client_reads(close_frame(4408, "ä" * 100))
    assert bytes(frame.data) == struct.pack("!H", 4408) + ("ä" * 60).encode()
    assert as_a_client_reads(close_frame(1005, "not told"))[0].data == b""
