"""The session host as the service sees it: started early, fed authorised actions, killed with everything below it.

What the host says is checked like anything foreign: a line that is not one of three, a row of an action that is not
running, more rows than allowed, no end in time: the host is killed and its actions have failed. `kill` returns when
every process of the visit has got its SIGKILL; it asks nobody and needs no disk, no network and no event loop.

Actions that stream (protocol/actions/spec.py) get a pipe of their own (action_pipe.py); its other end goes to the host
over a socket beside stdin, and what is said on it never passes the host. Such an action is over when the host has said
its end and the pipe has come to its own.
"""

import asyncio
import os
import secrets
import socket
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

from agent.children import child_argv, child_environment
from agent.session.action_pipe import ActionPipe
from agent.session.descendants import kill_tree
from agent.session.effects import Finished, InputTaken, Rows, Streamed
from agent.session.host_wire import (
    LINE_MAX_BYTES,
    MARK,
    TOLD_MAX_CHARS,
    Begin,
    CancelAction,
    End,
    Ready,
    Row,
    RunAction,
    SessionSettings,
    Told,
    ToldRow,
)
from protocol import strict_json
from protocol.actions.catalogue import ACTIONS
from protocol.actions.spec import ActionSpec
from protocol.errors import ProtocolError, RemoteProtocolError
from protocol.fields import sha256
from protocol.journal import Outcome
from protocol.strict_json import WireModel
from protocol.visit import Item

# The host keeps the limit itself; a host that does not is killed this much later.
_GRACE_S: Final = 5.0
_STDERR_MAX_BYTES: Final = 4096

HostEvent = Rows | Streamed | InputTaken | Finished


