"""A proxy outside the server: everybody reaches the server through it, and every byte that passes is kept.

    agent, technician, browser ──► 127.0.0.1:PORT (tap) ──► 127.0.0.1:other (server)

What it keeps is what a server under somebody's control would see after TLS. One pair of files a connection:
NNNN-up.bin (towards the server) and NNNN-down.bin. It runs on a thread of its own and understands nothing.
"""

import asyncio
import contextlib
import socket
import threading
from pathlib import Path
from typing import Final

from technician.problems import Problem

_PIECE_BYTES: Final = 64 * 1024
LOOPBACK: Final = "127.0.0.1"


class Tap:
    """Listens from the moment it is made. `towards`: the server's port, which may come up later.

    `folder` None: nothing is kept, for a demo that people leave running for days.
    """

    def __init__(self, listening: socket.socket, towards: int, folder: Path | None) -> None:
        self._listening = listening
        self._towards = towards
        self._folder = folder
        self._count = 0
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, name="tap", daemon=True)
        self._thread.start()

    def close(self) -> None:
        if self._loop.is_running():
            self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(5)

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        server = self._loop.run_until_complete(asyncio.start_server(self._connected, sock=self._listening))
        self._loop.run_forever()
        server.close()
        for task in asyncio.all_tasks(self._loop):
            task.cancel()
        self._loop.run_until_complete(asyncio.sleep(0))
        self._loop.close()

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._count += 1
        name = f"{self._count:04d}" if self._folder else ""
        try:
            up_reader, up_writer = await asyncio.open_connection(LOOPBACK, self._towards)
        except OSError:
            writer.close()  # the server is not there: the caller sees a closed connection, as without a tap
            return
        up = self._carry(reader, up_writer, name and f"{name}-up.bin")
        down = self._carry(up_reader, writer, name and f"{name}-down.bin")
        await asyncio.gather(up, down, return_exceptions=True)

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, name: str) -> None:
        """Every piece is on file before it goes on."""
        with contextlib.ExitStack() as open_files:
            file = open_files.enter_context((self._folder / name).open("wb", buffering=0)) if self._folder else None
            try:
                while piece := await reader.read(_PIECE_BYTES):
                    if file is not None:
                        file.write(piece)
                    writer.write(piece)
                    await writer.drain()
            finally:
                with contextlib.suppress(OSError, RuntimeError):
                    writer.close()


def listen_from(port: int) -> socket.socket:
    """A listening socket at `port` or the next free one above it."""
    for candidate in range(port, min(port + 200, 65536)):
        listening = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        try:
            listening.bind((LOOPBACK, candidate))
            listening.listen(128)
        except OSError:
            listening.close()
            continue
        return listening
    raise Problem("no port is free", expected=f"one from {port} upwards", hint="Name another with --port.")


def free_port() -> int:
    """A port that nobody has now. The server binds it a moment later and says so if somebody was quicker."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.bind((LOOPBACK, 0))
        return int(probe.getsockname()[1])
