"""Strangers who mean harm, at the port itself; and what of it all stands in logs and files."""

import asyncio
import json
import os
from pathlib import Path

import pytest
from websockets.asyncio.client import connect

from protocol.messages.api import DeviceList, TicketDetail
from protocol.messages.items import Refused, Stored, TicketItem
from protocol.messages.login import Welcome
from server import sockets
from server.logs import FIELDS, only_listed_fields
from tests.making import DAY
from tests.running import start_server
from tests.server.actors import World, uuid
from tests.server.test_restarts import outside

VECTORS = Path(os.environ.get("BELLPULL_VECTORS", Path(__file__).parents[3] / "shared" / "vectors"))


async def raw(desk: World, sent: bytes, then: bytes = b"", within_s: float = 5) -> bytes:
    """Send bytes to the port, and `then` more once it answered; what came back until it closed or went silent."""
    host, port = desk.origin.removeprefix("http://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    writer.write(sent)
    received = b""
    try:
        async with asyncio.timeout(within_s):
            await writer.drain()
            if then:
                received += await reader.readuntil(b"\r\n\r\n")
                writer.write(then)
            while piece := await reader.read(65_536):
                received += piece
    except (TimeoutError, ConnectionError):
        received += b"<still open>" if not reader.at_eof() else b""
    writer.close()
    return received


@pytest.mark.parametrize(
    "sent",
    [
        b"\x00" * 1000,
        b"\x16\x03\x01\x02\x00\x01\x00",
        b"GET / HTTP/9.9\r\n\r\n",
        b"GET " + b"/a" * 40_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET / HTTP/1.1\r\n" + b"".join(b"X-%d: y\r\n" % n for n in range(20_000)) + b"\r\n",
        b"POST /api/enrol HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n{}",
        b"POST /api/enrol HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nFFFFFFFFFFFFFFFFF\r\n",
        b"POST /api/enrol HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n",
    ],
    ids=["zeros", "tls", "version", "long path", "headers", "two lengths", "huge chunk", "negative"],
)
async def test_broken_http_is_answered_or_cut_and_the_server_serves_on(desk: World, sent: bytes) -> None:
    received = await raw(desk, sent)
    assert b" 200 " not in received
    assert b" 202 " not in received
    assert (await desk.get("/healthz")).status_code == 200


async def test_who_never_finishes_a_request_is_cut_off(desk: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sockets, "HEAD_S", 0.3)
    for sent in (b"", b"GET / HTTP/1.1\r\nX-Slow: "):
        assert b"<still open>" not in await raw(desk, sent)


async def test_a_websocket_with_an_oversized_frame_or_header_is_closed(desk: World) -> None:
    key = b"Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Version: 13\r\n"
    head = b"GET /link HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" + key
    head += b"Sec-WebSocket-Protocol: bellpull.v1\r\n\r\n"
    huge = b"\x81\xff" + (2**63 - 1).to_bytes(8, "big") + b"\x00" * 4
    unmasked = b"\x81\x05hello"
    reserved = b"\xf1\x80\x00\x00\x00\x00"
    for sent in (huge, unmasked, reserved):
        received = await raw(desk, head, sent)
        assert received.startswith(b"HTTP/1.1 101 ")
        assert b"<still open>" not in received
    assert (await desk.get("/healthz")).status_code == 200


async def test_a_browser_page_cannot_open_the_link_with_the_right_subprotocol(desk: World) -> None:
    # What a page could do: a WebSocket with a subprotocol of its choice, and an Origin it cannot hide.
    with pytest.raises(Exception, match="403"):
        await connect(f"{desk.websocket}/link", subprotocols=["bellpull.v1"], origin="https://desk.example")  # type: ignore[list-item, arg-type]


async def test_every_naughty_string_as_words_and_label_comes_back_unchanged_or_is_refused(desk: World) -> None:
    path = VECTORS / "naughty-strings.json"
    if not path.exists():
        pytest.skip(f"no vectors at {path}")
    naughty = [text for text in json.loads(path.read_bytes()) if isinstance(text, str)]
    assert len(naughty) > 500
    sample = naughty if os.environ.get("BELLPULL_SOAK") == "1" else naughty[:: max(1, len(naughty) // 60)]
    device = await desk.approved()
    desk.office.tickets._open_max = desk.office.tickets._a_day_max = len(sample) + 1
    token = await desk.technician_token()
    async with desk.link(device) as link:
        await link.hear(Welcome)
        for at, words in enumerate(sample):
            statement = device.ticket(f"n{at}", words=words[:4000])
            await link.say(TicketItem(id=uuid(f"i{at}"), ticket=device.key.sign(statement)))
            while not isinstance(heard := await link.hear_any(), Stored | Refused):
                pass
            assert isinstance(heard, Stored), words
            detail = await desk.get(f"/api/tickets/{statement.ticket}", token)
            assert TicketDetail.model_validate_json(detail.content).words == words[:4000]


async def test_a_label_with_markup_is_kept_as_text(desk: World) -> None:
    label = "<script>alert(1)</script>"
    device = desk.device("x")
    request = desk.enrolment(device).model_copy(update={"label": label})
    assert (await desk.post("/api/enrol", request)).status_code == 202
    token = await desk.technician_token()
    answer = await desk.get("/api/devices", token)
    assert DeviceList.model_validate_json(answer.content).devices[0].label == label
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["x-content-type-options"] == "nosniff"


def test_a_log_line_holds_listed_fields_only() -> None:
    line = {"event": "x", "level": "info", "device": "d-1", "words": "secret", "token": "t", "client": "1.2.3.4"}
    assert only_listed_fields(None, "info", dict(line)) == {"event": "x", "level": "info", "device": "d-1"}
    assert not FIELDS & {"words", "text", "name", "label", "token", "address", "customer", "reason", "setup_code"}


async def test_no_words_names_tokens_or_addresses_reach_the_servers_log(tmp_path: Path) -> None:
    with start_server(tmp_path) as server:
        async with outside(server) as world:
            device = await world.approved("Canary Laptop", customer="Acme")
            token = await world.technician_token("Canary Person", not_after=world.clock.now + DAY)
            async with world.link(device) as link:
                await link.hear(Welcome)
                statement = device.ticket(words="canary words of a customer")
                await link.say(TicketItem(id=uuid("t"), ticket=device.key.sign(statement)))
                await link.hear(Stored)
                await link.socket.send('{"type":"canary-type","secret":"canary field"}')
                await link.socket.send('{"type":"heartbeat","queued":"canary value"}')
                await link.socket.wait_closed()
            for path in ("/api/devices", "/api/canary", f"/api/tickets/{statement.ticket}?canary=1"):
                await world.get(path, token)
            await world.post("/api/enrol", b'{"canary":')
        assert server.stop() == 0
        text = server.log()
    assert "agent-connected" in text, "the log does say something"
    for secret in ("anary", "Acme", token, server.setup_code, "customer", "Helpful"):
        assert secret not in text
    for line in text.splitlines():
        if line.startswith("{"):
            assert set(json.loads(line)) <= FIELDS
            assert "127.0.0.1" not in line or json.loads(line)["event"] == "listening"
