"""Who is connected, and handing messages to them. One connection for each device: a newer one replaces the older."""

import asyncio
import time
from collections.abc import Callable, Iterator

from protocol import strict_json
from protocol.messages.login import Closing
from protocol.strict_json import WireModel
from server.devices.rules import Device
from server.link.doorway import Doorway

#: Messages that wait for one agent. One that does not take them is let go: it fetches anew when it comes back.
WAITING_MAX = 256
#: Of these, answers to its own questions: the rest is room for what others say to it.
REPLIES_MAX = 128


class Connection:
    """One agent's link. `device` changes when it is certified while connected."""

    def __init__(self, device: Device, cosigned_size: int) -> None:
        self.device = device
        self.cosigned_size = cosigned_size
        self.announced_size = -1
        self.over = asyncio.Event()
        self._waiting: asyncio.Queue[tuple[str, bool]] = asyncio.Queue(WAITING_MAX)
        self._replies = asyncio.Semaphore(REPLIES_MAX)

    def push(self, message: WireModel) -> bool:
        """Queue a message now; an agent with a full queue is closed."""
        if self.over.is_set():
            return False
        try:
            self._waiting.put_nowait((strict_json.dump(message).decode(), False))
        except asyncio.QueueFull:
            self.over.set()
            return False
        return True

    async def reply(self, message: WireModel) -> None:
        """Queue an answer; waits while too many wait, and so stops the reading of more questions."""
        await self._replies.acquire()
        await self._waiting.put((strict_json.dump(message).decode(), True))

    async def next(self) -> str:
        text, is_reply = await self._waiting.get()
        if is_reply:
            self._replies.release()
        return text

    def end(self, reason: str, retry_after_s: int = 0) -> None:
        """Say goodbye behind what is queued, then close."""
        self.push(Closing(reason=reason, retry_after_s=retry_after_s))
        self.over.set()

    def drain(self) -> Iterator[str]:
        """What is still queued, without waiting."""
        while not self._waiting.empty():
            yield self._waiting.get_nowait()[0]


class Hub:
    def __init__(self, mono: Callable[[], float] = time.monotonic) -> None:
        self._connections: dict[str, Connection] = {}
        self.doorway = Doorway(mono)
        self.sockets = 0  # that are open, also those that only wait for their last words

    def __len__(self) -> int:
        return len(self._connections)

    def __iter__(self) -> Iterator[Connection]:
        return iter(list(self._connections.values()))

    def add(self, connection: Connection) -> None:
        older = self._connections.get(connection.device.device)
        if older is not None:
            older.end("this device connected anew")
        self._connections[connection.device.device] = connection

    def remove(self, connection: Connection) -> None:
        if self._connections.get(connection.device.device) is connection:
            del self._connections[connection.device.device]

    def get(self, device: str) -> Connection | None:
        return self._connections.get(device)

    def connected(self, device: str) -> bool:
        return device in self._connections

    def push(self, device: str, message: WireModel) -> bool:
        """True when the device is connected and the message is on its way."""
        connection = self._connections.get(device)
        return connection is not None and connection.push(message)
