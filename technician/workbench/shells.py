"""A terminal of the visit: what it has shown lately, who looks at it, and what is typed.

    action (bytes) ──► Shell: keeps the newest part ──► every page that looks    binary messages
    action (input) ◄── Shell ◄───────────────────────── the page                 binary: keys; text: {"rows","columns"}

The shell lives as long as the visit lets it, also while nobody looks: a page that comes back gets what is kept first.
It ends with a lost connection, which is said; what is typed meanwhile reaches no other shell.
"""

import asyncio
import json
from contextlib import suppress
from typing import Final

from pydantic import ValidationError
from starlette.websockets import WebSocket, WebSocketDisconnect

from protocol.actions.terminal import RESIZE_KIND, TerminalEnded, TerminalOpened, TerminalSize
from protocol.errors import ProtocolError
from protocol.limits import MIB
from protocol.strict_json import parse
from protocol.visit import Item
from technician.problems import Problem
from technician.session.run import Run
from technician.workbench.desk import Desk
from technician.workbench.runs import ActionRun
from technician.workbench.socket_end import until_one_ends

#: 10 000 lines of 100 characters.
KEPT_BYTES: Final = MIB
#: Of one message of the page: a large paste comes in several.
TYPED_MAX_BYTES: Final = 64 * 1024
#: Messages that a page has not taken; a page that is that far behind is closed and begins anew from what is kept.
BEHIND_MAX: Final = 2000


LOST: Final = "It ended with the connection, and so did what was started in it. Open another one to go on."


class Shell:
    """One terminal. `ended` is a sentence once it is over."""

    def __init__(self) -> None:
        self._kept = bytearray()
        self._lookers: set[asyncio.Queue[bytes | None]] = set()
        self._handle: Run | None = None
        self.program = ""
        self.confined = True
        self.ended = ""

    async def drive(self, handle: Run, run: ActionRun) -> None:
        self._handle = handle
        try:
            async for piece in handle.pieces():
                if isinstance(piece, Item):
                    self._said(piece)
                    run.changed()
                else:
                    self._show(piece)
        finally:
            self._handle = None
            self.ended = self.ended or (LOST if handle.cut_off else "The terminal is closed.")
            for looker in self._lookers:
                looker.put_nowait(None)

    def again(self, handle: Run) -> None:
        """A shell cannot be carried over."""

    def close(self) -> None:
        """It has ended."""

    def _said(self, item: Item) -> None:
        body = item.body.encode()
        match item.kind:
            case "terminal-opened":
                opened = parse(body, TerminalOpened, what="terminal-opened")
                self.program, self.confined = opened.shell, opened.confined
            case "terminal-ended":
                code = parse(body, TerminalEnded, what="terminal-ended").code
                self.ended = "It was hung up." if code is None else f"The shell ended with {code}."
            case _:
                pass  # of a newer device: nothing that a screen needs

    def _show(self, data: bytes) -> None:
        self._kept += data
        if len(self._kept) > KEPT_BYTES:
            del self._kept[: len(self._kept) - KEPT_BYTES * 3 // 4]
            # A cut escape sequence would colour the whole screen: begin with a line of its own.
            del self._kept[: self._kept.find(b"\n") + 1]
        for looker in list(self._lookers):
            if looker.qsize() >= BEHIND_MAX:
                self._lookers.discard(looker)
                looker.put_nowait(None)
            else:
                looker.put_nowait(data)

    async def write(self, data: bytes) -> None:
        if self._handle is not None:
            await self._handle.write(data)

    async def resize(self, size: TerminalSize) -> None:
        if self._handle is not None:
            await self._handle.say(RESIZE_KIND, size)

    async def show_to(self, socket: WebSocket) -> None:
        """All that is kept, then what comes, until the shell ends."""
        looker: asyncio.Queue[bytes | None] = asyncio.Queue()
        self._lookers.add(looker)
        try:
            if self._kept:
                await socket.send_bytes(bytes(self._kept))
            while not self.ended and (data := await looker.get()) is not None:
                await socket.send_bytes(data)
            if self.ended:
                await socket.send_text(json.dumps({"ended": self.ended}))
        finally:
            self._lookers.discard(looker)


async def terminal_socket(socket: WebSocket) -> None:
    """Same doors as every page: session cookie, Host, Origin; and a terminal of this visit must be there."""
    desk = socket.app.state.desk
    assert isinstance(desk, Desk)  # noqa: S101 - set by build_app, never by a request
    number = socket.query_params.get("run", "")
    live = desk.live
    run = live.runs.find(int(number)) if live and number.isascii() and number.isdecimal() and len(number) < 10 else None
    if run is None or not isinstance(run.driven, Shell):
        await socket.close(1008, "there is no such terminal")
        return
    await socket.accept()
    await until_one_ends(socket, run.driven.show_to(socket), _typed(socket, run.driven))


async def _typed(socket: WebSocket, shell: Shell) -> None:
    with suppress(WebSocketDisconnect, Problem, ProtocolError):  # the page, the shell or the visit is gone
        while True:
            message = await socket.receive()
            if message["type"] != "websocket.receive":
                return
            if (data := message.get("bytes")) is not None:
                await shell.write(data[:TYPED_MAX_BYTES])
            elif (size := _size(message.get("text") or "")) is not None:
                await shell.resize(size)


def _size(text: str) -> TerminalSize | None:
    try:
        return TerminalSize.model_validate_json(text[:200])
    except ValidationError:
        return None
