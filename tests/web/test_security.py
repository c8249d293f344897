"""The headers are on every answer, and no application can take them off."""

from __future__ import annotations

import httpx2
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from tests.running import PLAIN
from web.security import SecurityHeaders, security_headers

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; "
    "trusted-types bellpull"
)


async def fine(request: Request) -> Response:
    return PlainTextResponse("fine")


async def weak(request: Request) -> Response:
    headers = {"Content-Security-Policy": "default-src *", "Cache-Control": "max-age=5"}
    return PlainTextResponse("weak", headers=headers)


async def broken(request: Request) -> Response:
    raise RuntimeError("broken on purpose")


APP = SecurityHeaders(Starlette(routes=[Route("/", fine), Route("/weak", weak), Route("/broken", broken)]))


async def get(path: str) -> httpx2.Response:
    transport = httpx2.ASGITransport(app=APP, raise_app_exceptions=False)
    async with httpx2.AsyncClient(verify=PLAIN, transport=transport, base_url="http://desk") as client:
        return await client.get(path)


@pytest.mark.parametrize(("path", "status"), [("/", 200), ("/absent", 404), ("/broken", 500)])
async def test_every_answer_carries_them_errors_too(path: str, status: int) -> None:
    answer = await get(path)
    assert answer.status_code == status
    assert {name: answer.headers[name] for name in security_headers()} == security_headers()


async def test_an_application_may_choose_how_long_to_cache_and_nothing_else() -> None:
    answer = await get("/weak")
    assert answer.headers.get_list("content-security-policy") == [POLICY]
    assert answer.headers["cache-control"] == "max-age=5"


def test_the_policy_word_for_word() -> None:
    headers = security_headers()
    assert headers["content-security-policy"] == POLICY
    assert "unsafe" not in POLICY
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "same-origin"
    assert headers["cross-origin-opener-policy"] == "same-origin"
    assert headers["cross-origin-resource-policy"] == "same-origin"
    assert headers["cache-control"] == "no-store"
    assert "camera=()" in headers["permissions-policy"]


def test_a_surface_without_scripts_allows_none() -> None:
    policy = security_headers(scripts=False)["content-security-policy"]
    assert "script-src 'none'" in policy
    assert "connect-src 'none'" in policy


async def test_websockets_pass_through_untouched() -> None:
    seen: list[Scope] = []

    async def inner(scope: Scope, receive: Receive, send: Send) -> None:
        seen.append(scope)
        await send({"type": "websocket.accept"})

    sent = []

    async def send(message: object) -> None:
        sent.append(message)

    async def receive() -> dict[str, str]:
        return {"type": "websocket.connect"}

    await SecurityHeaders(inner)({"type": "websocket", "headers": []}, receive, send)
    assert sent == [{"type": "websocket.accept"}]
    assert len(seen) == 1
