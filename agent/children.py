"""Starting our own programs as children: heavy work runs there and gives its memory back.

A child is `python -m module`, or the frozen program itself with `--child module`. It gets its request on stdin and
answers on stdout; it inherits no secret through its arguments or environment. Past its time it is killed with
everything it started.
"""

import asyncio
import os
import signal
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from agent.refusal import Refusal

#: Modules that may be started as children; the frozen program starts no other.
CHILDREN: Final = frozenset(
    {
        "agent.watch.worker",
        "agent.bundles.worker",
        "agent.bundles.seal_worker",
        "agent.bundles.answer_worker",
        "agent.link.upload",
        "agent.session.host",
        "agent.session.change_worker",
        "agent.consent.approval_page",
        "agent.consent.desktop_helper",
        "agent.consent.window",
        "agent.mending.worker",
        "agent.page.serve",
        "agent.service.windows_service",
    }
)
_STDERR_MAX_BYTES: Final = 8 * 1024


@dataclass(frozen=True)
class ChildAnswer:
    exit_code: int
    stdout: bytes
    stderr: bytes


def child_argv(module: str, *arguments: str) -> list[str]:
    if module not in CHILDREN:
        raise ValueError(f"{module} is not one of our children")
    if getattr(sys, "frozen", False):
        return [sys.executable, "--child", module, *arguments]
    # -I would also ignore PYTHONPATH: a development tree needs it, an installed one does not set it.
    return [sys.executable, "-m", module, *arguments]


async def run_child(
    module: str,
    request: bytes,
    *,
    timeout_s: float,
    answer_max_bytes: int,
    arguments: Sequence[str] = (),
) -> ChildAnswer:
    """Start, hand over `request`, wait for the answer. Refusal past its time or its size; nothing of it stays."""
    process = await asyncio.create_subprocess_exec(
        *child_argv(module, *arguments),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        start_new_session=True,
        env=child_environment(),
        limit=1024 * 1024,
    )
    stdin, stdout, stderr = process.stdin, process.stdout, process.stderr
    if stdin is None or stdout is None or stderr is None:
        raise RuntimeError("a child without its three pipes")
    try:
        async with asyncio.timeout(timeout_s):
            answer, errors, _ = await asyncio.gather(
                _read(stdout, answer_max_bytes, module),
                _read_head(stderr, _STDERR_MAX_BYTES),
                _write(stdin, request),
            )
            return ChildAnswer(await process.wait(), answer, errors)
    except TimeoutError:
        raise Refusal(
            f"{module} did not finish in time", expected=f"an answer within {timeout_s:g} s", got="none"
        ) from None
    finally:
        await _end(process)


def child_environment() -> dict[str, str]:
    """What a child needs of our environment, and nothing that a careless parent may have put there."""
    wanted = (
        "PATH", "HOME", "LANG", "LC_ALL", "LC_CTYPE", "TMPDIR", "XDG_CACHE_HOME", "XDG_RUNTIME_DIR", "PYTHONPATH",
        "SYSTEMROOT", "TEMP", "TMP", "USERPROFILE", "LOCALAPPDATA", "APPDATA", "https_proxy", "HTTPS_PROXY",
        "no_proxy", "NO_PROXY", "VIRTUAL_ENV", "DISPLAY", "WAYLAND_DISPLAY", "XAUTHORITY", "DBUS_SESSION_BUS_ADDRESS",
        "XDG_CURRENT_DESKTOP", "XDG_SESSION_TYPE",
    )  # fmt: skip
    return {name: os.environ[name] for name in wanted if name in os.environ} | {"PYDANTIC_DISABLE_PLUGINS": "__all__"}


def be_idle() -> None:
    """Called by a child about itself: lowest priority for processor and disk, not to slow down who asks for help."""
    import psutil

    process = psutil.Process()
    try:
        if sys.platform == "win32":
            process.nice(psutil.IDLE_PRIORITY_CLASS)
            process.ionice(psutil.IOPRIO_VERYLOW)
        else:
            process.nice(19)
            if sys.platform == "linux":
                process.ionice(psutil.IOPRIO_CLASS_IDLE)
    except (psutil.AccessDenied, OSError):
        return  # a container may forbid it: slower for others, still right


async def _write(pipe: asyncio.StreamWriter, data: bytes) -> None:
    try:
        pipe.write(data)
        await pipe.drain()
    except (BrokenPipeError, ConnectionResetError):
        return  # it ended without reading all; its exit code says why
    finally:
        pipe.close()


async def _read(pipe: asyncio.StreamReader, max_bytes: int, module: str) -> bytes:
    received = bytearray()
    while piece := await pipe.read(256 * 1024):
        received += piece
        if len(received) > max_bytes:
            raise Refusal(f"{module} answered too much", expected=f"at most {max_bytes} bytes", got="more")
    return bytes(received)


async def _read_head(pipe: asyncio.StreamReader, max_bytes: int) -> bytes:
    head = bytearray()
    while piece := await pipe.read(64 * 1024):
        head += piece[: max(0, max_bytes - len(head))]
    return bytes(head)


async def _end(process: asyncio.subprocess.Process) -> None:
    if process.returncode is not None:
        return
    try:
        if sys.platform == "win32":
            process.kill()
        else:
            os.killpg(process.pid, signal.SIGKILL)
    except ProcessLookupError:
        return  # it ended between the two lines
    await process.wait()
