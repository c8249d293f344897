"""The relay's shell: opens rooms, admits sides, closes what is overdue, writes down sizes and times, nothing else."""

import asyncio
from collections.abc import Callable

from sqlalchemy.exc import SQLAlchemyError
from starlette.websockets import WebSocket

from protocol import strict_json
from protocol.errors import RemoteProtocolError
from protocol.messages.sessions import Join
from server import sockets
from server.logs import log
from server.patience import Patience
from server.relay.endpoint import Endpoint
from server.relay.meeting import FAULT, NOBODY_CAME, NOT_ADMITTED, RESTARTING, REVOKED, Doorstep, Meeting
from server.relay.rooms import JoinRefused, RoomBook, RoomState, Side
from server.sessions.store import SessionStore
from server.tokens import new_token, token_hash

SUBPROTOCOL = "bellpull.relay.v1"
_JOIN_MAX_BYTES = 256
_SWEEP_S = 1.0


class Relay:
    def __init__(self, sessions: SessionStore, mono: Callable[[], float], patience: Patience) -> None:
        self._sessions = sessions
        self._mono = mono
        self._patience = patience
        self._book = RoomBook()
        self._meetings: dict[str, Meeting] = {}
        self.sockets = 0  # that are open, also those that only wait for their close

    @property
    def rooms(self) -> int:
        return len(self._book)

    def rooms_of(self, serial: str) -> int:
        return len(self._book.of_technician(serial))

    def open(self, room: str, *, device: str, serial: str) -> dict[Side, str]:
        """A room, and one token for each side."""
        tokens = {side: new_token() for side in Side}
        made = self._book.open(
            room,
            device=device,
            serial=serial,
            tokens={token_hash(token): side for side, token in tokens.items()},
            now_s=self._mono(),
        )
        self._meetings[room] = Meeting(made, stuck_s=self._patience.stuck_s, silence_s=self._patience.silence_s)
        return tokens

    def end(self, room: str, code: int, reason: str) -> None:
        """Close a room from outside: declined, revoked, restarting."""
        meeting = self._meetings.get(room)
        if meeting is not None:
            meeting.end(code, reason)

    def device_of(self, room: str) -> str | None:
        found = self._book.get(room)
        return None if found is None else found.device

    def revoke(self, serials: frozenset[str]) -> None:
        """A technician whose certificate was revoked has no rooms any more."""
        for serial in serials:
            for room in self._book.of_technician(serial):
                self.end(room.name, REVOKED, "the technician's certificate was revoked")

    def close_all(self) -> None:
        for room in list(self._meetings):
            self.end(room, RESTARTING, "the server is restarting")

    async def run(self) -> None:
        """Close what waited too long, for ever."""
        while True:
            await asyncio.sleep(_SWEEP_S)
            for room in self._book.overdue(self._mono()):
                self.end(room.name, NOBODY_CAME, "the other side did not come")
            for name, meeting in list(self._meetings.items()):
                meeting.check(self._mono())
                if meeting.over.is_set():
                    await self._write_down(name)

    async def serve(self, websocket: WebSocket) -> None:
        """One side's connection to /relay/{room}."""
        if not await sockets.accept_program(websocket, SUBPROTOCOL):
            return
        doorstep = Doorstep()
        endpoint = sockets.take_over(websocket, lambda transport: Endpoint(transport, doorstep, self._mono))
        self.sockets += 1
        try:
            await self._serve(endpoint, doorstep, str(websocket.path_params["room"]))
        finally:
            self.sockets -= 1

    async def _serve(self, endpoint: Endpoint, doorstep: Doorstep, room: str) -> None:
        text = await doorstep.first_text(max_bytes=_JOIN_MAX_BYTES, timeout_s=self._patience.login_s)
        admitted = None if text is None else self._admit(text, room)
        if admitted is None:
            endpoint.say_close(NOT_ADMITTED, "no such room, or this token does not open it")
            await endpoint.gone()
            return
        meeting, side = admitted
        try:
            meeting.seat(side, endpoint)
            doorstep.lead_into(meeting)
            if meeting.room.state is RoomState.PAIRED:
                await self._sessions.paired(room)
                meeting.pair()
            await meeting.attend(endpoint)
        except BaseException:
            meeting.end(FAULT, "the relay failed")
            raise
        finally:
            await self._write_down(room)

    def _admit(self, text: bytes, name: str) -> tuple[Meeting, Side] | None:
        try:
            join = strict_json.parse(text, Join, max_bytes=_JOIN_MAX_BYTES)
            room, side = self._book.join(name, token_hash(join.token), self._mono())
        except (RemoteProtocolError, JoinRefused):
            return None
        return self._meetings[room.name], side

    async def _write_down(self, name: str) -> None:
        """Once for each room, by whichever comes first."""
        meeting = self._meetings.pop(name, None)
        room = self._book.end(name)
        if meeting is None or room is None:
            return
        to_device = meeting.passed_bytes(Side.DEVICE)
        to_technician = meeting.passed_bytes(Side.TECHNICIAN)
        log.info("room-ended", room=name, code=meeting.ending.code, to_device=to_device, to_technician=to_technician)
        try:
            await self._sessions.ended(name, meeting.ending.reason, to_device=to_device, to_technician=to_technician)
        except (SQLAlchemyError, OSError):
            log.error("room-not-written-down", room=name)  # the next start calls it ended