class SessionHost:
    """One for each visit. `heard` gets rows and ends; `lost` is told once when the host is gone by itself.

    `mark`: what all hosts of this service share (`mark_of`). `keep_out`: the agent's state folder, which nothing of the
    session can read where the kernel helps; `confined` tells once the host is ready. `settings`: what the owner of this
    machine allows. `argv`: another program than our own host, for tests that need a misbehaving one.
    """

    def __init__(
        self,
        secret: bytes,
        heard: Callable[[HostEvent], None],
        lost: Callable[[str], None],
        *,
        mark: str = "",
        keep_out: Path | None = None,
        settings: SessionSettings | None = None,
        argv: Sequence[str] | None = None,
    ) -> None:
        self._secret = secret
        self._keep_out = None if keep_out is None else str(keep_out)
        self._settings = settings or SessionSettings()
        self._pipes: socket.socket | None = None
        self.confined: bool | None = None
        self._argv = child_argv("agent.session.host") if argv is None else list(argv)
        self._heard = heard
        self._lost = lost
        self._mark = f"{mark}-{secrets.token_hex(16)}"
        self._process: asyncio.subprocess.Process | None = None
        self._reader: asyncio.Task[None] | None = None
        self._running: dict[int, _Running] = {}
        self._killed = False

    @property
    def pid(self) -> int | None:
        process = self._process
        return process.pid if process is not None and process.returncode is None and not self._killed else None

    async def start(self) -> None:
        """Start and go on: the host warms up while the customer reads."""
        if sys.platform != "linux":
            raise RemoteProtocolError(
                "this computer cannot hold a visit yet", expected="Linux in this version", got=sys.platform
            )
        if self._killed:
            return
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        ours.setblocking(False)
        self._pipes = ours
        process = await asyncio.create_subprocess_exec(
            *self._argv,
            pass_fds=(theirs.fileno(),),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            start_new_session=True,
            env=child_environment() | {MARK: self._mark},
            limit=LINE_MAX_BYTES,
        )
        self._process = process
        pipes = theirs.fileno()
        theirs.close()
        if self._killed:  # Stop came while it was being started
            self.kill()
            return
        begin = Begin(
            secret=self._secret, parent=os.getpid(), keep_out=self._keep_out, pipes=pipes, settings=self._settings
        )
        self._send(begin)
        self._reader = asyncio.create_task(self._read(process))

    def run(self, sequence: int, action: str, arguments: bytes, now: int) -> None:
        """Hand over one authorised, booked action."""
        running = self._running[sequence] = _Running(ACTIONS[action])
        if not running.spec.lasting:
            loop = asyncio.get_running_loop()
            running.timer = loop.call_later(running.spec.timeout_s + _GRACE_S, self._overdue, sequence)
        if self.pid is None and self._process is not None:
            self._fail_all("the session host is gone")
            return
        if running.spec.streams:
            self._open_pipe(sequence, running)
        self._send(RunAction(sequence=sequence, action=action, arguments=arguments, now=now))

    def _open_pipe(self, sequence: int, running: "_Running") -> None:
        """The other end first, then the request that needs it."""
        if sys.platform == "win32":
            return  # no host is started there: see `start`
        most = running.spec.output_bytes
        pipe = running.pipe = ActionPipe(sequence, most, self._heard, self._pipe_over, self._too_much)
        if self._pipes is not None:
            socket.send_fds(self._pipes, [str(sequence).encode()], [pipe.theirs.fileno()])
        pipe.handed_over()

    def tell(self, sequence: int, rows: Sequence[ToldRow], failed: str = "") -> None:
        """What the service knows or has done for this action, raw; before its `run`."""
        waiting: list[ToldRow] = []
        for row in rows:
            if waiting and sum(len(each.body) for each in waiting) + len(row.body) > TOLD_MAX_CHARS:
                self._send(Told(sequence=sequence, rows=tuple(waiting)))
                waiting = []
            waiting.append(row)
        self._send(Told(sequence=sequence, rows=tuple(waiting), failed=failed))

    def give_input(self, sequence: int, data: bytes, last: bool) -> None:
        """What the technician sent, for the action; `last`: nothing follows."""
        running = self._running.get(sequence)
        if running is not None and running.pipe is not None:
            running.pipe.give(data, last)

    def hold_back(self, sequence: int, held: bool) -> None:
        """The technician takes nothing for now: let the action wait."""
        running = self._running.get(sequence)
        if running is not None and running.pipe is not None:
            running.pipe.hold(held)

    def cancel(self, sequence: int) -> None:
        """Nobody wants the rest. What it still says is ignored."""
        running = self._running.pop(sequence, None)
        if running is not None:
            running.close()
            self._send(CancelAction(sequence=sequence))

    def kill(self) -> None:
        """Everything of this visit gets SIGKILL before this returns. May be called at any time, more than once."""
        self._killed = True
        for running in self._running.values():
            running.close()
        self._running.clear()
        if self._pipes is not None:
            self._pipes.close()
        process = self._process
        if process is not None and process.returncode is None:
            kill_tree(process.pid)
        kill_marked(self._mark)
        if self._reader is not None:
            self._reader.cancel()

    async def gone(self) -> None:
        """Wait until the kernel has buried the host."""
        if self._process is not None:
            await self._process.wait()

    def _send(self, message: WireModel) -> None:
        process = self._process
        if process is not None and process.stdin is not None and not self._killed:
            process.stdin.write(strict_json.dump(message) + b"\n")

    async def _read(self, process: asyncio.subprocess.Process) -> None:
        assert process.stdout is not None and process.stderr is not None  # noqa: S101, PT018 - asked for as pipes
        why = "it ended"
        try:
            while line := await process.stdout.readline():
                self._said(line)
        except (ValueError, ProtocolError) as error:
            why = f"it said something that no host says ({error})"
        if self._killed:
            return
        kill_tree(process.pid)
        kill_marked(self._mark)
        self._fail_all(f"the session host is gone: {why}")
        self._lost(f"{why} {await _last_line(process.stderr)}".strip())

    def _said(self, line: bytes) -> None:
        value = strict_json.check_json(line, what="session host", max_bytes=LINE_MAX_BYTES)
        match value.get("say") if isinstance(value, dict) else None:
            case "row":
                self._row(strict_json.parse(line, Row, max_bytes=LINE_MAX_BYTES))
            case "end":
                end = strict_json.parse(line, End)
                running = self._running.get(end.sequence)
                if running is not None:
                    running.end = end
                    self._over(end.sequence, running)
            case "ready":
                self.confined = strict_json.parse(line, Ready).confined
            case other:
                raise RemoteProtocolError("an unknown word", expected="ready, row or end", got=str(other)[:40])

    def _row(self, row: Row) -> None:
        running = self._running.get(row.sequence)
        if running is None:
            return  # cancelled meanwhile
        if running.pipe is not None:
            raise RemoteProtocolError("a row beside an action's own pipe", expected="none", got=running.spec.name)
        running.rows += 1
        item = strict_json.dump(Item(id=running.rows, kind=row.kind, body=row.body)) + b"\n"
        running.output_bytes += len(item)
        most = 2 * running.spec.output_bytes  # the host counts its own spelling
        if running.output_bytes > most:
            raise RemoteProtocolError("more rows than allowed", expected=f"{most} bytes", got="more")
        self._heard(Rows(row.sequence, item, 1))

    def _pipe_over(self, sequence: int) -> None:
        running = self._running.get(sequence)
        if running is not None:
            self._over(sequence, running)

    def _over(self, sequence: int, running: "_Running") -> None:
        """Told when the host has said the end and the pipe, where there is one, has come to its own."""
        if running.end is None or (running.pipe is not None and not running.pipe.ended):
            return
        del self._running[sequence]
        running.close()
        self._heard(Finished(sequence, running.end.outcome, running.end.detail))

    def _too_much(self, sequence: int) -> None:
        """It has said more than its line of the catalogue allows."""
        running = self._running.pop(sequence)
        running.close()
        self._send(CancelAction(sequence=sequence))
        most = running.spec.output_bytes >> 20
        self._heard(Finished(sequence, Outcome.FAILED, f"more than {most} MiB; the rest was cut"))

    def _overdue(self, sequence: int) -> None:
        if sequence in self._running and self._process is not None:
            kill_tree(self._process.pid)  # the reader sees its end and tells

    def _fail_all(self, why: str) -> None:
        failed = list(self._running)
        for running in self._running.values():
            running.close()
        self._running.clear()
        for sequence in failed:
            self._heard(Finished(sequence, Outcome.FAILED, why[:200]))


