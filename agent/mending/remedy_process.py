"""The remedy worker as a process: started, asked to stop, ended. In machine mode systemd runs it in a unit of its own.

The service's unit may write its state folder and little else (agent/service/systemd.py): /etc and /usr are read-only
there, set-uid bits refused, kernel modules hidden. A fix must be able to change a setting and to finish a package, so
its worker is not closed in:

    service ── systemd-run --pipe ──► bellpull-agent-mending-ID.service    (same three pipes, talk.py)
      ╳ stops or dies                   │ BindsTo: is asked to stop, finishes the file in hand, puts back
    starts again ◄── After: only then ──┘

This is no privilege that the service did not have: it is root and may ask systemd for anything. What the hardening
takes from it is what it could do by mistake. Without systemd, in user mode and elsewhere the worker is a plain child.
"""

import asyncio
import os
import secrets
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from agent.children import child_argv, child_environment
from agent.mending.talk import LINE_MAX_BYTES
from diagnostics.machine.control_group import control_group

MODULE: Final = "agent.mending.worker"
_SERVICE: Final = "bellpull-agent.service"
#: The longest single act (dpkg: 600 s) goes to its end: half of it would be worse. Everything else takes seconds.
_STOP_S: Final = 630
#: Where a worker of another unit finds what a plain child inherits. `systemd-run` gives it HOME itself.
_CARRIED: Final = (
    "PATH",
    "LANG",
    "LC_ALL",
    "TMPDIR",
    "PYTHONPATH",
    "PYDANTIC_DISABLE_PLUGINS",
    "https_proxy",
    "no_proxy",
)


def service_unit(group: str, *, booted: bool, root: bool) -> str | None:
    """The unit that this program runs in, if that is the agent's own of machine mode; None: workers are plain children.

    `group`: our control group as systemd names it (`/system.slice/bellpull-agent.service`). Pure.
    """
    return _SERVICE if booted and root and group.rpartition("/")[2] == _SERVICE else None


def unit_argv(unit: str, beside: str, argv: Sequence[str], environment: Mapping[str, str]) -> list[str]:
    """systemd-run(1): its own pipes are the unit's, it waits for the end, and nothing of the unit stays. Pure."""
    return [
        "systemd-run",
        "--quiet",
        "--collect",
        "--pipe",
        "--wait",
        "--service-type=exec",
        "--uid=root",  # a system service without a user has no HOME
        f"--unit={unit}",
        "--description=Bellpull agent: a fix that was agreed to",
        f"--property=BindsTo={beside}",
        f"--property=After={beside}",
        "--property=KillMode=mixed",
        f"--property=TimeoutStopSec={_STOP_S}",
        "--property=UMask=0077",
        *(f"--setenv={name}={environment[name]}" for name in _CARRIED if name in environment),
        "--",
        *argv,
    ]


@dataclass
class RemedyProcess:
    """One worker for one order. `unit`: the systemd unit that it runs in; empty for a plain child."""

    process: asyncio.subprocess.Process
    unit: str = ""
    _stopping: set[asyncio.Task[None]] = field(default_factory=set)

    def ask_to_stop(self) -> None:
        """It finishes the file in hand and puts everything back. Returns at once."""
        if self.process.returncode is not None:
            return
        if self.unit:
            # The process is only systemd-run: killing it would leave the worker where it is.
            task = asyncio.create_task(_systemctl("kill", "--kill-who=main", "--signal=TERM", self.unit))
            self._stopping.add(task)
            task.add_done_callback(self._stopping.discard)
        else:
            self.process.terminate()

    async def end(self) -> None:
        """Its order is over. One that is still there has been cut off: it stops at its next record."""
        if self.process.stdin is not None:
            self.process.stdin.close()
        if self.process.returncode is None:
            try:
                async with asyncio.timeout(5):
                    await self.process.wait()
            except TimeoutError:
                if self.unit:
                    await _systemctl("kill", "--signal=KILL", self.unit)
                self.process.kill()
                await self.process.wait()


def _own_unit() -> str | None:
    if sys.platform != "linux":
        return None
    booted = os.path.isdir("/run/systemd/system")  # sd_booted(3)
    return service_unit(control_group(), booted=booted, root=os.geteuid() == 0)


async def start_remedy_process() -> RemedyProcess:
    argv, environment = child_argv(MODULE), child_environment()
    unit, beside = "", _own_unit()
    if beside is not None:
        # Named like the agent: what refuses to stop the agent refuses to stop its worker.
        unit = f"bellpull-agent-mending-{secrets.token_hex(8)}.service"
        argv = unit_argv(unit, beside, argv, environment)
    process = await asyncio.create_subprocess_exec(
        *argv,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        start_new_session=True,
        env=environment,
        limit=LINE_MAX_BYTES,
    )
    return RemedyProcess(process, unit)


async def _systemctl(*arguments: str) -> None:
    process = await asyncio.create_subprocess_exec(
        "systemctl",
        "--no-ask-password",
        *arguments,
        stdin=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
    )  # a unit that has ended meanwhile is what was wanted
    await process.wait()
