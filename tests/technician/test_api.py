"""The HTTP client: which servers it talks to, and what it takes from one that lies."""

import json
from collections.abc import Callable

import httpx2
import pytest

from protocol.errors import RemoteProtocolError
from technician.api import Api, ServerRefusal, SignInNeeded, check_origin, tls_context
from technician.problems import Problem

LOOPBACK = "http://127.0.0.1:9"


@pytest.mark.parametrize(
    "origin",
    [
        "https://support.example.org",
        "https://support.example.org:8443/",
        "http://127.0.0.1:8443",
        "http://[::1]:1",
        "http://localhost:8443",
    ],
)
def test_https_anywhere_and_http_on_this_machine(origin: str) -> None:
    assert check_origin(origin) == origin.rstrip("/")


@pytest.mark.parametrize(
    "origin",
    [
        "http://support.example.org",
        "http://127.0.0.1.evil.example",
        "http://10.0.0.1:8443",
        "ftp://support.example.org",
        "https://",
        "https://user:word@support.example.org",
        "https://support.example.org/path",
        "https://support.example.org?x=1",
        "support.example.org",
        "",
    ],
)
def test_other_addresses_are_refused_as_wrong_use(origin: str) -> None:
    with pytest.raises(Problem, match="not a server address") as refusal:
        check_origin(origin)
    assert refusal.value.exit_code == 2


def test_tls_uses_the_operating_systems_trust_store() -> None:
    context = tls_context("https://support.example.org")
    assert type(context).__module__.startswith("truststore")
    assert tls_context(LOOPBACK) is None


def server(answer: Callable[[httpx2.Request], httpx2.Response]) -> Api:
    return Api(LOOPBACK, token="t" * 43, transport=httpx2.MockTransport(answer))


async def test_the_token_goes_with_every_question() -> None:
    seen: list[str] = []

    def answer(request: httpx2.Request) -> httpx2.Response:
        seen.append(request.headers["authorization"])
        return httpx2.Response(200, json={"tickets": []})

    async with server(answer) as api:
        await api.tickets()
    assert seen == ["Bearer " + "t" * 43]


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b'{"tickets":[],"tickets":[]}',
        b'{"tickets":[],"more":1}',
        b'{"tickets":NaN}',
        b'{"tickets":[{"ticket":1}]}',
        b"<html>a captive portal</html>",
        b"[" * 100_000,
    ],
)
async def test_an_answer_of_another_shape_is_the_servers_fault(body: bytes) -> None:
    async with server(lambda _: httpx2.Response(200, content=body)) as api:
        with pytest.raises(RemoteProtocolError, match="the server's answer"):
            await api.tickets()


async def test_an_endless_answer_is_cut_off() -> None:
    async def endless() -> object:
        while True:
            yield b"x" * 1_000_000

    async with server(lambda _: httpx2.Response(200, content=endless())) as api:  # type: ignore[arg-type]
        with pytest.raises(RemoteProtocolError, match="too large"):
            await api.tickets()


async def test_redirects_are_not_followed() -> None:
    """A redirect would carry the token to wherever the server says."""
    asked: list[str] = []

    def answer(request: httpx2.Request) -> httpx2.Response:
        asked.append(str(request.url))
        return httpx2.Response(302, headers={"location": "http://127.0.0.1:10/steal"})

    async with server(answer) as api:
        with pytest.raises(ServerRefusal, match="the server answered 302"):
            await api.tickets()
    assert asked == [f"{LOOPBACK}/api/tickets"]


async def test_the_servers_own_words_are_shown_and_cannot_forge_a_line() -> None:
    error = {"error": {"what": "no\x1b[2J such\nticket", "expected": "a", "got": "b", "hint": "c"}}
    async with server(lambda _: httpx2.Response(404, content=json.dumps(error))) as api:
        with pytest.raises(ServerRefusal) as refusal:
            await api.ticket("x")
    assert (refusal.value.status, refusal.value.expected, refusal.value.hint) == (404, "a", "c")


async def test_401_means_sign_in_again() -> None:
    async with server(lambda _: httpx2.Response(401, content=b"")) as api:
        with pytest.raises(SignInNeeded) as refusal:
            await api.devices()
    assert "bellpull login" in refusal.value.hint


async def test_a_server_that_is_not_there_is_named() -> None:
    async with Api(LOOPBACK) as api:
        with pytest.raises(Problem, match="the server cannot be reached") as refusal:
            await api.server()
    assert refusal.value.expected == LOOPBACK
