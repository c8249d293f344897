"""A net that keeps TCP whole and meddles with messages: twice, in another order, and some not at all.

TCP never does this; a server's restored queue, a broken middle box that speaks WebSocket, or a hostile server does.
The login passes untouched, as its order is what proves it; after the welcome each message is handed to `meddle`.
"""

import asyncio
import contextlib
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Any, Self

from websockets.asyncio.client import ClientConnection, connect
from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.exceptions import ConnectionClosed
from websockets.typing import Subprotocol

_SUBPROTOCOL = Subprotocol("bellpull.v1")
#: Given the messages that wait in one direction, in order: those to send now, in order. Called again with more.
Meddle = Callable[[Sequence[bytes]], Sequence[bytes]]


class MessageProxy:
    """`up`: from the agent to the server. `down`: the other way. `gather`: how many messages to wait for at most."""

    def __init__(self, origin: str, *, up: Meddle = list, down: Meddle = list, gather: int = 8) -> None:
        self._target = origin.replace("http", "ws", 1)
        self.up, self.down, self._gather = up, down, gather
        self._server: Server | None = None
        self.port = 0
        self.carried = 0

    @property
    def origin(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def __aenter__(self) -> Self:
        self._server = await serve(self._take, "127.0.0.1", 0, subprotocols=[_SUBPROTOCOL], compression=None)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None:
        assert self._server is not None
        self._server.close()
        await self._server.wait_closed()

    async def _take(self, inside: ServerConnection) -> None:
        assert inside.request is not None
        async with connect(
            self._target + inside.request.path, subprotocols=[_SUBPROTOCOL], compression=None, proxy=None
        ) as outside:
            with contextlib.suppress(ConnectionClosed):
                await inside.send(await outside.recv())  # challenge
                await outside.send(await inside.recv())  # login
                await inside.send(await outside.recv())  # welcome
                ways = [
                    asyncio.create_task(self._carry(inside, outside, lambda waiting: self.up(waiting))),
                    asyncio.create_task(self._carry(outside, inside, lambda waiting: self.down(waiting))),
                ]
                try:
                    await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
                finally:
                    for way in ways:
                        way.cancel()
                    await asyncio.gather(*ways, return_exceptions=True)

    async def _carry(self, one: Any, other: ServerConnection | ClientConnection, meddle: Meddle) -> None:
        while True:
            waiting = [await one.recv(decode=False)]
            with contextlib.suppress(TimeoutError):
                # What follows closely is meddled with together: that is where an order can be another one.
                async with asyncio.timeout(0.005):
                    while len(waiting) < self._gather:
                        waiting.append(await one.recv(decode=False))
            for message in meddle(waiting):
                self.carried += 1
                await other.send(message, text=True)
