"""Joining a room of the relay: a WebSocket that carries sealed bytes and knows nothing of them.

→ {"type":"join","token":"…"}     text, at once
← {"type":"paired"}               text, when the technician is there
⇄ binary messages ≤ 65 535 bytes  opaque

Whatever the relay does beyond this (text later on, longer messages) ends the connection: it is hostile until proven
boring, and nothing it can say opens anything.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final, Protocol

from websockets.asyncio.client import ClientConnection
from websockets.exceptions import ConnectionClosed
from websockets.typing import Subprotocol

from agent.link.connection import PING_S, PONG_S, LinkLost, open_websocket
from protocol import strict_json
from protocol.errors import RemoteProtocolError
from protocol.limits import RELAY_MESSAGE_MAX_BYTES, ROOM_WAIT_S
from protocol.messages.sessions import Join, Paired

SUBPROTOCOL: Final = Subprotocol("bellpull.relay.v1")


class RelaySocket(Protocol):
    """What a visit needs of a room. A test joins two of these in memory."""

    async def send(self, data: bytes) -> None: ...

    async def receive(self) -> bytes:
        """The next message. LinkLost at the end."""

    async def close(self) -> None: ...


JoinRoom = Callable[[str, str, str], Awaitable[RelaySocket]]


class Room:
    """A joined, paired room."""

    def __init__(self, websocket: ClientConnection) -> None:
        self._websocket = websocket

    async def send(self, data: bytes) -> None:
        try:
            await self._websocket.send(data)
        except ConnectionClosed as closed:
            raise LinkLost(_reason(closed)) from None

    async def receive(self) -> bytes:
        try:
            message = await self._websocket.recv()
        except ConnectionClosed as closed:
            raise LinkLost(_reason(closed)) from None
        if isinstance(message, str):
            raise LinkLost("the relay said something after it had paired both ends")
        return message

    async def close(self) -> None:
        await self._websocket.close()


async def join_room(
    origin: str, room: str, token: str, *, ping_s: float = PING_S, pong_s: float = PONG_S
) -> RelaySocket:
    """Join and wait for the other end. LinkLost when nobody comes within ROOM_WAIT_S, or the relay refuses."""
    websocket = await open_websocket(
        origin, f"/relay/{room}", SUBPROTOCOL, max_bytes=RELAY_MESSAGE_MAX_BYTES, ping_s=ping_s, pong_s=pong_s
    )
    try:
        await websocket.send(strict_json.dump(Join(token=token)).decode())
        async with asyncio.timeout(ROOM_WAIT_S):
            first = await websocket.recv()
        if not isinstance(first, str):
            raise LinkLost("the relay sent bytes before it had paired both ends")
        paired = strict_json.parse(first.encode(), Paired, what="the relay's first message")
        if "type" not in paired.model_fields_set:
            raise LinkLost("the relay's first message has no type")
    except TimeoutError:
        await websocket.close()
        raise LinkLost("the technician did not come into the room") from None
    except ConnectionClosed as closed:
        raise LinkLost(_reason(closed)) from None
    except RemoteProtocolError as error:
        await websocket.close()
        raise LinkLost(error.what) from None
    except BaseException:
        await websocket.close()
        raise
    return Room(websocket)


def _reason(closed: ConnectionClosed) -> str:
    if closed.rcvd is None:
        return "the connection to the relay was lost"
    words = "".join(character for character in closed.rcvd.reason if character.isprintable())[:120]
    return f"the relay closed the room ({closed.rcvd.code}{': ' + words if words else ''})"
