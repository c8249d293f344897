"""One WebSocket to the server, reduced to what the link needs: send text, receive text, close, and one error.

Never follows a redirect (the origin is pinned), never compresses (64 → 14 KiB), never sends an Origin header. A peer
that says nothing at all, not even to a ping, is gone after PING_S + PONG_S, within the 45 s of the protocol.
"""

import asyncio
import os
import ssl
from http import HTTPStatus
from typing import Final

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import (
    ConnectionClosed,
    InvalidHandshake,
    InvalidProxy,
    InvalidProxyStatus,
    InvalidStatus,
    InvalidURI,
    ProxyError,
    WebSocketException,
)
from websockets.http11 import Response
from websockets.typing import Subprotocol

from agent.link.system_proxy import proxy_may_be_set
from protocol.limits import CONTROL_MESSAGE_MAX_BYTES, HALF_OPEN_S

SUBPROTOCOL: Final = Subprotocol("bellpull.v1")
PING_S: Final = 22.0
PONG_S: Final = 20.0
assert PING_S + PONG_S < HALF_OPEN_S  # noqa: S101 - a constant that a reader would otherwise add up
_OPEN_S: Final = 15.0
_SIGN_IN_FIRST: Final = (200, 302, 303, 307, 308, 511)
# A goodbye that the other side does not answer is not waited for.
_CLOSE_S: Final = 2.0


class LinkLost(Exception):
    """The connection ended or never began; the text says why, in words for the customer.

    `retry_after_s`: a busy server's wish, 0 for none. It is a stranger's word: whoever waits bounds it.
    """

    def __init__(self, why: str, *, retry_after_s: int = 0) -> None:
        super().__init__(why)
        self.retry_after_s = retry_after_s


class _Direct(connect):
    """`connect` of websockets follows redirects, even to other hosts; a pinned origin has none."""

    def process_redirect(self, exc: Exception) -> Exception | str:
        return exc


class Connection:
    def __init__(self, websocket: ClientConnection) -> None:
        self._websocket = websocket
        self._outgoing: asyncio.Queue[bytes] = asyncio.Queue(maxsize=256)
        self._sender = asyncio.create_task(self._send_all())

    async def receive(self) -> bytes:
        """The next text message as its bytes. LinkLost at the end."""
        try:
            message = await self._websocket.recv(decode=False)
        except ConnectionClosed as closed:
            raise LinkLost(_why_closed(closed)) from None
        return message

    async def send(self, text: bytes) -> None:
        """Wait until there is room: for items, which a slow server slows down."""
        await self._outgoing.put(text)

    def send_soon(self, text: bytes) -> None:
        """Without waiting; on a connection that takes nothing any more it is dropped."""
        try:
            self._outgoing.put_nowait(text)
        except asyncio.QueueFull:
            return  # 256 unsent messages: the ping will find this connection dead

    async def close(self) -> None:
        self._sender.cancel()
        await asyncio.gather(self._sender, return_exceptions=True)
        await self._websocket.close()

    async def _send_all(self) -> None:
        while True:
            text = await self._outgoing.get()
            try:
                await self._websocket.send(text, text=True)
            except ConnectionClosed:
                return  # the reader learns it too, and says why


def websocket_address(origin: str, path: str) -> str:
    """`https://help.example` and `/link` → `wss://help.example/link`."""
    scheme, _, host = origin.partition("://")
    return f"{'wss' if scheme == 'https' else 'ws'}://{host}{path}"


def is_loopback(origin: str) -> bool:
    host = origin.partition("://")[2]
    name = host.rpartition(":")[0] if not host.endswith("]") and ":" in host else host
    return name.strip("[]") in ("localhost", "::1") or name.startswith("127.")


def tls_context() -> ssl.SSLContext:
    """The operating system's own trust store: machines behind an inspecting proxy keep working, sealed as ever."""
    import truststore

    return truststore.SSLContext(ssl.PROTOCOL_TLS_CLIENT)


