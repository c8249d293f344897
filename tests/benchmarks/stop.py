"""From the customer's Stop until nothing of the visit is left: rows, session host, and everything it ever started.

The machine of this benchmark has a service manager that hangs and leaves a daemon behind in a session of its own (an
overlay over /usr/sbin in the agent's own mount namespace: no file of this machine is touched). So while rows flow, an
action is stuck in a command, and a `setsid` orphan sits below the host. Where no namespace may be made, the host and
its own children are measured, and the row says so. Ends are told by the kernel (pidfd), not by looking again and again.
"""

import asyncio
import os
import select
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import psutil

from protocol.actions.processes import ProcessesArguments
from protocol.actions.services import ServicesArguments
from protocol.errors import ProtocolError
from protocol.limits import STOP_CHILDREN_S, STOP_S
from technician.api import Api
from technician.devices import DeviceFacts
from technician.problems import Problem
from technician.session.events import Event
from technician.session.events import Row as CameRow
from technician.session.visit import Visit
from technician.sign_in import Technician
from tests.benchmarks.contract import NotRun, Row, percentile, spread
from tests.benchmarks.visiting import certified_device, open_visit
from tests.benchmarks.world import World, world

_HANGING_SYSTEMCTL = """#!/bin/sh
# A daemon in a session of its own, without a parent; then this never answers.
(setsid sleep 600 > /dev/null 2>&1 < /dev/null &)
exec sleep 600
"""
_TOOL_FOLDER = "/usr/sbin"
_GIVE_UP_S = 20.0
#: Well within the 10 s after which the agent itself would end the stuck command.
_STUCK_WAIT_S = 5.0
_READING_S = 1.0


@dataclass
class _Stopped:
    """Seconds from the moment the customer said Stop. `children`: how many processes sat below the host."""

    answered_s: float
    last_row_s: float
    host_s: float
    children_s: float
    children: int
    orphan: bool


@dataclass
class _Rows:
    """When the last row came, by perf_counter()."""

    last_at: float = 0.0
    count: int = 0

    def heard(self, event: Event) -> None:
        if isinstance(event, CameRow):
            self.last_at, self.count = time.perf_counter(), self.count + 1


def run(quick: bool) -> list[Row]:
    visits = 3 if quick else 20
    with _hanging_machine() as before_agent, world(before_agent=before_agent) as made:
        stops = asyncio.run(_all(made, visits, stuck=bool(before_agent)))
    children = [stop.children for stop in stops]
    orphan = all(stop.orphan for stop in stops)
    below = (
        "with a stuck command and a setsid orphan"
        if orphan
        else "without a setsid orphan: no namespace may be made here"
    )
    return [
        _row(
            "Stop to the session host's end, slowest",
            [stop.host_s for stop in stops],
            STOP_S,
            "killed, told by the kernel",
        ),
        _row(
            "Stop to the end of all below it, slowest",
            [stop.children_s for stop in stops],
            STOP_CHILDREN_S,
            f"{percentile(children, 0.5)} processes each, {below}",
        ),
        _row(
            "Stop to the last row at the technician, slowest",
            [max(0.0, stop.last_row_s) for stop in stops],
            STOP_S,
            "rows were flowing when it was said; 0: none came after",
        ),
        _row(
            "Stop to its answer to the customer, slowest",
            [stop.answered_s for stop in stops],
            None,
            "the end is on disk",
        ),
    ]


def _row(what: str, seconds: Sequence[float], aim: float | None, more: str) -> Row:
    return Row(what, max(seconds), "s", aim, detail=f"{spread(seconds, 's')}; {more}")


async def _all(made: World, visits: int, *, stuck: bool) -> list[_Stopped]:
    technician = made.technician()
    technician.keys()
    await asyncio.to_thread(made.ask_for_help)
    async with technician.signed_in() as api:
        device = await certified_device(made, technician, api)
        return [await _one(made, technician, api, device, stuck=stuck) for _ in range(visits)]


async def _one(made: World, technician: Technician, api: Api, device: DeviceFacts, *, stuck: bool) -> _Stopped:
    rows = _Rows()
    async with open_visit(made, technician, api, device, watch=rows.heard) as opened:
        await asyncio.sleep(_READING_S)
        await opened.say_yes()
        await opened.visit.granted()
        if stuck:
            await opened.visit.run("services", ServicesArguments())
        flowing = asyncio.create_task(_keep_asking(opened.visit))
        try:
            host = await asyncio.to_thread(_session_host, made)
            below = await asyncio.to_thread(_below, host, 2 if stuck else 0)
            await _until_rows_flow(rows)
            return await asyncio.to_thread(_stop, made, host, below, rows)
        finally:
            flowing.cancel()
            await asyncio.gather(flowing, return_exceptions=True)
            await opened.visit.ended()


