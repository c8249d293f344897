"""A terminal of the device in this one: keys go out as they are typed, what it shows is shown.

    a person   raw mode; a line that begins with ~. hangs up, ~~ is one ~; the window's size follows
    a program  (--json) lines of stdin:  {"keys":"ls\\n"}   {"rows":40,"columns":120}   {"hang_up":true}
               events: {"event":"terminal","data":"…base64…"}
    a pipe     lines of stdin are typed as they stand; the end of stdin, or a line ~., hangs up

What it shows is the device's own: like any remote shell it may move the cursor, set colours and titles. A shell ends
with the connection, and with it what was started there: that is said, and what was typed since reaches no other shell.
"""

import asyncio
import os
import shutil
import signal
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager, suppress
from typing import Annotated

from pydantic import Field

from protocol import strict_json
from protocol.actions.terminal import RESIZE_KIND, TerminalArguments, TerminalEnded, TerminalOpened, TerminalSize
from protocol.errors import ProtocolError, RemoteProtocolError
from protocol.strict_json import WireModel
from protocol.visit import Item
from technician.commands.connect_faces import Face
from technician.commands.typing_in import TypedIn
from technician.problems import Problem
from technician.session.run import Run
from technician.session.visit import Visit

SHELL_LOST = (
    "the shell ended with the connection, and what was started in it; what was typed since was not run. "
    "It cannot be carried over; a new one can be opened"
)


class Keys(WireModel):
    """One line of a program. Exactly one of the three."""

    keys: Annotated[str, Field(max_length=60_000)] | None = None
    rows: Annotated[int, Field(ge=1, le=1000)] | None = None
    columns: Annotated[int, Field(ge=1, le=1000)] | None = None
    hang_up: bool = False


class Escapes:
    """Finds `~.` at the beginning of a line; `~~` is one `~`. Pure: bytes in, bytes and "hang up" out."""

    def __init__(self) -> None:
        self._line_began = True
        self._tilde = False

    def typed(self, data: bytes) -> tuple[bytes, bool]:
        out = bytearray()
        for byte in data:
            if self._tilde:
                self._tilde = False
                if byte == ord("."):
                    return bytes(out), True
                if byte != ord("~"):
                    out.append(ord("~"))
                out.append(byte)
                self._line_began = byte in b"\r\n"
            elif self._line_began and byte == ord("~"):
                self._tilde = True
            else:
                out.append(byte)
                self._line_began = byte in b"\r\n"
        return bytes(out), False


async def open_terminal(visit: Visit, face: Face, typed: TypedIn) -> bool:
    """Until the shell ends, somebody hangs up, or the visit is over. Problems are told on the face.

    True: a lost connection ended it, and the visit goes on, so that another one can be opened.
    """
    columns, rows = shutil.get_terminal_size()
    run = await visit.run("terminal", TerminalArguments(rows=min(rows, 1000), columns=min(columns, 1000)))
    interactive = not face.out.as_json and sys.stdin.isatty()
    with _raw(run) if interactive else _plain():
        typing = asyncio.create_task(_type(run, typed, for_program=face.out.as_json))
        try:
            await _show(run, face)
        finally:
            typing.cancel()
            with suppress(asyncio.CancelledError):
                await typing
    if run.result is not None:
        face.result(run.action, [], run.result.outcome.value, run.result.detail)
    if run.cut_off:
        face.notice("terminal", SHELL_LOST)
    return run.cut_off


async def _show(run: Run, face: Face) -> None:
    async for piece in run.pieces():
        if isinstance(piece, bytes):
            face.terminal_showed(piece)
        else:
            _tell(piece, face)


def _tell(item: Item, face: Face) -> None:
    match item.kind:
        case "terminal-opened":
            opened = strict_json.parse(item.body.encode(), TerminalOpened)
            face.notice("terminal", f"{opened.shell}; a line that begins with ~. hangs up")
            if not opened.confined:
                face.notice("terminal", "the device's kernel does not keep it from the agent's own files")
        case "terminal-ended":
            code = strict_json.parse(item.body.encode(), TerminalEnded).code
            face.notice("terminal", "hung up" if code is None else f"the shell ended with {code}")
        case _:
            face.notice("terminal", f"something this version does not know: {item.kind}")


async def _type(run: Run, typed: TypedIn, *, for_program: bool) -> None:
    try:
        async for keys in _commands(run, typed) if for_program else _keys(typed):
            await run.write(keys)
        await run.close_input()
    except Problem:
        return  # it has ended: its result says so


async def _keys(typed: TypedIn) -> AsyncIterator[bytes]:
    escapes = Escapes()
    while data := await typed.keys():
        keys, hang_up = escapes.typed(data)
        if keys:
            yield keys
        if hang_up:
            return


async def _commands(run: Run, typed: TypedIn) -> AsyncIterator[bytes]:
    while (line := await typed.next()) is not None:
        try:
            said = strict_json.parse(line.encode(), Keys)
        except RemoteProtocolError as error:
            raise Problem("this is no line for a terminal", expected='{"keys":"ls\\n"}', got=error.got) from None
        if said.hang_up:
            return
        if said.rows and said.columns:
            await run.say(RESIZE_KIND, TerminalSize(rows=said.rows, columns=said.columns))
        if said.keys:
            yield said.keys.encode()


@contextmanager
def _plain() -> Iterator[None]:
    yield


@contextmanager
def _raw(run: Run) -> Iterator[None]:
    """This terminal in raw mode; its size goes to the device whenever it changes."""
    if sys.platform == "win32":
        raise Problem("a terminal in a terminal needs a POSIX system here", hint="Use the workbench, or --json.")
    import termios
    import tty

    loop = asyncio.get_running_loop()
    before = termios.tcgetattr(0)
    telling: set[asyncio.Task[None]] = set()

    async def tell_size() -> None:
        columns, rows = os.get_terminal_size(0)
        with suppress(Problem, ProtocolError):  # it is ending
            await run.say(RESIZE_KIND, TerminalSize(rows=min(rows, 1000) or 24, columns=min(columns, 1000) or 80))

    def changed() -> None:
        task = asyncio.create_task(tell_size())
        telling.add(task)
        task.add_done_callback(telling.discard)

    tty.setraw(0)
    raw = termios.tcgetattr(0)
    raw[1] |= termios.OPOST  # our own lines between the device's still begin at the left
    termios.tcsetattr(0, termios.TCSADRAIN, raw)
    loop.add_signal_handler(signal.SIGWINCH, changed)
    try:
        yield
    finally:
        loop.remove_signal_handler(signal.SIGWINCH)
        termios.tcsetattr(0, termios.TCSADRAIN, before)
