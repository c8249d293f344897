"""WebSockets as this server accepts them: programs only, known subprotocol, bounded first words, closed for sure."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from typing import Any, TypeVar

from starlette.responses import Response
from starlette.websockets import WebSocket, WebSocketDisconnect
from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

#: After the application is done with a socket, its buffers have this long to drain; then it is cut.
DRAIN_S = 2.0
#: A stranger has this long for the head of the first request on a connection.
HEAD_S = 10.0


#: Where an application finds the connection itself in a WebSocket's scope.
_EXTENSION = "bellpull.socket"
P = TypeVar("P", bound=asyncio.BufferedProtocol)


class Sockets(WebSocketsSansIOProtocol):
    """uvicorn's own, but a peer that reads nothing cannot hold a socket open for ever, and an application may take the
    connection over once it is accepted: the relay reads and writes frames itself."""

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self.close_timeout = DRAIN_S
        self._taken_over = False

    def take_over(self, make: Callable[[asyncio.Transport], P]) -> P:
        """From now on the bytes of this connection are `make`'s, until it is closed; the application returns then."""
        early = bool(self.conn.reader.buffer) or not self.queue.empty()
        self.stop_keepalive()
        self._taken_over = True
        # A loop chooses how it reads when it begins to: stop, exchange, begin.
        self.transport.pause_reading()
        taker = make(self.transport)
        self.transport.set_protocol(taker)
        if early:
            self.transport.abort()  # nobody may speak before the upgrade is answered
        elif not self.transport.is_closing():
            self.transport.resume_reading()
        return taker

    def shutdown(self) -> None:
        if self._taken_over:
            self.transport.abort()
        else:
            super().shutdown()

    async def run_asgi(self) -> None:
        self.scope["extensions"][_EXTENSION] = self  # type: ignore[assignment]
        await super().run_asgi()
        if self._taken_over:
            self.transport.abort()
            self.connection_lost(None)  # nobody else tells uvicorn
            return
        # transport.close() waits for the write buffer, and a stuck peer never empties it.
        self.loop.call_later(DRAIN_S + 0.5, self.transport.abort)


class Requests(H11Protocol):
    """uvicorn's own, but a client that does not finish its first request's head is not waited for."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self.loop.call_later(HEAD_S, self._check_head)

    def _check_head(self) -> None:
        if self.cycle is None and self.transport.get_protocol() is self and not self.transport.is_closing():
            self.transport.abort()


async def accept_program(websocket: WebSocket, subprotocol: str) -> bool:
    """Accept a program that speaks `subprotocol`. Browsers send an Origin: they are refused, whatever it says."""
    if "origin" in websocket.headers or subprotocol not in websocket.scope.get("subprotocols", ()):
        await websocket.close()
        return False
    await websocket.accept(subprotocol=subprotocol)
    return True


async def turn_away(websocket: WebSocket, retry_after_s: int) -> None:
    """Not now: 503 instead of the upgrade, with a word when to come back."""
    answer = Response(status_code=503, headers={"retry-after": str(retry_after_s)})
    with suppress(WebSocketDisconnect, RuntimeError):  # it did not wait for this
        await websocket.send_denial_response(answer)


def take_over(websocket: WebSocket, make: Callable[[asyncio.Transport], P]) -> P:
    """The bytes of an accepted socket, from here on past this application."""
    found = websocket.scope["extensions"][_EXTENSION]
    assert isinstance(found, Sockets)  # noqa: S101 - for the type checker: serving.py names no other
    return found.take_over(make)


async def receive_text(websocket: WebSocket, *, max_bytes: int, timeout_s: float) -> str | None:
    """The next text message; None when it is binary, too long, late, or the peer left."""
    try:
        async with asyncio.timeout(timeout_s):
            message = await websocket.receive()
    except TimeoutError:
        return None
    text = message.get("text") if message["type"] == "websocket.receive" else None
    return text if text is not None and len(text.encode("utf-8", "surrogatepass")) <= max_bytes else None


async def close(websocket: WebSocket, code: int, reason: str) -> None:
    """Close with a reason; a peer that left or takes nothing is let go."""
    # A close frame holds 123 bytes of reason.
    cut = reason.encode()[:120].decode("utf-8", "ignore")
    with suppress(WebSocketDisconnect, RuntimeError, TimeoutError):
        async with asyncio.timeout(1):
            await websocket.close(code, cut)
