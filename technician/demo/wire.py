"""What passed the tap, as messages: HTTP heads and bodies (chunks joined), WebSocket messages unmasked and joined.

h11 reads HTTP, `websockets` reads frames; both see only the recorded bytes, after the fact. A connection that cannot be
read to its end still gives what could be read, and its raw bytes are searched anyway.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import h11
from websockets.exceptions import PayloadTooBig, ProtocolError
from websockets.frames import Frame, Opcode
from websockets.streams import StreamReader

_HEAD_MAX_BYTES: Final = 128 * 1024
_DATA = (Opcode.TEXT, Opcode.BINARY, Opcode.CONT)


@dataclass
class Conversation:
    """One TCP connection. `http`: heads and bodies; `messages`: (text or binary, payload) of its WebSocket."""

    name: str
    raw: list[bytes]
    http: list[bytes] = field(default_factory=list)
    messages: list[tuple[Opcode, bytes]] = field(default_factory=list)
    path: str = ""
    fault: str = ""

    @property
    def relay(self) -> bool:
        return self.path.startswith("/relay/")

    @property
    def pieces(self) -> Iterator[bytes]:
        yield from self.raw
        yield from self.http
        for _, payload in self.messages:
            yield payload


def read_tap(folder: Path) -> list[Conversation]:
    """Every recorded connection, in order."""
    found: list[Conversation] = []
    for up_file in sorted(folder.glob("*-up.bin")):
        down_file = up_file.with_name(up_file.name.replace("-up.", "-down."))
        up = up_file.read_bytes()
        down = down_file.read_bytes() if down_file.exists() else b""
        found.append(read_conversation(up_file.stem.removesuffix("-up"), up, down))
    return found


def read_conversation(name: str, up: bytes, down: bytes) -> Conversation:
    conversation = Conversation(name, [up, down])
    try:
        requests, up_rest, _ = _requests(up, conversation)
        down_rest, upgraded = _responses(down, requests, conversation)
        if upgraded:
            conversation.messages += _messages(up_rest, masked=True)
            conversation.messages += _messages(down_rest, masked=False)
    except (h11.ProtocolError, ProtocolError, PayloadTooBig) as error:
        conversation.fault = str(error)
    return conversation


def _requests(data: bytes, into: Conversation) -> tuple[list[h11.Request], bytes, bool]:
    """The requests, and what follows the one that asked for a WebSocket."""
    requests: list[h11.Request] = []
    while data:
        connection = h11.Connection(h11.SERVER, max_incomplete_event_size=_HEAD_MAX_BYTES)
        connection.receive_data(data)
        request = connection.next_event()
        if not isinstance(request, h11.Request):
            break
        requests.append(request)
        into.path = request.target.decode("ascii", "replace")
        into.http.append(_head(request))
        body, done = _body(connection)
        into.http.append(body)
        if not done:
            break
        data = connection.trailing_data[0]
        if any(name == b"upgrade" for name, _ in request.headers):
            return requests, data, True
    return requests, b"", False


def _responses(data: bytes, requests: list[h11.Request], into: Conversation) -> tuple[bytes, bool]:
    for request in requests:
        if not data:
            break
        connection = h11.Connection(h11.CLIENT, max_incomplete_event_size=_HEAD_MAX_BYTES)
        connection.send(request)
        # A body of the right length, so that h11 takes the request for sent; its content does not matter here.
        length = next((int(value) for name, value in request.headers if name == b"content-length"), 0)
        if length:
            connection.send(h11.Data(data=bytes(length)))
        connection.send(h11.EndOfMessage())
        connection.receive_data(data)
        response = connection.next_event()
        if isinstance(response, h11.InformationalResponse) and response.status_code == 101:
            into.http.append(_head(response))
            return connection.trailing_data[0], True
        if not isinstance(response, h11.Response):
            break
        into.http.append(_head(response))
        body, done = _body(connection)
        into.http.append(body)
        if not done:
            break
        data = connection.trailing_data[0]
    return b"", False


def _head(event: h11.Request | h11.Response | h11.InformationalResponse) -> bytes:
    first = event.method + b" " + event.target if isinstance(event, h11.Request) else str(event.status_code).encode()
    return first + b"\n" + b"".join(name + b": " + value + b"\n" for name, value in event.headers)


def _body(connection: h11.Connection) -> tuple[bytes, bool]:
    """What came of the body, and whether all of it did."""
    body = bytearray()
    while True:
        event = connection.next_event()
        if isinstance(event, h11.Data):
            body += event.data
        elif isinstance(event, h11.EndOfMessage):
            return bytes(body), True
        else:
            return bytes(body), False


def _messages(data: bytes, *, masked: bool) -> list[tuple[Opcode, bytes]]:
    """Data messages, fragments joined. An unfinished frame at the end of the recording is left out."""
    reader = StreamReader()
    reader.feed_data(data)
    reader.feed_eof()
    found: list[tuple[Opcode, bytes]] = []
    parts: list[bytes] = []
    kind = Opcode.BINARY
    while True:
        try:
            frame = _next_frame(reader, masked=masked)
        except EOFError:
            return found
        if frame.opcode not in _DATA:
            continue
        if frame.opcode is not Opcode.CONT:
            kind = frame.opcode
        parts.append(bytes(frame.data))
        if frame.fin:
            found.append((kind, b"".join(parts)))
            parts = []


def _next_frame(reader: StreamReader, *, masked: bool) -> Frame:
    parsing = Frame.parse(reader.read_exact, mask=masked, max_size=None)
    try:
        while True:
            next(parsing)
    except StopIteration as done:
        frame: Frame = done.value
        return frame
