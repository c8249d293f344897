"""Who gets through the doors of a loopback face, and who does not."""

from __future__ import annotations

from collections.abc import Sequence

import httpx2
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route, WebSocketRoute
from starlette.types import ASGIApp, Message
from starlette.websockets import WebSocket

from tests.running import PLAIN
from web.loopback import HostAndOrigin, LaunchToken, launch_host

ORIGIN = "http://127.0.0.1:8123"
TOKEN = "launch-token-of-this-test"
SESSION = "session-of-this-test"


async def hello(request: Request) -> Response:
    return PlainTextResponse("inside")


async def live(socket: WebSocket) -> None:
    await socket.accept()
    await socket.close()


def inner() -> Starlette:
    return Starlette(routes=[Route("/{rest:path}", hello, methods=["GET", "POST"]), WebSocketRoute("/live", live)])


def guarded() -> ASGIApp:
    return HostAndOrigin(inner(), origins={ORIGIN})


def door() -> LaunchToken:
    return LaunchToken(inner(), face="workbench", port=8123, token=TOKEN, session=SESSION)


async def ask(
    app: ASGIApp, method: str = "GET", path: str = "/", headers: Sequence[tuple[str, str]] = ()
) -> httpx2.Response:
    async with httpx2.AsyncClient(verify=PLAIN, transport=httpx2.ASGITransport(app=app), base_url=ORIGIN) as client:
        return await client.request(method, path, headers=list(headers))


async def connect(app: ASGIApp, headers: Sequence[tuple[str, str]]) -> str:
    """Opens a websocket by hand; returns the type of the first answer."""
    sent: list[Message] = []
    waiting: list[Message] = [{"type": "websocket.connect"}, {"type": "websocket.disconnect", "code": 1000}]

    async def receive() -> Message:
        return waiting.pop(0)

    async def send(message: Message) -> None:
        sent.append(message)

    raw = [(name.encode(), value.encode()) for name, value in headers]
    scope = {"type": "websocket", "path": "/live", "headers": raw, "query_string": b"", "subprotocols": []}
    await app(scope, receive, send)
    return str(sent[0]["type"])


# --- host and origin ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "headers",
    [
        [],
        [("Sec-Fetch-Site", "none")],
        [("Sec-Fetch-Site", "same-origin"), ("Origin", ORIGIN)],
        [("Origin", ORIGIN.upper())],
    ],
)
async def test_our_own_requests_come_in(headers: list[tuple[str, str]]) -> None:
    assert (await ask(guarded(), headers=headers)).text == "inside"


@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        "127.0.0.1",
        "127.0.0.1:81230",
        "127.0.0.1:8124",
        "localhost:8123",
        "127.0.0.1:8123.evil.example",
        "evil.example:8123",
        "2130706433:8123",
        "[::1]:8123",
        "",
    ],
)
async def test_another_host_name_is_refused(host: str) -> None:
    """DNS rebinding: the name resolves to us, but the Host header tells."""
    answer = await ask(guarded(), headers=[("Host", host)])
    assert answer.status_code == 403
    assert "127.0.0.1:8123" in answer.text


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize(
    "origin",
    [
        "null",
        "",
        "https://127.0.0.1:8123",
        "http://127.0.0.1:8124",
        "http://127.0.0.1",
        "http://127.0.0.1:8123.evil.example",
        "http://evil.example",
        "http://evil.example/http://127.0.0.1:8123",
        "http://127.0.0.1:8123/",
        f"{ORIGIN}, {ORIGIN}",
        "file://",
        "chrome-extension://abcdefgh",
    ],
)
async def test_another_origin_is_refused(origin: str, method: str) -> None:
    assert (await ask(guarded(), method, headers=[("Origin", origin)])).status_code == 403


async def test_a_second_origin_header_does_not_help() -> None:
    headers = [("Origin", ORIGIN), ("Origin", "http://evil.example")]
    assert (await ask(guarded(), "POST", headers=headers)).status_code == 403


@pytest.mark.parametrize("site", ["cross-site", "same-site", "nonsense"])
async def test_a_request_begun_by_another_site_is_refused_even_a_read(site: str) -> None:
    assert (await ask(guarded(), headers=[("Sec-Fetch-Site", site)])).status_code == 403


LINK = [("Sec-Fetch-Site", "cross-site"), ("Sec-Fetch-Mode", "navigate"), ("Sec-Fetch-Dest", "document")]


@pytest.mark.parametrize(
    ("method", "headers", "status"),
    [
        ("GET", LINK, 200),
        ("GET", [*LINK[:2], ("Sec-Fetch-Dest", "iframe")], 403),
        ("GET", [LINK[0], ("Sec-Fetch-Mode", "no-cors"), ("Sec-Fetch-Dest", "image")], 403),
        ("GET", LINK[:1], 403),
        ("POST", [*LINK, ("Origin", ORIGIN)], 403),
        ("POST", [*LINK, ("Origin", "http://evil.example")], 403),
    ],
)
async def test_a_console_may_be_linked_to_and_nothing_more(
    method: str, headers: list[tuple[str, str]], status: int
) -> None:
    console = HostAndOrigin(inner(), origins={ORIGIN}, links_from_elsewhere=True)
    assert (await ask(console, method, headers=headers)).status_code == status
    assert (await ask(guarded(), method, headers=headers)).status_code == 403


async def test_a_change_must_name_its_origin() -> None:
    answer = await ask(guarded(), "POST")
    assert answer.status_code == 403
    assert "must name its Origin" in answer.text
    assert (await ask(guarded(), "POST", headers=[("Origin", ORIGIN)])).status_code == 200


