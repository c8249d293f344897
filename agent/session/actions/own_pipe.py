"""An action's end of its own pipe: rows and bytes out as the technician's program reads them, input in as pieces.

Out: for an action that gives bytes, pieces (protocol/pieces.py); for one that gives rows, one JSON text a line. Both
wait while nobody reads. In: `read` waits for the next piece; `descriptor` tells a `select` when there is something.
"""

import select
import socket
import sys
from collections import deque
from collections.abc import Iterator
from typing import Final

from agent.session.actions.workbench import Row
from protocol import strict_json
from protocol.actions.spec import ActionSpec, Output
from protocol.pieces import BYTES_PIECE_MAX_BYTES, Piece, PieceReader, bytes_header, pack_item
from protocol.visit import Item

_READ_BYTES: Final = 256 * 1024


class OwnPipe:
    """One for an action that streams. The doing yields; `say` is called for it. Input is read through here."""

    def __init__(self, end: socket.socket, spec: ActionSpec) -> None:
        self._end = end
        self._in_lines = spec.output is Output.ITEMS
        self._reader = PieceReader(f"input of {spec.name}")
        self._came: deque[Piece] = deque()
        self._over = False
        self._items = 0

    # --- out -------------------------------------------------------------------------------------------------

    def say(self, said: "Row | bytes | memoryview") -> None:
        """Waits while the technician takes nothing. BrokenPipeError when nobody is there any more."""
        if isinstance(said, Row):
            self._items += 1
            item = Item(id=self._items, kind=said.kind, body=said.body)
            self._end.sendall(strict_json.dump(item) + b"\n" if self._in_lines else pack_item(item))
            return
        if self._in_lines:
            raise TypeError("an action of rows gave bytes")
        if sys.platform == "win32":
            raise OSError("actions have no pipe of their own on Windows in this version")
        data = memoryview(said)
        for place in range(0, len(data), BYTES_PIECE_MAX_BYTES):
            part = data[place : place + BYTES_PIECE_MAX_BYTES]
            header = bytes_header(len(part))
            sent = self._end.sendmsg([header, part])  # one system call, no copy to join them
            if sent < len(header):
                self._end.sendall(header[sent:])
                sent = len(header)
            if sent < len(header) + len(part):
                self._end.sendall(part[sent - len(header) :])

    # --- in --------------------------------------------------------------------------------------------------

    @property
    def descriptor(self) -> int:
        """Readable when the technician has sent something, or nothing follows. Ask `ready` before waiting on it."""
        return self._end.fileno()

    @property
    def ready(self) -> bool:
        """`read` will not wait: something was read together with the piece before."""
        return bool(self._came) or self._over

    def read(self) -> Piece | None:
        """The next piece of input; None when the technician sends nothing more."""
        while not self._came:
            if self._over:
                return None
            data = self._end.recv(_READ_BYTES)
            if not data:
                self._over = True
            self._came.extend(piece for piece, _ in self._reader.feed(data))
        return self._came.popleft()

    def pieces(self) -> Iterator[Piece]:
        """All input to its end."""
        while (piece := self.read()) is not None:
            yield piece

    @property
    def deserted(self) -> bool:
        """Nobody is at the other end any more: input that is over was not said to be, it was cut off."""
        if sys.platform == "win32":
            return False
        poll = select.poll()
        poll.register(self._end, 0)
        return any(what & select.POLLHUP for _, what in poll.poll(0))

    def close(self) -> None:
        self._end.close()
