"""The session host's loop: requests in, actions forked, rows out, limits kept. Linux only; see host.py.

What happens in the fork is action_process.py. An action with a pipe of its own gets its end here, out of the packet
that the service sent before the request, and says only its end to us.
"""

import json
import os
import selectors
import socket
import sys
import time
from dataclasses import dataclass, field
from typing import Final

from agent.session.actions.workbench import Row, Workbench
from agent.session.descendants import below, children_of, kill_tree
from agent.session.host_wire import (
    LINE_MAX_BYTES,
    CancelAction,
    End,
    Ready,
    RunAction,
    SessionSettings,
    Told,
)
from agent.session.linux_process import resident_bytes
from diagnostics.machine.interface import Machine, ProcessSnapshot, Unreadable
from diagnostics.redaction import Redactor
from protocol import strict_json
from protocol.actions.catalogue import find_action
from protocol.actions.spec import ActionSpec
from protocol.journal import Outcome

# fork, prctl, rlimits: host.py says so elsewhere.
assert sys.platform == "linux"  # noqa: S101 - also tells the type checker

from agent.session.action_process import become_action  # noqa: E402 - neither is anything elsewhere
from agent.session.confinement import Reaches  # noqa: E402

# How often time and memory of the running actions are looked at.
_LOOK_S: Final = 0.25
# While nothing runs: how old the last look at the processes may become.
_SAMPLE_S: Final = 3.0
_READ_BYTES: Final = 64 * 1024


@dataclass
class _Job:
    """One running action: its process, and the pipe its rows come through."""

    sequence: int
    spec: ActionSpec
    pid: int
    rows_fd: int
    deadline_s: float | None
    buffer: bytearray = field(default_factory=bytearray)
    sent_bytes: int = 0
    end: End | None = None


