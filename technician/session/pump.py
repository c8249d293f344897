"""The technician's end of a visit on the wire: one socket after another, until the visit is over.

    relay ─► records ─► initiator ─► events ─► course.py
    relay ◄─ records ◄─ initiator

A connection that is lost under a grant is taken up again, room after room (way_back.py), as long as the device waits.
"""

import asyncio
import os
import time
from contextlib import suppress
from typing import Final

from websockets.asyncio.client import ClientConnection
from websockets.exceptions import ConnectionClosed

from protocol.errors import ProtocolError, RemoteProtocolError
from protocol.limits import NONCE_BYTES
from technician.api import Api
from technician.clock import now_s
from technician.problems import Problem
from technician.session.asking import our_hello
from technician.session.course import Course
from technician.session.events import PeerGone
from technician.session.initiator import Initiator
from technician.session.relay_socket import relay_socket
from technician.session.way_back import WayBack
from technician.sign_in import Technician

#: A return: the device may have to wait for something that changes it to end before it lets us go on.
_RETURN_WAIT_S: Final = 90.0


class Pump:
    """Begun on the joined `socket` of the first room."""

    def __init__(
        self,
        technician: Technician,
        api: Api,
        ticket: str | None,
        initiator: Initiator,
        course: Course,
        socket: ClientConnection,
    ) -> None:
        self._technician = technician
        self._api = api
        self._ticket = ticket
        self._initiator = initiator
        self._course = course
        self._socket = socket
        self._sending = asyncio.Lock()
        self._closing: asyncio.Future[None] | None = None

    async def run(self) -> None:
        """One connection after another, until the visit is over or the device waits no longer."""
        await self._converse(self._socket)
        try:
            while self._course.lost and await self._go_back():
                pass
        except (ProtocolError, Problem) as error:
            self._course.fail(error)
        if self._course.lost:
            await self._course.hear(PeerGone(truncated=True))

    async def begin(self) -> None:
        """The first message of the first handshake."""
        await self._socket.send(self._initiator.begin())

    async def flush(self) -> None:
        """Sealed records must leave in the order they were sealed: two tasks may be here at once."""
        async with self._sending:
            with suppress(ConnectionClosed):  # the pump tells of it
                for record in self._initiator.data_to_send(time.monotonic()):
                    await self._socket.send(record)

    async def close(self) -> None:
        await self._socket.close()

    async def _converse(self, socket: ClientConnection) -> None:
        course = self._course
        try:
            async for message in socket:
                if not isinstance(message, bytes):
                    raise RemoteProtocolError("the relay sent text inside a session", expected="bytes", got="text")
                for event in self._initiator.receive(message, now=now_s(), mono_s=time.monotonic()):
                    await course.hear(event)
                await self.flush()
                course.may_have_room()
        except ConnectionClosed:
            pass  # told below, as the end of the connection
        except (ProtocolError, Problem) as error:
            if not course.lost or self._initiator.proven:
                course.fail(error)  # else: whoever was in this room, it was not the device we go back to
        for event in self._initiator.connection_lost():
            await course.hear(event)

    async def _go_back(self) -> bool:
        """Try room after room. True: we were back, and lost it again; False: the visit is over, or nobody waits."""
        course = self._course
        way = WayBack(self._technician, self._api, course.device.device, self._ticket)
        async for room in way.rooms():
            try:
                async with relay_socket(self._technician.origin, room) as socket:
                    self._socket = socket
                    nonce = os.urandom(NONCE_BYTES)
                    await socket.send(self._initiator.go_back(room.room, our_hello(self._technician), nonce, now_s()))
                    asyncio.get_running_loop().call_later(_RETURN_WAIT_S, self._give_up, socket)
                    await self._converse(socket)
            except (Problem, RemoteProtocolError, ConnectionClosed) as error:
                way.why = str(error)  # this room led nowhere
            came_back, course.came_back = course.came_back, False
            if came_back or not course.lost:
                return came_back
        return False

    def _give_up(self, socket: ClientConnection) -> None:
        """A return that came to nothing: its room is left."""
        if socket is self._socket and self._course.lost:
            self._closing = asyncio.ensure_future(socket.close())
