"""Two sockets in one room: reading, waiting, writing, and ending both with one reason.

    A's socket ─read─► pipe to B ─write─► B's socket        and the same the other way

What arrives is handed on whole and in order. A full pipe stops the reading; a side that takes nothing for
`stuck_s` (15) ends the room for both. When a side leaves, what it sent before still arrives.
"""

import asyncio
from dataclasses import dataclass

from starlette.websockets import WebSocket, WebSocketDisconnect

from protocol import strict_json
from protocol.limits import RELAY_MESSAGE_MAX_BYTES
from protocol.messages.sessions import Paired
from server.relay.pipe import Pipe
from server.relay.rooms import Room, Side

#: Close codes of this protocol (4000–4999 are an application's own).
LEFT = 1000
RESTARTING = 1012
BAD_MESSAGE = 4400
NOT_ADMITTED = 4403
STUCK = 4408
DECLINED = 4410
NOBODY_CAME = 4411
REVOKED = 4412
FAULT = 1011


@dataclass(frozen=True)
class Ending:
    code: int
    reason: str


class Meeting:
    """What the two endpoints of a room share."""

    def __init__(self, room: Room, stuck_s: float) -> None:
        self._stuck_s = stuck_s
        self.room = room
        self.pipes = {side: Pipe() for side in Side}  # by the side that takes
        self.paired = asyncio.Event()
        self.over = asyncio.Event()
        self.ending = Ending(LEFT, "")

    def end(self, code: int, reason: str) -> None:
        """The first reason counts."""
        if not self.over.is_set():
            self.ending = Ending(code, reason)
            self.over.set()

    async def attend(self, websocket: WebSocket, side: Side) -> None:
        """Carry one side's messages until the room is over. The caller closes the socket with `ending`."""
        tasks = (
            asyncio.create_task(self._read(websocket, side), name="relay read"),
            asyncio.create_task(self._write(websocket, side), name="relay write"),
        )
        for task in tasks:
            task.add_done_callback(self._check)
        try:
            await self.over.wait()
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _read(self, websocket: WebSocket, side: Side) -> None:
        pipe = self.pipes[side.other]
        while True:
            message = await websocket.receive()
            if message["type"] == "websocket.disconnect":
                pipe.finish()
                if not self.paired.is_set():
                    self.end(LEFT, f"the {side} left before the other side came")
                return
            data = message.get("bytes")
            if not self.paired.is_set():
                self.end(BAD_MESSAGE, f"the {side} sent a message before both sides were there")
                return
            if not data or len(data) > RELAY_MESSAGE_MAX_BYTES:
                self.end(BAD_MESSAGE, f"the {side} sent something else than 1 to {RELAY_MESSAGE_MAX_BYTES} bytes")
                return
            await pipe.put(data)

    async def _write(self, websocket: WebSocket, side: Side) -> None:
        await self.paired.wait()
        try:
            async with asyncio.timeout(self._stuck_s):
                await websocket.send_text(strict_json.dump(Paired()).decode())
            while (message := await self.pipes[side].take()) is not None:
                async with asyncio.timeout(self._stuck_s):
                    await websocket.send_bytes(message)
        except TimeoutError:
            self.end(STUCK, f"the {side} took nothing for {self._stuck_s:g} s")
        except WebSocketDisconnect:
            return  # its reader sees the same and lets the other side take what was sent
        else:
            self.end(LEFT, f"the {side.other} left")

    def _check(self, task: asyncio.Task[None]) -> None:
        if not task.cancelled() and task.exception() is not None:
            self.end(FAULT, "the relay failed")
            task.get_loop().call_exception_handler(
                {"message": "a relay task failed", "exception": task.exception(), "task": task}
            )
