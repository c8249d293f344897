"""The technician's socket to a relay room: join with the one-use token, wait for the other side, then carry bytes.

→ {"type":"join","token":"…"}     text, at once
← {"type":"paired"}               text, when the device is there
⇄ binary messages ≤ 65 535 bytes  opaque
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake
from websockets.typing import Subprotocol

from protocol import strict_json
from protocol.errors import RemoteProtocolError
from protocol.limits import RELAY_MESSAGE_MAX_BYTES, ROOM_WAIT_S
from protocol.messages.api import SessionRoom
from protocol.messages.sessions import Join, Paired
from technician.api import tls_context
from technician.problems import Problem
from technician.session.turned_away import turned_away

_SUBPROTOCOL: Final = Subprotocol("bellpull.relay.v1")
_OPEN_TIMEOUT_S: Final = 20


class _Direct(connect):
    """`connect` of websockets follows redirects, to any host: a server could make this machine knock at others."""

    def process_redirect(self, exc: Exception) -> Exception | str:
        return exc


@asynccontextmanager
async def relay_socket(origin: str, room: SessionRoom) -> AsyncIterator[ClientConnection]:
    """A joined and paired socket. Problem when the room cannot be entered or nobody comes."""
    address = "ws" + origin.removeprefix("http") + room.path
    try:
        socket = await _Direct(
            address,
            ssl=tls_context(origin),
            subprotocols=[_SUBPROTOCOL],
            compression=None,
            max_size=RELAY_MESSAGE_MAX_BYTES,
            open_timeout=_OPEN_TIMEOUT_S,
        )
    except (OSError, InvalidHandshake, TimeoutError) as error:
        raise Problem(
            "the relay cannot be entered",
            expected=address,
            got=str(error) or type(error).__name__,
            hint="The room waits 60 s; ask again.",
        ) from None
    try:
        await socket.send(strict_json.dump(Join(token=room.join_token)).decode())
        await _wait_for_device(socket)
        yield socket
    finally:
        await socket.close()


async def _wait_for_device(socket: ClientConnection) -> None:
    try:
        async with asyncio.timeout(ROOM_WAIT_S):
            first = await socket.recv()
    except TimeoutError:
        raise Problem(
            "the device did not come into the room",
            expected=f"within {ROOM_WAIT_S} s",
            hint="It may be busy with another visit, or the customer refused one a short while ago.",
        ) from None
    except ConnectionClosed as error:
        raise turned_away(error.rcvd.code if error.rcvd else 0, error.rcvd.reason if error.rcvd else "") from None
    if not isinstance(first, str):
        raise RemoteProtocolError("the relay sent bytes before it said paired", expected="paired", got="bytes")
    strict_json.parse(first.encode(), Paired, what="the relay's first message")
