"""One relay socket of a visit: what came is fed, what is to go leaves in order. A visit has one line after another.

Nothing here knows what is said. A line that was hung up, or whose visit has taken another, feeds nothing any more.
"""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, Final

from agent.link.connection import LinkLost
from agent.session.effects import Event, Received, TransportLost
from agent.session.relay import RelaySocket

#: Records that wait for a slow relay before we stop reading from it: two windows.
OUTGOING_MAX_BYTES: Final = 512 * 1024
#: After the last word: what a relay that takes nothing any more is given to take it.
FLUSH_S: Final = 5.0


class Line:
    """`feed` takes what happens on it. `failed` hears of a defect of ours."""

    def __init__(
        self, socket: RelaySocket, feed: Callable[["Line", Event], None], failed: Callable[[BaseException], None]
    ) -> None:
        self._socket = socket
        self._feed = feed
        self._failed = failed
        self._outgoing: asyncio.Queue[bytes | None] = asyncio.Queue()
        self._outgoing_bytes = 0
        self._room_to_read = asyncio.Event()
        self._room_to_read.set()
        self._reader = self._watched(self._read())
        self._writer = self._watched(self._write())

    def send(self, data: bytes) -> None:
        self._outgoing_bytes += len(data)
        if self._outgoing_bytes > OUTGOING_MAX_BYTES:
            self._room_to_read.clear()
        self._outgoing.put_nowait(data)

    def hang_up(self) -> None:
        """Nothing follows: what waits still goes out."""
        self._outgoing.put_nowait(None)

    async def close(self, flush_s: float | None = None) -> bool:
        """Let what waits go out, then close. False: the relay did not take it in time."""
        try:
            async with asyncio.timeout(FLUSH_S if flush_s is None else flush_s):
                await asyncio.wait({self._writer})
        except TimeoutError:
            return False
        finally:
            for task in (self._reader, self._writer):
                task.cancel()
            await asyncio.gather(self._reader, self._writer, return_exceptions=True)
            await self._socket.close()
        return True

    def _watched(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.create_task(work)
        task.add_done_callback(self._done)
        return task

    def _done(self, task: asyncio.Task[None]) -> None:
        error = None if task.cancelled() else task.exception()
        if error is not None:
            self._failed(error)

    async def _read(self) -> None:
        try:
            while True:
                await self._room_to_read.wait()
                self._feed(self, Received(await self._socket.receive()))
        except LinkLost as lost:
            self._feed(self, TransportLost(str(lost)))

    async def _write(self) -> None:
        try:
            while (data := await self._outgoing.get()) is not None:
                await self._socket.send(data)
                self._outgoing_bytes -= len(data)
                if self._outgoing_bytes <= OUTGOING_MAX_BYTES:
                    self._room_to_read.set()
        except LinkLost as lost:
            self._feed(self, TransportLost(str(lost)))
