"""One direction of a room: a bounded queue of opaque messages, in order, nothing dropped.

`put` waits while the queue holds RELAY_QUEUE_BYTES: the one who reads the sender's socket waits with it, the socket's
buffers fill, and the sender itself has to stop. `take` gives what was put before `finish` and then None.
"""

import asyncio
from collections import deque

from protocol.limits import RELAY_QUEUE_BYTES


class Pipe:
    """One task puts, one task takes."""

    def __init__(self, limit_bytes: int = RELAY_QUEUE_BYTES) -> None:
        self._limit_bytes = limit_bytes
        self._messages: deque[bytes] = deque()
        self._queued_bytes = 0
        self._finished = False
        self._room = asyncio.Event()
        self._filled = asyncio.Event()
        self._room.set()
        self.passed_bytes = 0

    @property
    def queued_bytes(self) -> int:
        return self._queued_bytes

    async def put(self, message: bytes) -> None:
        while self._queued_bytes and self._queued_bytes + len(message) > self._limit_bytes:
            self._room.clear()
            await self._room.wait()
        self._messages.append(message)
        self._queued_bytes += len(message)
        self._filled.set()

    def finish(self) -> None:
        """Nothing more will be put; what was put is still taken."""
        self._finished = True
        self._filled.set()

    async def take(self) -> bytes | None:
        while not self._messages:
            if self._finished:
                return None
            self._filled.clear()
            await self._filled.wait()
        message = self._messages.popleft()
        self._queued_bytes -= len(message)
        self.passed_bytes += len(message)
        self._room.set()
        return message