async def open_websocket(
    origin: str,
    path: str,
    subprotocol: Subprotocol,
    *,
    max_bytes: int,
    ping_s: float = PING_S,
    pong_s: float = PONG_S,
) -> ClientConnection:
    """Open one WebSocket of ours. LinkLost when it cannot be had. A peer silent for `ping_s` + `pong_s` is gone."""
    secure = origin.startswith("https://")
    if not secure and not is_loopback(origin):
        raise LinkLost(f"{origin} is not encrypted: only https is used, except on this machine itself")
    try:
        websocket = await _Direct(
            websocket_address(origin, path),
            subprotocols=[subprotocol],
            compression=None,
            user_agent_header=None,
            proxy=None if is_loopback(origin) or not proxy_may_be_set(os.environ) else True,
            open_timeout=_OPEN_S,
            ping_interval=ping_s,
            ping_timeout=pong_s,
            close_timeout=_CLOSE_S,
            max_size=max_bytes,
            ssl=tls_context() if secure else None,
        )
    except InvalidStatus as error:
        raise _turned_away(origin, error.response) from None
    except TimeoutError:
        raise LinkLost(f"{origin} did not answer within {_OPEN_S:g} s") from None
    except ssl.SSLCertVerificationError as error:
        raise LinkLost(f"the TLS certificate of {origin} is not trusted: {error.verify_message}") from None
    except InvalidProxyStatus as error:
        raise LinkLost(_proxy_words(error.response.status_code)) from None
    except InvalidProxy as error:
        # Not the error's own words: they repeat the address, which may hold a password.
        raise LinkLost(f"the proxy that this system names cannot be used: {error.msg}") from None
    except ProxyError as error:
        raise LinkLost(f"the proxy of this network does not answer as one: {_one_line(error)}") from None
    except ImportError:
        # websockets asks for a library of its own for these; the agent is not delivered with it.
        raise LinkLost(
            "the proxy that this system names is a SOCKS proxy, which this program does not use: "
            "name an HTTP proxy in HTTPS_PROXY, or except the server in NO_PROXY"
        ) from None
    except (OSError, InvalidHandshake, InvalidURI, WebSocketException) as error:
        raise LinkLost(f"{origin} cannot be reached: {_one_line(error)}") from None
    if websocket.subprotocol != subprotocol:
        await websocket.close()
        raise LinkLost(f"{origin} does not speak {subprotocol}")
    return websocket


async def open_connection(origin: str, *, ping_s: float = PING_S, pong_s: float = PONG_S) -> Connection:
    return Connection(
        await open_websocket(
            origin, "/link", SUBPROTOCOL, max_bytes=CONTROL_MESSAGE_MAX_BYTES, ping_s=ping_s, pong_s=pong_s
        )
    )


def _turned_away(origin: str, answer: Response) -> LinkLost:
    wish = answer.headers.get("Retry-After", "")
    if answer.status_code in (429, 503):
        after_s = int(wish) if wish.isascii() and wish.isdigit() and len(wish) < 6 else 0
        return LinkLost(f"{origin} is busy ({answer.status_code})", retry_after_s=after_s)
    why = f"{origin} answered {answer.status_code} instead of opening the link"
    if answer.status_code in _SIGN_IN_FIRST:
        # 511 is made for it (RFC 6585); most portals redirect, or answer anything with their page.
        why += "; a network that wants a sign-in first does that: open any page in a browser"
    return LinkLost(why)


def _proxy_words(status: int) -> str:
    if status == HTTPStatus.PROXY_AUTHENTICATION_REQUIRED:
        return (
            "the proxy of this network wants a name and a password (407): "
            "name them in HTTPS_PROXY, as http://NAME:PASSWORD@HOST:PORT"
        )
    return f"the proxy of this network refused the way to the server ({status})"


def _why_closed(closed: ConnectionClosed) -> str:
    if closed.rcvd is not None:
        reason = "".join(c for c in closed.rcvd.reason if c.isprintable())[:120]
        return f"the server closed the connection ({closed.rcvd.code}{': ' + reason if reason else ''})"
    if closed.sent is not None and closed.sent.reason:
        return f"the connection ended: {closed.sent.reason}"
    return "the connection to the server was lost"


def _one_line(error: BaseException) -> str:
    text = (getattr(error, "strerror", None) or str(error) or type(error).__name__).splitlines()[0]
    return "".join(c for c in text if c.isprintable())[:160]
