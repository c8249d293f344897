"""Run one read-only command within its limits: seconds, bytes, and no way out of its process group.

The child gets its own group, no input, a fixed environment and a fixed search path. At the time limit, or
when it has written more than OUTPUT_MAX_BYTES, the whole group is killed; a grandchild that still holds the
pipe open is not waited for.
"""

from __future__ import annotations

import os
import selectors
import signal
import subprocess
import sys
import threading
import time
from typing import IO

from diagnostics.machine.commands import is_listed
from diagnostics.machine.interface import (
    OUTPUT_MAX_BYTES,
    Command,
    CommandOutput,
    Unreadable,
    UnreadableKind,
)

STDERR_MAX_BYTES = 8 * 1024
# A program planted in a user's own PATH must not answer for the system's.
SYSTEM_PATH = "/usr/sbin:/usr/bin:/sbin:/bin"
# A killed child is gone at once; one in uninterruptible sleep is left behind rather than waited for.
_REAP_TIMEOUT_S = 1.0


def _environment() -> dict[str, str]:
    if sys.platform == "win32":
        kept = (
            "SYSTEMROOT",
            "SYSTEMDRIVE",
            "WINDIR",
            "TEMP",
            "TMP",
            "USERPROFILE",
            "APPDATA",
            "LOCALAPPDATA",
            "PROGRAMDATA",
            "PROGRAMFILES",
            "PROCESSOR_ARCHITECTURE",
            "COMPUTERNAME",
        )
        folders = windows_folders(_windows_system_folder())
        environment = {name: os.environ[name] for name in kept if name in os.environ}
        # PowerShell loads the modules of Windows alone, not what lies in a person's documents.
        own = {"PATH": ";".join(folders), "PATHEXT": ".COM;.EXE", "PSModulePath": f"{folders[-1]}\\Modules"}
        return {**environment, **own}
    environment = {"PATH": SYSTEM_PATH, "LC_ALL": "C.UTF-8", "LANG": "C.UTF-8", "SYSTEMD_COLORS": "0"}
    # systemctl --user and journalctl find the user's own manager by this.
    for name in ("HOME", "XDG_RUNTIME_DIR"):
        if name in os.environ:
            environment[name] = os.environ[name]
    return environment


def kill_group(child: subprocess.Popen[bytes]) -> None:
    """End the child and everything in its process group, now. A child already reaped is left alone: its
    number may belong to somebody else by now."""
    if child.returncode is not None:
        return
    if sys.platform == "win32":
        child.kill()
    else:
        try:
            os.killpg(child.pid, signal.SIGKILL)
        except ProcessLookupError:
            return  # all of it ended by itself


