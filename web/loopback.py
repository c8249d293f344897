"""The doors of the faces: is this request meant for us, and does it come from who opened us?

A program listening on 127.0.0.1 is reachable by every page in the user's browser and, by name tricks, under
any host name. Two doors, outermost first:

    browser ──▶ HostAndOrigin   Host is ours; Origin and Sec-Fetch-Site say the request began with us
            ──▶ LaunchToken     one-use token in the printed address → session cookie → everything else

    GET /?token=…   303 to /, Set-Cookie: bellpull-…=…; HttpOnly; SameSite=Strict; Path=/
    GET /?token=…   403 the second time, whoever asks
    GET /           403 without the cookie

What they do not do: browsers send cookies to every port of a host, so a page that another program serves on
another port of 127.0.0.1 would be sent ours when the user opens it. Give each run a host name of its own
(`launch_host()`) where the browser resolves `*.localhost`, and that is closed as well.
"""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Collection
from http.cookies import CookieError, SimpleCookie
from urllib.parse import parse_qsl, urlencode, urlsplit

from starlette.datastructures import Headers
from starlette.responses import PlainTextResponse, RedirectResponse
from starlette.types import ASGIApp, Receive, Scope, Send

SAFE_METHODS = frozenset({"GET", "HEAD"})
# What a browser says of a request that began with us, or with the person at the keyboard.
OWN_FETCH_SITES = frozenset({"same-origin", "none"})
FORBIDDEN = 403
# WebSocket close code "policy violation"; before the handshake servers turn it into HTTP 403.
POLICY_VIOLATION = 1008


def launch_host() -> str:
    """A fresh host name below `.localhost` (loopback by RFC 6761), so that this run's cookies are its own."""
    return f"bell-{secrets.token_hex(8)}.localhost"


async def refuse(scope: Scope, receive: Receive, send: Send, text: str) -> None:
    """Answers 403 with a plain sentence; closes a websocket before its handshake."""
    if scope["type"] == "websocket":
        await receive()  # websocket.connect
        await send({"type": "websocket.close", "code": POLICY_VIOLATION, "reason": text[:120]})
        return
    await PlainTextResponse(text + "\n", FORBIDDEN, {"cache-control": "no-store"})(scope, receive, send)


class HostAndOrigin:
    """Refuses requests for another host name, and requests that another site's page began.

    `origins`: every origin this face is reached by, e.g. `{"http://127.0.0.1:8123"}`. A request that changes
    something must name its Origin; browsers always do. A websocket must name it too.
    `links_from_elsewhere`: following a link from a mail or another site may open a page (top-level GET only);
    for the console. The loopback faces leave it off.
    """

    def __init__(self, app: ASGIApp, *, origins: Collection[str], links_from_elsewhere: bool = False) -> None:
        self.app = app
        self.links_from_elsewhere = links_from_elsewhere
        self.origins = frozenset(origin.lower().rstrip("/") for origin in origins)
        self.hosts = frozenset(urlsplit(origin).netloc for origin in self.origins)
        if not self.hosts or "" in self.hosts:
            raise ValueError(f"origins must look like http://127.0.0.1:8123; got {sorted(origins)}")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            await self.app(scope, receive, send)
            return
        reason = self.objection(scope)
        if reason is None:
            await self.app(scope, receive, send)
        else:
            await refuse(scope, receive, send, f"Refused: {reason}")

    def objection(self, scope: Scope) -> str | None:
        """Why this request is not for us, or None. Names what was expected, never what was sent."""
        headers = Headers(scope=scope)
        hosts, origins = headers.getlist("host"), headers.getlist("origin")
        if len(hosts) != 1 or hosts[0].lower() not in self.hosts:
            return f"this program answers only to {', '.join(sorted(self.hosts))}. Open it by that address."
        if len(origins) > 1 or (origins and origins[0].lower() not in self.origins):
            return "the request began on another site. Open this page by its own address."
        if not origins and (scope["type"] == "websocket" or scope["method"] not in SAFE_METHODS):
            return "a request that changes something must name its Origin; it named none."
        foreign = any(site.lower() not in OWN_FETCH_SITES for site in headers.getlist("sec-fetch-site"))
        if foreign and not (self.links_from_elsewhere and follows_a_link(scope, headers)):
            return "another site's page sent you here. Type or paste the address instead."
        return None


def follows_a_link(scope: Scope, headers: Headers) -> bool:
    """Whether this request shows a page in a tab of its own: not a frame, not an image, not a fetch."""
    return (
        scope["type"] == "http"
        and scope["method"] in SAFE_METHODS
        and headers.getlist("sec-fetch-mode") == ["navigate"]
        and headers.getlist("sec-fetch-dest") == ["document"]
    )


class LaunchToken:
    """Lets in whoever holds the one-use token, and afterwards the cookie it was exchanged for.

    `face` and the port name the cookie, since ports share cookies. `token` and `session` are for tests; left
    out they are 256 random bits each. The session lives as long as the process.
    """

    def __init__(
        self, app: ASGIApp, *, face: str, port: int, token: str | None = None, session: str | None = None
    ) -> None:
        self.app = app
        self.cookie_name = f"bellpull-{face}-{port}"
        self.token: str | None = secrets.token_urlsafe(32) if token is None else token
        self.session = secrets.token_urlsafe(32) if session is None else session
        if not self.token or not self.session:
            raise ValueError("an empty launch token or session would let everyone in")

    def address(self, origin: str, path: str = "/") -> str:
        """The address to print or open, once; empty token part after it was used."""
        query = "" if self.token is None else f"?{urlencode({'token': self.token})}"
        return f"{origin}{path}{query}"

    def renew(self) -> str:
        """A fresh one-use token, for opening the face again in another browser. Older ones are dead."""
        self.token = secrets.token_urlsafe(32)
        return self.token

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            await self.app(scope, receive, send)
            return
        query = parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True)
        offered = [value for name, value in query if name == "token"]
        if offered and scope["type"] == "http" and scope["method"] == "GET":
            await self.exchange(offered[0], scope, receive, send)
        elif self.has_session(Headers(scope=scope)):
            await self.app(scope, receive, send)
        else:
            text = "Not signed in here. Open the one-use address that the program printed when it started."
            await refuse(scope, receive, send, text)

    async def exchange(self, offered: str, scope: Scope, receive: Receive, send: Send) -> None:
        """Token → cookie, and on to the same path without the token in the address."""
        # No await between the comparison and forgetting it: two requests cannot both win.
        matches = self.token is not None and same(offered, self.token)
        if not matches:
            text = "This one-use address is not valid, or was used before. Ask the program for a new one."
            await refuse(scope, receive, send, text)
            return
        self.token = None
        # `//host` would leave this origin.
        path = "/" + scope["path"].lstrip("/\\")
        answer = RedirectResponse(path, status_code=303, headers={"cache-control": "no-store"})
        answer.set_cookie(self.cookie_name, self.session, path="/", httponly=True, samesite="strict")
        await answer(scope, receive, send)

    def has_session(self, headers: Headers) -> bool:
        """Whether any cookie by our name holds our session."""
        for line in headers.getlist("cookie"):
            try:
                cookie = SimpleCookie(line).get(self.cookie_name)
            except CookieError:
                continue
            if cookie is not None and same(cookie.value, self.session):
                return True
        return False


def same(offered: str, kept: str) -> bool:
    """Constant-time comparison that also takes non-ASCII text."""
    return hmac.compare_digest(offered.encode("utf-8", "surrogatepass"), kept.encode())