async def _last_line(stderr: asyncio.StreamReader) -> str:
    """Why it ended, in its own words, if it left any."""
    try:
        async with asyncio.timeout(1):
            said = await stderr.read(_STDERR_MAX_BYTES)
    except TimeoutError:
        return ""
    lines = said.decode("utf-8", "replace").strip().splitlines()
    return lines[-1][:200] if lines else ""


class _Running:
    """One action at the host. `end`: what the host has said of its end, while its pipe is still to be read."""

    def __init__(self, spec: ActionSpec) -> None:
        self.spec = spec
        self.timer: asyncio.TimerHandle | None = None
        self.pipe: ActionPipe | None = None
        self.end: End | None = None
        self.rows = 0
        self.output_bytes = 0

    def close(self) -> None:
        if self.timer is not None:
            self.timer.cancel()
        if self.pipe is not None:
            self.pipe.close()


def mark_of(state: Path) -> str:
    """What marks the hosts of the service with this state folder, and of no other."""
    return sha256(b"bellpull session hosts v1\0", os.fsencode(state.resolve())).hex()[:16]


def kill_marked(mark: str) -> int:
    """Kill what carries a mark that begins so in its environment, and everything below it. How many."""
    if sys.platform != "linux":
        return 0
    wanted = f"{MARK}={mark}".encode()
    killed = 0
    for entry in os.scandir("/proc"):
        if not entry.name.isdigit() or entry.name == str(os.getpid()):
            continue
        try:
            environment = Path(f"/proc/{entry.name}/environ").read_bytes()
        except OSError:
            continue  # another user's, or gone
        if any(line.startswith(wanted) for line in environment.split(b"\0")):
            killed += kill_tree(int(entry.name))
    return killed
