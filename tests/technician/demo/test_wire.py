"""What passed the tap is read back as the messages it was made of."""

import random
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as some
from websockets.frames import Frame, Opcode

from technician.demo.wire import read_conversation, read_tap

ASK = b"GET /api/devices HTTP/1.1\r\nHost: x\r\n\r\n"
POST = b"POST /api/enrol HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello"
ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nyes"
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nwor\r\n2\r\nld\r\n0\r\n\r\n"
UPGRADE = b"GET /relay/room HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n"
SWITCH = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n"


def frames(*messages: tuple[Opcode, bytes], masked: bool) -> bytes:
    return b"".join(Frame(opcode, payload).serialize(mask=masked) for opcode, payload in messages)


def test_requests_and_answers_on_one_connection() -> None:
    read = read_conversation("1", ASK + POST, ANSWER + CHUNKED)
    assert read.fault == ""
    assert read.http[1::2] == [b"", b"hello", b"yes", b"world"]
    assert read.path == "/api/enrol"


def test_websocket_messages_are_unmasked_and_joined() -> None:
    up = UPGRADE + frames((Opcode.TEXT, b"join"), (Opcode.BINARY, b"\x00sealed" * 3000), masked=True)
    parts = Frame(Opcode.BINARY, b"first ", fin=False).serialize(mask=False) + frames(
        (Opcode.PING, b"beat"), (Opcode.CONT, b"second"), masked=False
    )
    read = read_conversation("1", up, SWITCH + parts)
    assert read.relay
    assert read.messages == [
        (Opcode.TEXT, b"join"),
        (Opcode.BINARY, b"\x00sealed" * 3000),
        (Opcode.BINARY, b"first second"),
    ]
    assert b"join" not in up  # masked on the wire: without decoding the search would have been blind


def test_a_recording_that_breaks_off_gives_what_came() -> None:
    up = UPGRADE + frames((Opcode.BINARY, b"whole"), (Opcode.BINARY, b"never finished"), masked=True)
    read = read_conversation("1", up[:-4], SWITCH)
    assert read.messages == [(Opcode.BINARY, b"whole")]


def test_what_is_not_http_is_a_fault_and_still_searched_raw() -> None:
    read = read_conversation("1", b"\x16\x03\x01 something else entirely\r\n\r\n", b"")
    assert read.fault
    assert b"\x16\x03\x01 something else entirely\r\n\r\n" in list(read.pieces)


def test_every_recorded_connection_is_read(tmp_path: Path) -> None:
    for number in (1, 2):
        (tmp_path / f"{number:04d}-up.bin").write_bytes(ASK)
        (tmp_path / f"{number:04d}-down.bin").write_bytes(ANSWER)
    (tmp_path / "0003-up.bin").write_bytes(b"")
    assert [each.name for each in read_tap(tmp_path)] == ["0001", "0002", "0003"]


@settings(deadline=None, derandomize=True, max_examples=100)
@given(some.binary(max_size=400), some.binary(max_size=400))
def test_no_recording_breaks_the_reader(up: bytes, down: bytes) -> None:
    assert list(read_conversation("1", up, down).pieces)[:2] == [up, down]
    read_conversation("1", UPGRADE + up, SWITCH + down)


def test_messages_survive_any_sizes() -> None:
    chosen = random.Random(3)
    sent = [(Opcode.BINARY, chosen.randbytes(size)) for size in (0, 1, 125, 126, 65_535, 65_536)]
    read = read_conversation("1", UPGRADE + frames(*sent, masked=True), SWITCH)
    assert read.messages == sent