def run_command(command: Command) -> CommandOutput:
    """Run it. Raises Unreadable when it is not on the list, not installed, not allowed, or over its time."""
    if not is_listed(command):
        raise Unreadable(f"{command.argv[0]} with these arguments is not on the list", UnreadableKind.REFUSED)
    program = command.argv[0]
    try:
        child = subprocess.Popen(
            command.argv,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=_environment(),
            start_new_session=sys.platform != "win32",
            creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
            executable=_find(program),
        )
    except FileNotFoundError:
        raise Unreadable(f"the program {program} is not installed here") from None
    except PermissionError:
        raise Unreadable(f"this user may not run {program}", UnreadableKind.DENIED) from None
    assert child.stdout is not None  # noqa: S101 — asked for above
    assert child.stderr is not None  # noqa: S101
    try:
        return _collect(child, child.stdout, child.stderr, command)
    finally:
        kill_group(child)
        child.stdout.close()
        child.stderr.close()
        try:
            child.wait(_REAP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            # In uninterruptible sleep: init reaps it once the disk answers. It can do nothing any more.
            child.returncode = -signal.SIGTERM


def windows_folders(system: str) -> tuple[str, ...]:
    """Where Windows' own programs lie; PowerShell's folder last."""
    return (system, f"{system}\\wbem", f"{system}\\WindowsPowerShell\\v1.0")


def windows_path() -> str:
    """The search path of Windows' own folders, PowerShell's last. Raises FileNotFoundError."""
    return ";".join(windows_folders(_windows_system_folder()))


def _windows_system_folder() -> str:
    """As the system itself says: the environment is the caller's."""
    if sys.platform != "win32":
        raise FileNotFoundError("this is no Windows")
    import ctypes

    buffer = ctypes.create_unicode_buffer(260)
    if not ctypes.windll.kernel32.GetSystemDirectoryW(buffer, len(buffer)):
        raise FileNotFoundError("Windows does not tell its system folder")
    return buffer.value


def find_on_windows(program: str) -> str:
    """In Windows' own folders alone: Windows itself would look into the current one first. Raises FileNotFoundError."""
    for folder in windows_folders(_windows_system_folder()):
        candidate = f"{folder}\\{program}.exe"
        if os.path.isfile(candidate):
            return candidate
    raise FileNotFoundError(program)


def _find(program: str) -> str:
    if sys.platform == "win32":
        return find_on_windows(program)
    # Some of macOS' programs lie where no search path leads; the closed list names them whole.
    if program.startswith("/") and os.access(program, os.X_OK):
        return program
    for folder in SYSTEM_PATH.split(":"):
        candidate = f"{folder}/{program}"
        if os.access(candidate, os.X_OK):
            return candidate
    raise FileNotFoundError(program)


def _collect(child: subprocess.Popen[bytes], stdout: IO[bytes], stderr: IO[bytes], command: Command) -> CommandOutput:
    if sys.platform == "win32":
        return _collect_windows(child, command)
    limits = {stdout.fileno(): OUTPUT_MAX_BYTES, stderr.fileno(): STDERR_MAX_BYTES}
    taken: dict[int, bytearray] = {number: bytearray() for number in limits}
    deadline_s = time.monotonic() + command.timeout_s
    truncated = False
    with selectors.DefaultSelector() as selector:
        for number in limits:
            os.set_blocking(number, False)
            selector.register(number, selectors.EVENT_READ)
        while selector.get_map() and not truncated:
            left_s = deadline_s - time.monotonic()
            if left_s <= 0:
                raise _too_slow(command)
            for key, _ in selector.select(left_s):
                part = os.read(key.fd, 64 * 1024)
                if not part:
                    selector.unregister(key.fd)
                    continue
                room = limits[key.fd] - len(taken[key.fd])
                taken[key.fd] += part[:room]
                if len(part) > room and key.fd == stdout.fileno():
                    truncated = True
    if not truncated:
        try:
            child.wait(max(0.0, deadline_s - time.monotonic()))
        except subprocess.TimeoutExpired:
            raise _too_slow(command) from None
    return CommandOutput(
        exit_code=child.returncode if child.returncode is not None else -signal.SIGTERM,
        stdout=bytes(taken[stdout.fileno()]),
        stderr=bytes(taken[stderr.fileno()]),
        truncated=truncated,
    )


def _collect_windows(child: subprocess.Popen[bytes], command: Command) -> CommandOutput:
    """Pipes cannot be selected on Windows: a thread reads each, up to its limit."""
    assert child.stdout is not None  # noqa: S101 — asked for in run_command
    assert child.stderr is not None  # noqa: S101
    taken, errors = bytearray(), bytearray()
    readers = [
        threading.Thread(target=_read_some, args=(child.stdout, taken, OUTPUT_MAX_BYTES + 1), daemon=True),
        threading.Thread(target=_read_some, args=(child.stderr, errors, STDERR_MAX_BYTES), daemon=True),
    ]
    deadline_s = time.monotonic() + command.timeout_s
    for reader in readers:
        reader.start()
    readers[0].join(command.timeout_s)
    truncated = len(taken) > OUTPUT_MAX_BYTES
    if not truncated:
        try:
            child.wait(max(0.0, deadline_s - time.monotonic()))
        except subprocess.TimeoutExpired:
            raise _too_slow(command) from None
    else:
        kill_group(child)
    # What a killed or ended program still held open ends with it; a grandchild's pipe is not waited for.
    for reader in readers:
        reader.join(max(0.0, min(_REAP_TIMEOUT_S, deadline_s - time.monotonic())))
    return CommandOutput(
        exit_code=child.returncode if child.returncode is not None else -signal.SIGTERM,
        stdout=bytes(taken[:OUTPUT_MAX_BYTES]),
        stderr=bytes(errors[:STDERR_MAX_BYTES]),
        truncated=truncated,
    )


def _read_some(pipe: IO[bytes], into: bytearray, most: int) -> None:
    while len(into) < most:
        try:
            part = os.read(pipe.fileno(), min(64 * 1024, most - len(into)))
        except (OSError, ValueError):
            return  # closed by the one who stopped waiting
        if not part:
            return
        into += part


def _too_slow(command: Command) -> Unreadable:
    return Unreadable(f"{command.argv[0]} gave no answer within {command.timeout_s:g} s", UnreadableKind.TIMEOUT)
