"""stdin of `bellpull connect`: lines while commands are typed, bytes as they come while a terminal is open.

Read by a thread that may be left waiting when the visit ends first; it reads what is there and no more, so that nothing
typed for a terminal hangs in a buffer for lines.
"""

import asyncio
import os
import sys
import threading
from collections.abc import Iterator
from contextlib import suppress
from typing import Final, TextIO

_READ_BYTES: Final = 64 * 1024


class TypedIn:
    def __init__(self, source: TextIO | None = None) -> None:
        """`source`: stdin, unless a test says otherwise."""
        self._source = sys.stdin if source is None else source
        self._came: asyncio.Queue[bytes] = asyncio.Queue()  # an empty one: nothing follows
        self._loop = asyncio.get_running_loop()
        self._rest = b""
        self._over = False
        threading.Thread(target=self._read, name="stdin", daemon=True).start()

    async def next(self) -> str | None:
        """The next line, or None at the end of stdin, for ever."""
        while b"\n" not in self._rest:
            if self._over:
                line, self._rest = self._rest, b""
                return line.decode("utf-8", "replace") if line else None
            self._took(await self._came.get())
        line, _, self._rest = self._rest.partition(b"\n")
        return line.decode("utf-8", "replace") + "\n"

    async def keys(self) -> bytes:
        """What was typed since; empty at the end of stdin, for ever."""
        if not self._rest and not self._over:
            self._took(await self._came.get())
        typed, self._rest = self._rest, b""
        return typed

    def _took(self, piece: bytes) -> None:
        self._rest += piece
        self._over = not piece

    def _read(self) -> None:
        with suppress(RuntimeError):  # the loop is closed: nobody reads any more
            for piece in self._pieces():
                self._loop.call_soon_threadsafe(self._came.put_nowait, piece)
            self._loop.call_soon_threadsafe(self._came.put_nowait, b"")

    def _pieces(self) -> Iterator[bytes]:
        try:
            descriptor = self._source.fileno()
        except (OSError, AttributeError):  # no real file: lines are all there is
            yield from (line.encode() for line in self._source)
            return
        with suppress(OSError):  # the terminal is gone
            while piece := os.read(descriptor, _READ_BYTES):
                yield piece