async def test_the_refusal_repeats_nothing_the_caller_sent() -> None:
    answer = await ask(guarded(), headers=[("Host", "<script>.example")])
    assert "script" not in answer.text
    assert answer.headers["content-type"] == "text/plain; charset=utf-8"


@pytest.mark.parametrize(
    ("headers", "answer"),
    [
        ([("host", "127.0.0.1:8123"), ("origin", ORIGIN)], "websocket.accept"),
        ([("host", "127.0.0.1:8123")], "websocket.close"),
        ([("host", "127.0.0.1:8123"), ("origin", "http://evil.example")], "websocket.close"),
        ([("host", "127.0.0.1:8123"), ("origin", "null")], "websocket.close"),
        ([("host", "evil.example"), ("origin", ORIGIN)], "websocket.close"),
        ([("origin", ORIGIN)], "websocket.close"),
    ],
)
async def test_a_websocket_must_name_our_origin(headers: list[tuple[str, str]], answer: str) -> None:
    assert await connect(guarded(), headers) == answer


@pytest.mark.parametrize("origins", [set(), {"127.0.0.1:8123"}, {""}])
def test_origins_that_name_no_host_are_an_error_at_start(origins: set[str]) -> None:
    with pytest.raises(ValueError, match="origins must look like"):
        HostAndOrigin(inner(), origins=origins)


# --- launch token ---------------------------------------------------------------------------------------------


async def test_the_token_becomes_a_cookie_and_leaves_the_address() -> None:
    answer = await ask(door(), path=f"/tickets?token={TOKEN}")
    assert answer.status_code == 303
    assert answer.headers["location"] == "/tickets"
    assert answer.headers["cache-control"] == "no-store"
    cookie = answer.headers["set-cookie"]
    assert cookie.startswith(f"bellpull-workbench-8123={SESSION};")
    assert {part.strip().lower() for part in cookie.split(";")[1:]} == {"httponly", "path=/", "samesite=strict"}


async def test_the_token_works_once() -> None:
    app = door()
    assert (await ask(app, path=f"/?token={TOKEN}")).status_code == 303
    assert (await ask(app, path=f"/?token={TOKEN}")).status_code == 403


async def test_a_fresh_token_can_be_asked_for() -> None:
    app = door()
    fresh = app.renew()
    assert (await ask(app, path=f"/?token={TOKEN}")).status_code == 403
    assert (await ask(app, path=f"/?token={fresh}")).status_code == 303


@pytest.mark.parametrize(
    "path",
    ["/", "/?token=", "/?token=wrong", f"/?token={TOKEN[:-1]}", f"/?token={TOKEN}x", "/?token=%ff%00", "/?tokens=x"],
)
async def test_without_the_token_nobody_gets_in(path: str) -> None:
    app = door()
    answer = await ask(app, path=path)
    assert answer.status_code == 403
    assert "set-cookie" not in answer.headers
    # A wrong guess does not spend the right one.
    assert (await ask(app, path=f"/?token={TOKEN}")).status_code == 303


@pytest.mark.parametrize("method", ["HEAD", "POST"])
async def test_only_a_get_spends_the_token(method: str) -> None:
    app = door()
    assert (await ask(app, method, f"/?token={TOKEN}")).status_code == 403
    assert (await ask(app, path=f"/?token={TOKEN}")).status_code == 303


@pytest.mark.parametrize(
    ("cookie", "status"),
    [
        (f"bellpull-workbench-8123={SESSION}", 200),
        (f"other=1; bellpull-workbench-8123={SESSION}", 200),
        (f"bellpull-workbench-8124={SESSION}", 403),
        (f"bellpull-workbench-8123={SESSION}x", 403),
        ("bellpull-workbench-8123=", 403),
        (f"bellpull-workbench-8123={TOKEN}", 403),
        ("=;;;=", 403),
        ("\x01=\x02; [broken", 403),
    ],
)
async def test_the_cookie_lets_in(cookie: str, status: int) -> None:
    assert (await ask(door(), headers=[("Cookie", cookie)])).status_code == status


async def test_the_redirect_never_leaves_this_origin() -> None:
    sent: list[Message] = []

    async def send(message: Message) -> None:
        sent.append(message)

    async def receive() -> Message:
        return {"type": "http.request"}

    query = f"token={TOKEN}".encode()
    scope = {"type": "http", "method": "GET", "path": "//evil.example/x", "headers": [], "query_string": query}
    await door()(scope, receive, send)
    assert (b"location", b"/evil.example/x") in sent[0]["headers"]


async def test_a_websocket_needs_the_cookie() -> None:
    assert await connect(door(), []) == "websocket.close"
    assert await connect(door(), [("cookie", f"bellpull-workbench-8123={SESSION}")]) == "websocket.accept"


def test_an_empty_token_is_an_error() -> None:
    with pytest.raises(ValueError, match="would let everyone in"):
        LaunchToken(inner(), face="workbench", port=1, token="")


def test_the_address_holds_the_token_until_it_is_used() -> None:
    assert door().address(ORIGIN) == f"{ORIGIN}/?token={TOKEN}"


def test_tokens_and_hosts_are_long_and_new_each_time() -> None:
    first, second = (LaunchToken(inner(), face="page", port=1) for _ in range(2))
    assert first.token != second.token
    assert first.session != second.session
    assert len(first.session) >= 43  # 256 bits in base64
    assert launch_host() != launch_host()
    assert launch_host().endswith(".localhost")