class Host:
    """`requests`: what has been read from stdin already. `reaches`: what each action may touch (confinement.py).
    `pipes`: the socket from which actions' own pipes come."""

    def __init__(
        self,
        machine: Machine,
        redactor: Redactor,
        requests: bytes,
        *,
        reaches: Reaches,
        settings: SessionSettings,
        pipes: socket.socket | None,
    ) -> None:
        self._machine = machine
        self._redactor = redactor
        self._jobs: dict[int, _Job] = {}
        self._selector = selectors.DefaultSelector()
        self._requests = bytearray(requests)
        self._reaches = reaches
        self._settings = settings
        self._pipes = pipes
        self._told: dict[int, list[Told]] = {}  # by sequence, until its action begins
        self._samples: list[ProcessSnapshot] = []  # at most two, the older first

    def run(self) -> None:
        """Until the service closes our stdin."""
        self._selector.register(0, selectors.EVENT_READ)
        self._sample()
        _say(Ready(confined=self._reaches.confined))
        self._take_requests()
        while True:
            ready = self._selector.select(_LOOK_S if self._jobs else _SAMPLE_S)
            for key, _ in ready:
                if key.fd == 0:
                    if not self._read_requests():
                        return
                elif key.data in self._jobs:
                    self._read_rows(self._jobs[key.data])
            self._look_after()
            if not ready and not self._jobs:
                self._sample()

    def _sample(self) -> None:
        """Keep a recent look at the processes, so that what they use can be told at once when somebody asks."""
        try:
            self._samples = [*self._samples[-1:], self._machine.process_snapshot()]
        except Unreadable:
            self._samples = []  # the action will try for itself, and say why

    # --- requests --------------------------------------------------------------------------------------------

    def _read_requests(self) -> bool:
        piece = os.read(0, _READ_BYTES)
        if not piece:
            return False
        self._requests += piece
        self._take_requests()
        return True

    def _take_requests(self) -> None:
        *lines, rest = self._requests.split(b"\n")
        self._requests = bytearray(rest)
        for line in lines:
            self._request(bytes(line))

    def _request(self, line: bytes) -> None:
        # The service is believed: it made this line. A malformed one is our own defect and ends the host.
        said = json.loads(line)["say"]
        if said == "told":
            told = strict_json.parse(line, Told, max_bytes=LINE_MAX_BYTES)
            self._told.setdefault(told.sequence, []).append(told)
        elif said == "run":
            self._start(strict_json.parse(line, RunAction, max_bytes=LINE_MAX_BYTES))
        elif said == "cancel":
            request = strict_json.parse(line, CancelAction)
            self._told.pop(request.sequence, None)
            job = self._jobs.get(request.sequence)
            if job is not None:
                self._kill(job, Outcome.CANCELLED, "cancelled")

    def _start(self, request: RunAction) -> None:
        spec = find_action(request.action)
        told = self._told.pop(request.sequence, [])
        own_pipe = self._own_pipe(request.sequence) if spec.streams else None
        rows_out, rows_in = os.pipe()
        sys.stdout.flush()
        host = os.getpid()
        pid = os.fork()
        if pid == 0:
            bench = Workbench(
                self._machine,
                self._redactor,
                request.now,
                samples=tuple(self._samples),
                settings=self._settings,
                confined=self._reaches.confined,
                told=tuple(Row(row.kind, row.body) for each in told for row in each.rows),
                failed="".join(each.failed for each in told),
            )
            become_action(request, spec, rows_in, own_pipe, bench, self._reaches, host)  # never returns
        os.close(rows_in)
        if own_pipe is not None:
            os.close(own_pipe)
        os.set_blocking(rows_out, False)
        deadline_s = None if spec.lasting else time.monotonic() + spec.timeout_s
        self._jobs[request.sequence] = _Job(request.sequence, spec, pid, rows_out, deadline_s)
        self._selector.register(rows_out, selectors.EVENT_READ, request.sequence)

    def _own_pipe(self, sequence: int) -> int:
        """The service sent it before the request; packets come in that order."""
        if self._pipes is None:
            sys.exit("an action that needs a pipe of its own, and no way to get it")
        named, (number, *_), _, _ = socket.recv_fds(self._pipes, 32, 1)
        if int(named) != sequence:
            sys.exit(f"a pipe for action {named!r} came for {sequence}")
        return number

    # --- what the actions say --------------------------------------------------------------------------------

    def _read_rows(self, job: _Job) -> None:
        try:
            piece = os.read(job.rows_fd, _READ_BYTES)
        except BlockingIOError:
            return
        if not piece:
            self._over(job)
            return
        job.buffer += piece
        *lines, rest = job.buffer.split(b"\n")
        job.buffer = bytearray(rest)
        for line in lines:
            if line.startswith(b'{"say":"end"'):
                # Its last word. Whatever it started may still hold the pipe open; nobody waits for that.
                job.end = strict_json.parse(bytes(line), End)
                self._over(job)
                return
            job.sent_bytes += len(line) + 1
            most = job.spec.output_bytes
            if job.sent_bytes > most:
                self._kill(job, Outcome.FAILED, f"more than {most >> 20} MiB of rows; the rest was cut")
                return
            os.write(1, bytes(line) + b"\n")
        if len(job.buffer) > LINE_MAX_BYTES:
            self._kill(job, Outcome.FAILED, "a row without an end")

    def _look_after(self) -> None:
        now = time.monotonic()
        for job in list(self._jobs.values()):
            spec = job.spec
            if job.deadline_s is not None and now > job.deadline_s:
                self._kill(job, Outcome.FAILED, f"it took longer than {spec.timeout_s:g} s and was ended")
                continue
            used = resident_bytes({job.pid} | below(job.pid))
            if used > spec.memory_bytes:
                self._kill(job, Outcome.FAILED, f"it used more than {spec.memory_bytes >> 20} MB and was ended")

    def _kill(self, job: _Job, outcome: Outcome, detail: str) -> None:
        kill_tree(job.pid)
        job.end = End(sequence=job.sequence, outcome=outcome, detail=detail)
        self._over(job)

    def _over(self, job: _Job) -> None:
        """The action's pipe is closed or the action was killed: nothing of it stays."""
        self._selector.unregister(job.rows_fd)
        os.close(job.rows_fd)
        del self._jobs[job.sequence]
        kill_tree(job.pid)  # it has said its end and may linger; what it started must not
        os.waitpid(job.pid, 0)
        self._end_strays()
        _say(job.end or End(sequence=job.sequence, outcome=Outcome.FAILED, detail="it ended without a result"))

    def _end_strays(self) -> None:
        """Our children that are no jobs were left behind by an action and adopted by us: end and bury them."""
        for stray in children_of(os.getpid()) - {job.pid for job in self._jobs.values()}:
            kill_tree(stray)
            os.waitpid(stray, 0)


def _say(message: Ready | End) -> None:
    _write(1, strict_json.dump(message) + b"\n")


def _write(number: int, data: bytes) -> None:
    while data:
        data = data[os.write(number, data) :]
