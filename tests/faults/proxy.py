"""A network that misbehaves on demand: a TCP proxy that stands between two real programs and knows nothing of them.

    async with FaultProxy(host, port) as net:  net.origin … net.weather = Weather(delay_s=0.05, slice_bytes=1)

What it can do to what passes, each way by the same rule:
  delay      everything arrives later, in order
  slice      one byte (or n) at a time, each in a write of its own
  bandwidth  no faster than so many bytes a second
  silence    nothing passes and nothing is closed: half-open TCP, as after a cable was pulled
  cut        both ends hear a proper end (FIN)
  reset      both ends hear an RST
  refuse     who connects is turned away, as by a server that is down

`Weather` is read again for each piece: a test changes it while connections live. What TCP itself cannot do (messages
twice, messages in another order) stands in messages.py, which speaks WebSocket.
"""

import asyncio
import contextlib
import socket
import struct
from dataclasses import dataclass, field
from types import TracebackType
from typing import Final, Self

_READ_BYTES: Final = 64 * 1024
#: What one direction may hold back: a sender is slowed down by TCP itself, as on a real slow line.
_HELD_PIECES: Final = 16


@dataclass(frozen=True)
class Weather:
    """The defaults are a fine day. `jitter_s`: up to so much more delay, from `uniform` of the proxy."""

    delay_s: float = 0.0
    jitter_s: float = 0.0
    slice_bytes: int | None = None
    bytes_per_s: float | None = None
    silent: bool = False
    refuse: bool = False


FINE: Final = Weather()


@dataclass(eq=False)
class Passage:
    """One connection through the proxy: both of its sockets."""

    inside: asyncio.StreamWriter
    outside: asyncio.StreamWriter
    tasks: list["asyncio.Task[None]"] = field(default_factory=list)
    #: Bytes that arrived from the side that connected, and from the server.
    from_client: int = 0
    from_server: int = 0

    def end(self, *, reset: bool) -> None:
        for task in self.tasks:
            task.cancel()
        for writer in (self.inside, self.outside):
            if reset and not writer.transport.is_closing():
                raw = writer.get_extra_info("socket")
                # l_onoff, l_linger: closing now sends RST instead of FIN.
                raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                writer.transport.abort()
            else:
                writer.close()


class FaultProxy:
    def __init__(self, host: str, port: int, *, listen_on: str = "127.0.0.1", uniform: float = 0.5) -> None:
        self._host, self._port = host, port
        self._listen_on = listen_on
        self._uniform = uniform
        self._server: asyncio.Server | None = None
        self._weather = FINE
        self._changed = asyncio.Event()
        self._connecting: set[asyncio.Task[None]] = set()
        self.passages: list[Passage] = []
        self.port = 0
        self.connections = 0

    @classmethod
    def before(cls, origin: str) -> "FaultProxy":
        """In front of a server that answers at `http://host:port`."""
        host, _, port = origin.partition("://")[2].rpartition(":")
        return cls(host.strip("[]"), int(port))

    @property
    def origin(self) -> str:
        host = f"[{self._listen_on}]" if ":" in self._listen_on else self._listen_on
        return f"http://{host}:{self.port}"

    @property
    def weather(self) -> Weather:
        return self._weather

    @weather.setter
    def weather(self, weather: Weather) -> None:
        self._weather = weather
        # Who waits in a silence looks again.
        self._changed.set()
        self._changed = asyncio.Event()

    def cut(self, *, reset: bool = False) -> int:
        """End all connections of now; how many there were. New ones are let through."""
        ended, self.passages = self.passages, []
        for passage in ended:
            passage.end(reset=reset)
        return len(ended)

    def _over(self, passage: Passage) -> None:
        """One side has ended by itself, and the other was told."""
        if passage in self.passages and all(writer.is_closing() for writer in (passage.inside, passage.outside)):
            self.passages.remove(passage)

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._take, self._listen_on, self.port)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None:
        assert self._server is not None
        self._server.close()
        tasks = [task for passage in self.passages for task in passage.tasks] + list(self._connecting)
        self.cut(reset=True)
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _take(self, reader: asyncio.StreamReader, inside: asyncio.StreamWriter) -> None:
        self.connections += 1
        if self._weather.refuse:
            inside.transport.abort()
            return
        task = asyncio.current_task()
        assert task is not None
        self._connecting.add(task)
        try:
            answers, outside = await asyncio.open_connection(self._host, self._port)
        except OSError:
            inside.transport.abort()
            return
        finally:
            self._connecting.discard(task)
        for writer in (inside, outside):
            writer.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        passage = Passage(inside, outside)
        self.passages.append(passage)
        passage.tasks = [
            asyncio.create_task(self._carry(passage, reader, outside, from_client=True)),
            asyncio.create_task(self._carry(passage, answers, inside, from_client=False)),
        ]

    async def _carry(
        self, passage: Passage, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, from_client: bool
    ) -> None:
        """Reads as long as little is held; a second task lets go of each piece when its time has come."""
        held: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue(_HELD_PIECES)
        letting_go = asyncio.create_task(self._let_go(held, writer))
        passage.tasks.append(letting_go)
        clock = asyncio.get_running_loop().time
        try:
            while piece := await reader.read(_READ_BYTES):
                if from_client:
                    passage.from_client += len(piece)
                else:
                    passage.from_server += len(piece)
                weather = self._weather
                await held.put((clock() + weather.delay_s + weather.jitter_s * self._uniform, piece))
        except ConnectionError:
            pass  # one side was reset: so is the other, below
        await held.put((0.0, b""))
        await letting_go
        self._over(passage)

    async def _let_go(self, held: "asyncio.Queue[tuple[float, bytes]]", writer: asyncio.StreamWriter) -> None:
        clock = asyncio.get_running_loop().time
        while True:
            due, piece = await held.get()
            while self._weather.silent:
                await self._changed.wait()
            if (wait_s := due - clock()) > 0:
                await asyncio.sleep(wait_s)
            if not piece:
                writer.close()
                return
            with contextlib.suppress(ConnectionError):
                await self._write(writer, piece)

    async def _write(self, writer: asyncio.StreamWriter, piece: bytes) -> None:
        weather = self._weather
        size = weather.slice_bytes or len(piece)
        for at in range(0, len(piece), size):
            part = piece[at : at + size]
            writer.write(part)
            await writer.drain()
            if weather.bytes_per_s is not None:
                await asyncio.sleep(len(part) / weather.bytes_per_s)
            elif weather.slice_bytes is not None:
                await asyncio.sleep(0)  # so that the other side's loop reads in between, as it would from afar