async def _keep_asking(visit: Visit) -> None:
    """One list of processes after the other, until the visit is over."""
    with suppress(Problem, ProtocolError):
        while True:
            async for _ in await visit.run("processes", ProcessesArguments(sort="memory", limit=2000)):
                pass


async def _until_rows_flow(rows: _Rows) -> None:
    until = time.monotonic() + _GIVE_UP_S
    while not rows.count:
        if time.monotonic() > until:
            raise NotRun("no rows came")
        await asyncio.sleep(0.01)


def _session_host(made: World) -> psutil.Process:
    for process in psutil.Process(made.agent.process.pid).children():
        with suppress(psutil.NoSuchProcess):
            if "agent.session.host" in process.cmdline():
                return process
    raise NotRun("there is no session host below the agent")


def _below(host: psutil.Process, sleeping: int) -> list[psutil.Process]:
    """Everything below the host, once at least so many `sleep`s of the hanging tool are there."""
    until = time.monotonic() + _STUCK_WAIT_S
    while True:
        found = host.children(recursive=True)
        with suppress(psutil.NoSuchProcess):
            if sum(process.name() == "sleep" for process in found) >= sleeping:
                return found
        if time.monotonic() > until:
            raise NotRun(f"expected {sleeping} stuck commands below the session host, found {len(found)} processes")
        time.sleep(0.02)


def _stop(made: World, host: psutil.Process, below: list[psutil.Process], rows: _Rows) -> _Stopped:
    # Its own parent has ended: the host, which is a subreaper, has adopted it.
    orphan = any(_is_adopted_sleep(process, host) for process in below)
    descriptors = {os.pidfd_open(process.pid): process.pid for process in below}
    host_descriptor = os.pidfd_open(host.pid)
    ends: dict[int, float] = {}
    try:
        began = time.perf_counter()
        answer = made.local("session-stop")
        answered_s = time.perf_counter() - began
        if not answer["stopped"]:
            raise NotRun("the agent says that there was nothing to stop")
        _wait_for_ends({host_descriptor, *descriptors}, ends, began)
    finally:
        for descriptor in (host_descriptor, *descriptors):
            os.close(descriptor)
    time.sleep(0.5)  # whatever still travels has come by then, and counts
    children_s = max((ends[each] for each in descriptors), default=0.0)
    return _Stopped(answered_s, rows.last_at - began, ends[host_descriptor], children_s, len(descriptors), orphan)


def _wait_for_ends(descriptors: set[int], ends: dict[int, float], began: float) -> None:
    """Fill `ends`: descriptor → seconds since `began`. A pidfd becomes readable when its process has ended."""
    poll = select.poll()
    for descriptor in descriptors:
        poll.register(descriptor, select.POLLIN)
    while len(ends) < len(descriptors):
        left_s = began + _GIVE_UP_S - time.perf_counter()
        if left_s <= 0:
            raise NotRun(f"{len(descriptors) - len(ends)} processes still run {_GIVE_UP_S:.0f} s after Stop")
        for descriptor, _ in poll.poll(left_s * 1000):
            poll.unregister(descriptor)
            ends[descriptor] = time.perf_counter() - began


def _is_adopted_sleep(process: psutil.Process, host: psutil.Process) -> bool:
    with suppress(psutil.NoSuchProcess):
        return process.name() == "sleep" and process.ppid() == host.pid
    return False


@contextmanager
def _hanging_machine() -> Iterator[tuple[str, ...]]:
    """A program prefix that gives what follows a `systemctl` that hangs; empty where that cannot be made."""
    if sys.platform != "linux":
        raise NotRun("visits run on Linux only in this version")
    with tempfile.TemporaryDirectory(prefix="bellpull-tools-") as folder:
        tool = Path(folder, "systemctl")
        tool.write_text(_HANGING_SYSTEMCTL, "utf-8")
        tool.chmod(0o755)
        Path(folder).chmod(0o755)
        mount = f"mount -t overlay overlay -o lowerdir={folder}:{_TOOL_FOLDER} {_TOOL_FOLDER}"
        unshare = shutil.which("unshare")
        if unshare is None:
            yield ()
            return
        inside = (unshare, "--mount", "--map-root-user", "--", "sh", "-c")
        tried = subprocess.run(
            [*inside, f"{mount} && command -v systemctl"], capture_output=True, text=True, check=False
        )
        if tried.returncode != 0 or tried.stdout.strip() != f"{_TOOL_FOLDER}/systemctl":
            yield ()
            return
        yield (*inside, f'{mount} && exec "$@"', "sh")
