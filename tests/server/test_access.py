"""Deny by default: the doorkeeper's refusals, quotas and bounds. Every route × every caller: test_routes.py."""

import pytest
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from server.access import Who
from server.app import DOORS
from server.authenticators import authenticators
from server.doorkeeper import Doorkeeper
from tests.server.actors import World


def test_no_door_that_needs_no_sign_in_was_added_unnoticed() -> None:
    open_doors = {f"{method} {path}" for (method, path), door in DOORS.items() if door.who is Who.NOBODY}
    assert {path for path in open_doors if "/api/" in path or path in ("GET /healthz",)} == {
        "GET /healthz",
        "GET /api/openapi.json",
        "GET /api/server",
        "GET /api/challenge",
        "POST /api/enrol",
        "POST /api/organisation/pin",
        "POST /api/organisation/login",
        "POST /api/technician/login",
        "POST /api/technician/renewal",
    }


async def test_a_route_without_a_door_is_not_reached(desk: World) -> None:
    reached: list[str] = []

    async def secret(_request: object) -> PlainTextResponse:
        reached.append("secret")
        return PlainTextResponse("here")

    routes = [Route("/secret", secret)]
    office = desk.office
    kept = Doorkeeper(
        Starlette(routes=routes), office=office, routes=routes, doors=DOORS, authenticators=authenticators(office)
    )
    sent: list[dict[str, object]] = []

    async def send(message: dict[str, object]) -> None:
        sent.append(message)

    scope = {"type": "http", "method": "GET", "path": "/secret", "headers": [], "client": ("127.0.0.1", 1)}
    await kept(scope, _no_body, send)  # type: ignore[arg-type]
    assert (sent[0]["status"], reached) == (404, [])


async def _no_body() -> dict[str, object]:
    return {"type": "http.request", "body": b"", "more_body": False}


async def test_an_unknown_address_and_a_wrong_method_are_refused_with_words(desk: World) -> None:
    unknown = await desk.get("/api/nothing")
    wrong = await desk.http.request("DELETE", "/api/devices")
    assert (unknown.status_code, wrong.status_code) == (404, 405)
    assert unknown.json()["error"]["what"] == "there is nothing at this address"
    assert wrong.json()["error"]["expected"] == "GET"


@pytest.mark.parametrize("header", ["forwarded", "x-forwarded-for", "x-real-ip", "via"])
async def test_metrics_are_not_shown_through_a_proxy_on_this_machine(desk: World, header: str) -> None:
    assert (await desk.http.get("/metrics")).status_code == 200
    assert (await desk.http.get("/metrics", headers={header: "198.51.100.7"})).status_code == 403


async def test_a_flood_of_logins_from_one_address_is_slowed_and_told_when_to_come_back(desk: World) -> None:
    answers = [await desk.get("/api/challenge") for _ in range(70)]
    refused = [answer for answer in answers if answer.status_code == 429]
    assert refused
    assert int(refused[0].headers["retry-after"]) >= 1
    # Other doors have their own count.
    assert (await desk.get("/api/server")).status_code == 200


async def test_a_body_over_the_doors_limit_is_refused_whether_or_not_it_says_its_length(desk: World) -> None:
    too_large = b"x" * (64 * 1024 + 1)
    declared = await desk.http.post("/api/enrol", content=too_large)

    async def chunks():  # type: ignore[no-untyped-def]
        for _ in range(20):
            yield b"x" * 8192

    undeclared = await desk.http.post("/api/enrol", content=chunks())
    assert [declared.status_code, undeclared.status_code] == [413, 413]


@pytest.mark.parametrize(
    "body",
    [b"", b"{", b"[]", b"null", b'{"a":1,"a":2}', b"[" * 5000, b'{"token":NaN}', b"\xff\xfe{}", b'{"extra":1}'],
)
async def test_bodies_that_are_not_what_was_asked_for_are_refused_in_words(desk: World, body: bytes) -> None:
    for path in ("/api/enrol", "/api/organisation/pin", "/api/organisation/login", "/api/technician/login"):
        done = await desk.post(path, body)
        assert done.status_code == 400, (path, done.text)
        assert done.json()["error"]["what"]
