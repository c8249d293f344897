"""Deny by default: finds the door of a request in the table, and lets in who may pass it. Nobody else gets further.

    route known? ─► quota of the address ─► who is this ─► body bounded ─► the route
It puts the caller into `scope["state"]["visitor"]`. What a route then shows is bounded by the visitor's customers.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from starlette.requests import HTTPConnection, Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Match
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from protocol import strict_json
from server.access import Door, Limit, Who
from server.logs import log
from server.office import Office
from server.quotas import Quota
from server.refusal import Refusal

_LOOPBACK = ("127.0.0.1", "::1")
#: How long a request may pause in the middle of its body.
BODY_SILENCE_S = 20
_FORWARDED = ("forwarded", "x-forwarded-for", "x-real-ip", "via")


@dataclass(frozen=True)
class Visitor:
    """Who asks. `identity`: what the authenticator of that kind found (a Technician, a person, nothing)."""

    who: Who
    identity: Any = None


#: Says who is there for one kind of door, or raises Refusal.
Authenticator = Callable[[HTTPConnection, Door], Awaitable[Visitor]]


class Doorkeeper:
    """ASGI middleware around the whole application. `routes`: the same list the application routes by."""

    def __init__(
        self,
        app: ASGIApp,
        *,
        office: Office,
        routes: Sequence[BaseRoute],
        doors: Mapping[tuple[str, str], Door],
        authenticators: Mapping[Who, Authenticator],
        page_of: Callable[[Request, Refusal], Response] | None = None,
    ) -> None:
        self._app = app
        self._office = office
        self._routes = routes
        self._doors = doors
        self._authenticators = authenticators
        self._page_of = page_of  # a refusal for people, whose browsers ask for text/html
        caps = office.config.settings.caps
        self._quotas = {
            Limit.REQUESTS: Quota.per_minute(caps.requests_a_minute),
            Limit.LOGINS: Quota.per_minute(caps.logins_a_minute),
            Limit.ENROLMENTS: Quota.per_minute(caps.enrolments_a_minute),
            Limit.LINKS: Quota.per_minute(caps.links_a_minute),
        }

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        started_s = time.perf_counter()
        path = ""
        try:
            path, door = self._door(scope)
            connection = HTTPConnection(scope)
            self._check_quota(connection, door)
            scope.setdefault("state", {})["visitor"] = await self._authenticators[door.who](connection, door)
            if scope["type"] == "http":
                receive = _bounded(receive, connection, door.body_max_bytes)
            await self._app(scope, receive, send)
        except Refusal as refusal:
            await self._refuse(refusal, scope, receive, send)
        finally:
            if scope["type"] == "http":
                self._office.metrics.request_seconds.labels(route=path).observe(time.perf_counter() - started_s)

    def _door(self, scope: Scope) -> tuple[str, Door]:
        method = "WEBSOCKET" if scope["type"] == "websocket" else scope["method"]
        allowed: set[str] = set()
        for route in self._routes:
            match, _ = route.matches(scope)
            path = str(getattr(route, "path", ""))
            if match is Match.PARTIAL:
                allowed |= getattr(route, "methods", None) or set()
            if match is not Match.FULL:
                continue
            door = self._doors.get((method, path))
            if door is None and method == "HEAD":
                door = self._doors.get(("GET", path))
            if door is not None:
                return path, door
            log.error("route-without-door", route=path)
        if allowed:
            raise Refusal(405, "this address does not know that method", expected=", ".join(sorted(allowed)))
        raise Refusal(404, "there is nothing at this address")

    def _check_quota(self, connection: HTTPConnection, door: Door) -> None:
        address = connection.client.host if connection.client else ""
        wait_s = self._quotas[door.quota].take(address, self._office.mono())
        if wait_s:
            raise Refusal(
                429,
                "too many requests from this address",
                hint=f"Try again in {int(wait_s) + 1} s.",
                retry_after_s=int(wait_s) + 1,
            )

    async def _refuse(self, refusal: Refusal, scope: Scope, receive: Receive, send: Send) -> None:
        self._office.metrics.refusals.labels(status=str(refusal.status)).inc()
        if scope["type"] == "websocket":
            await receive()
            await send({"type": "websocket.close", "code": 1008, "reason": ""})
            return
        request = Request(scope)
        is_page = not scope["path"].startswith("/api/") and "text/html" in request.headers.get("accept", "")
        if self._page_of is not None and is_page:
            await self._page_of(request, refusal)(scope, receive, send)
        else:
            await refusal_response(refusal)(scope, receive, send)


def refusal_response(refusal: Refusal) -> Response:
    headers = {"retry-after": str(refusal.retry_after_s)} if refusal.retry_after_s else {}
    if refusal.status == 401:
        headers["www-authenticate"] = "Bearer"
    if refusal.status == 405:
        headers["allow"] = refusal.facts.expected
    return Response(strict_json.dump(refusal.reply), refusal.status, headers=headers, media_type="application/json")


def is_local(connection: HTTPConnection) -> bool:
    """From this machine itself, and not through a proxy on it."""
    host = connection.client.host if connection.client else ""
    return host in _LOOPBACK and not any(name in connection.headers for name in _FORWARDED)


def bearer_token(connection: HTTPConnection) -> str:
    """The token of `Authorization: Bearer …`, or empty."""
    kind, _, token = connection.headers.get("authorization", "").partition(" ")
    return token.strip() if kind.lower() == "bearer" and len(token) <= 128 else ""


def _bounded(receive: Receive, connection: HTTPConnection, max_bytes: int) -> Receive:
    """The same request, with no more than `max_bytes` of body."""
    declared = connection.headers.get("content-length", "")
    if declared and (not declared.isascii() or not declared.isdigit() or int(declared) > max_bytes):
        raise _too_large(max_bytes, declared[:20])
    taken, whole = 0, False

    async def bounded() -> Message:
        nonlocal taken, whole
        try:
            # After the body, `receive` waits for the client to leave: as long as the answer takes.
            async with asyncio.timeout(None if whole else BODY_SILENCE_S):
                message = await receive()
        except TimeoutError:
            raise Refusal(408, "the request's body did not come", expected=f"more within {BODY_SILENCE_S} s") from None
        if message["type"] == "http.request":
            taken += len(message.get("body", b""))
            whole = not message.get("more_body", False)
            if taken > max_bytes:
                raise _too_large(max_bytes, "more")
        return message

    return bounded


def _too_large(max_bytes: int, got: str) -> Refusal:
    return Refusal(413, "the request's body is too large", expected=f"at most {max_bytes} bytes", got=got)
