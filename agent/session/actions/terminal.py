"""terminal: a shell on a pseudo-terminal, what is typed in and what is shown out, both as they come.

    technician ─ pieces ─► this process ─► pty ─► shell, as the person at the machine
               ◄─ pieces ─               ◄─ pty ◄─

The shell gets a clean environment, no privileges beyond the person's (set-uid programs run as the person), no open file
of ours, and may read and write what the person may, but nothing of the agent's (confinement.py). All that it starts is
below the session host: what is left when the shell ends, when input ends, or at Stop, is killed by the host. Where the
agent's folder lies in the person's home (user mode), nothing new can be made directly in the folders above it, the home
itself among them: the kernel's rules allow what is there, and cannot except one folder from a whole.
"""

import errno
import os
import select
import signal
import struct
import sys
from collections.abc import Iterator
from typing import Final

from agent.session.actions.files_read import plain_row
from agent.session.actions.own_pipe import OwnPipe
from agent.session.actions.workbench import Row, Workbench
from agent.session.host_wire import MARK
from diagnostics.machine.interface import Unreadable, UnreadableKind
from protocol import strict_json
from protocol.actions.terminal import RESIZE_KIND, TerminalArguments, TerminalEnded, TerminalOpened, TerminalSize
from protocol.visit import Item

_READ_BYTES: Final = 64 * 1024
#: A shell that was hung up has so long to say its last words.
_HANGUP_S: Final = 1.0
_PATH: Final = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


def do_terminal(arguments: TerminalArguments, bench: Workbench) -> Iterator[Row | bytes | memoryview]:
    if sys.platform != "linux" or bench.pipe is None:
        raise Unreadable("a terminal is opened on Linux only in this version", UnreadableKind.UNSUPPORTED)
    if not bench.settings.terminal:
        raise Unreadable("no administrator of this computer has enabled the terminal", UnreadableKind.REFUSED)
    shell, home, environment = _person()
    pid, terminal = os.forkpty()
    if pid == 0:
        _become_shell(shell, home, environment)
    try:
        os.set_blocking(terminal, False)
        _resize(terminal, arguments.rows, arguments.columns)
        yield plain_row("terminal-opened", TerminalOpened(shell=os.path.basename(shell), confined=bench.confined))
        yield from _carry(pid, terminal, bench.pipe)
        yield plain_row("terminal-ended", TerminalEnded(code=_code(pid)))
    finally:
        os.close(terminal)


def _carry(pid: int, terminal: int, pipe: OwnPipe) -> Iterator[bytes]:
    """Until the shell has ended, nobody holds the terminal, or the technician hangs up.

    What is typed waits while the shell reads nothing.
    """
    if sys.platform != "linux":
        return
    typed = b""
    ending = os.pidfd_open(pid)
    hung_up = False
    try:
        while True:
            poll = select.poll()
            poll.register(terminal, select.POLLIN | (select.POLLOUT if typed else 0))
            poll.register(ending, select.POLLIN)
            if not typed and not hung_up:
                poll.register(pipe.descriptor, select.POLLIN)
            waits_ms = int(_HANGUP_S * 1000) if hung_up else None
            ready = dict(poll.poll(0 if pipe.ready and not typed and not hung_up else waits_ms))
            if hung_up and not ready:
                return
            if ready.get(terminal, 0) & (select.POLLIN | select.POLLHUP) and (shown := _shown(terminal)):
                yield shown
                continue  # what is shown goes first, as long as there is any
            if ending in ready:
                return
            if ready.get(terminal, 0) & select.POLLHUP:
                select.select([ending], [], [], _HANGUP_S)  # nobody holds the terminal: the shell is about to end
                return
            if typed and ready.get(terminal, 0) & select.POLLOUT:
                typed = _type(terminal, typed)
            elif not typed and not hung_up and (pipe.descriptor in ready or pipe.ready):
                said = pipe.read()
                if said is None:
                    hung_up = True
                    os.killpg(pid, signal.SIGHUP)
                elif isinstance(said, bytes):
                    typed = _type(terminal, said)
                else:
                    _told(terminal, said)
    finally:
        os.close(ending)


def _told(terminal: int, item: Item) -> None:
    if item.kind == RESIZE_KIND:
        size = strict_json.parse(item.body.encode(), TerminalSize)
        _resize(terminal, size.rows, size.columns)


def _shown(terminal: int) -> bytes:
    try:
        return os.read(terminal, _READ_BYTES)
    except BlockingIOError:
        return b""
    except OSError as error:
        if error.errno == errno.EIO:
            return b""  # nobody holds the other end any more
        raise


def _type(terminal: int, typed: bytes) -> bytes:
    """What could not be taken yet."""
    try:
        return typed[os.write(terminal, typed) :]
    except BlockingIOError:
        return typed
    except OSError as error:
        if error.errno == errno.EIO:
            return b""
        raise


def _resize(terminal: int, rows: int, columns: int) -> None:
    if sys.platform == "win32":
        return
    import fcntl
    import termios

    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))


def _code(pid: int) -> int | None:
    """How the shell ended; None when it still runs and is left to the host."""
    if sys.platform == "win32":
        return None
    found, status = os.waitpid(pid, os.WNOHANG)
    return os.waitstatus_to_exitcode(status) if found else None


def _person() -> tuple[str, str, dict[str, str]]:
    """Shell, home and environment of whom this process runs as."""
    if sys.platform == "win32":
        raise Unreadable("a terminal is opened on Linux only in this version", UnreadableKind.UNSUPPORTED)
    import pwd

    try:
        entry = pwd.getpwuid(os.geteuid())
    except KeyError:
        raise Unreadable("this user has no account on this computer", UnreadableKind.ABSENT) from None
    shell = entry.pw_shell if os.access(entry.pw_shell, os.X_OK) else "/bin/sh"
    environment = {
        "HOME": entry.pw_dir,
        "USER": entry.pw_name,
        "LOGNAME": entry.pw_name,
        "SHELL": shell,
        "PATH": _PATH,
        "TERM": "xterm-256color",
        "LANG": os.environ.get("LANG", "C.UTF-8"),
        "HISTFILE": os.devnull,  # a technician's commands do not belong into the person's history
        "BELLPULL_TERMINAL": "1",
    }
    if MARK in os.environ:
        environment[MARK] = os.environ[MARK]  # by this the service finds what a killed host left behind
    return shell, entry.pw_dir, environment


def _become_shell(shell: str, home: str, environment: dict[str, str]) -> None:
    """In the fork, on the pseudo-terminal. Never returns."""
    if sys.platform == "win32":
        return
    try:
        for number in (signal.SIGPIPE, signal.SIGXFSZ, signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, signal.SIG_DFL)
        try:
            os.chdir(home)
        except OSError:
            os.chdir("/")
        os.execve(shell, [f"-{os.path.basename(shell)}"], environment)  # noqa: S606 - a shell is what was asked for
    finally:
        os._exit(127)
