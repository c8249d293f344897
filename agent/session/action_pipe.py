"""The service's end of one action's own pipe: what it says comes as it comes, what the technician sends goes in.

    service ═══ one UNIX stream socket ═══ the action's process

The action's end is handed to the session host, which hands it to the action and keeps nothing: what an action says
passes no other process. Nobody listens → `hold`: the socket fills and the action waits. The action does not read → the
socket fills and no credit goes back to the technician. The socket's end is the end of all that was said.
"""

import asyncio
import socket
from collections import deque
from collections.abc import Callable
from typing import Final

from agent.session.effects import InputTaken, Streamed
from protocol.channel import FRAME_PAYLOAD_MAX_BYTES

#: Four frames at a time: one stream window.
_READ_BYTES: Final = 4 * FRAME_PAYLOAD_MAX_BYTES
#: The kernel's buffer each way: an action may be this far ahead.
_BUFFER_BYTES: Final = 512 * 1024


class ActionPipe:
    """`theirs` is to be handed over and then closed with `handed_over`. `over` is called once, at the end."""

    def __init__(
        self,
        sequence: int,
        output_max_bytes: int,
        heard: Callable[[Streamed | InputTaken], None],
        over: Callable[[int], None],
        too_much: Callable[[int], None],
    ) -> None:
        self.sequence = sequence
        self._left_bytes = output_max_bytes
        self._heard, self._over, self._too_much = heard, over, too_much
        self._loop = asyncio.get_running_loop()
        # Where it is AF_UNIX (everywhere but on Windows, where no host is started) ends can be handed over.
        self._ours, self.theirs = socket.socketpair()
        for end in (self._ours, self.theirs):
            end.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _BUFFER_BYTES)
        self._ours.setblocking(False)
        self._waiting: deque[memoryview] = deque()
        self._last = False
        self._writing = False
        self._reading = False
        self.ended = False
        self.hold(False)

    def handed_over(self) -> None:
        """The host has a copy of `theirs`: ours must not keep the pipe open."""
        self.theirs.close()

    def hold(self, held: bool) -> None:
        """Read no more for now, or go on."""
        if self.ended or held is not self._reading:
            return
        if held:
            self._loop.remove_reader(self._ours)
        else:
            self._loop.add_reader(self._ours, self._readable)
        self._reading = not held

    def give(self, data: bytes, last: bool) -> None:
        """`data` for the action; `last`: nothing follows."""
        if self.ended:
            if data:
                self._heard(InputTaken(self.sequence, len(data)))
            return
        if data:
            self._waiting.append(memoryview(data))
        self._last = self._last or last
        if not self._writing:
            self._writable()

    def close(self) -> None:
        """Nobody wants anything more of it; `over` is not called."""
        if not self.ended:
            self.ended = True
            if self._reading:
                self._loop.remove_reader(self._ours)
            if self._writing:
                self._loop.remove_writer(self._ours)
            self._ours.close()
            self.theirs.close()

    def _readable(self) -> None:
        try:
            data = self._ours.recv(_READ_BYTES)
        except (BlockingIOError, InterruptedError):
            return
        except OSError:
            data = b""  # its process was killed in the middle
        if not data:
            self.close()
            self._over(self.sequence)
            return
        self._left_bytes -= len(data)
        if self._left_bytes < 0:
            self.close()
            self._too_much(self.sequence)
            return
        self._heard(Streamed(self.sequence, data))

    def _writable(self) -> None:
        taken = 0
        try:
            while self._waiting:
                sent = self._ours.send(self._waiting[0])
                taken += sent
                if sent == len(self._waiting[0]):
                    self._waiting.popleft()
                else:
                    self._waiting[0] = self._waiting[0][sent:]
            if self._last:
                self._last = False
                self._ours.shutdown(socket.SHUT_WR)
        except (BlockingIOError, InterruptedError):
            pass  # told below: wait until there is room
        except OSError:
            # It reads no more: what is left is nobody's, and the technician may go on.
            taken += sum(len(each) for each in self._waiting)
            self._waiting.clear()
        wants = bool(self._waiting)
        if wants is not self._writing:
            if wants:
                self._loop.add_writer(self._ours, self._writable)
            else:
                self._loop.remove_writer(self._ours)
            self._writing = wants
        if taken:
            self._heard(InputTaken(self.sequence, taken))
