"""One command of a remedy, within its seconds and bytes, on any of the three systems.

Its output is read by threads: pipes cannot be selected on Windows, and a grandchild that keeps one open (a daemon that
a restart has left behind) must hold nobody up. What is more than is kept is read and thrown away, so that no command
waits for its reader. At its time limit the command is killed and the worker goes on.
"""

from __future__ import annotations

import subprocess
import threading
from collections.abc import Mapping, Sequence
from typing import IO, Final

from diagnostics.machine.change.interface import Ran
from diagnostics.machine.interface import ActRefused, Platform

STDOUT_MAX_BYTES: Final = 64 * 1024
STDERR_MAX_BYTES: Final = 8 * 1024
#: What a command that has ended still has in its pipes is read at once.
_LAST_WORDS_S: Final = 1.0
_POSIX_KEPT: Final = ("HOME",)
_WINDOWS_KEPT: Final = (
    "SYSTEMROOT",
    "SYSTEMDRIVE",
    "WINDIR",
    "TEMP",
    "TMP",
    "USERPROFILE",
    "PROGRAMDATA",
    "PROGRAMFILES",
    "PROCESSOR_ARCHITECTURE",
)


def environment_for(platform: Platform, path: str, environ: Mapping[str, str]) -> dict[str, str]:
    """`path` as this system writes search paths; of `environ`, ours, only what the system's programs need. Pure.

    On Windows its last folder is PowerShell's: modules are loaded from there alone, not from a person's documents.
    """
    if platform is Platform.WINDOWS:
        kept = {name: environ[name] for name in _WINDOWS_KEPT if name in environ}
        modules = path.rsplit(";", 1)[-1] + "\\Modules"
        return {**kept, "PATH": path, "PATHEXT": ".COM;.EXE", "PSModulePath": modules}
    kept = {name: environ[name] for name in _POSIX_KEPT if name in environ}
    own = {"PATH": path, "LC_ALL": "C.UTF-8", "DEBIAN_FRONTEND": "noninteractive", "SYSTEMD_COLORS": "0"}
    return {**kept, **own}


def run_bounded(
    program: str,
    argv: Sequence[str],
    environment: Mapping[str, str],
    timeout_s: float,
    keep_open: tuple[int, ...] = (),
) -> Ran:
    """`keep_open`: handles that the command inherits; none on Windows. Raises ActRefused."""
    try:
        child = subprocess.Popen(
            list(argv), executable=program, env=dict(environment), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, pass_fds=keep_open, creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
        )  # fmt: skip
    except PermissionError:
        raise ActRefused(f"this user may not run {argv[0]}") from None
    except FileNotFoundError:
        raise ActRefused(f"the program {argv[0]} is not installed here") from None
    assert child.stdout is not None  # noqa: S101 — asked for above
    assert child.stderr is not None  # noqa: S101
    said, complained = bytearray(), bytearray()
    readers = [
        threading.Thread(target=_read, args=(child.stdout, said, STDOUT_MAX_BYTES), daemon=True),
        threading.Thread(target=_read, args=(child.stderr, complained, STDERR_MAX_BYTES), daemon=True),
    ]
    for reader in readers:
        reader.start()
    try:
        exit_code = child.wait(timeout_s)
    except subprocess.TimeoutExpired:
        raise ActRefused(f"{argv[0]} did not end within {timeout_s:g} s and was stopped") from None
    finally:
        if child.poll() is None:
            child.kill()
            child.wait()
        for reader in readers:
            reader.join(_LAST_WORDS_S)
    return Ran(exit_code, bytes(said), bytes(complained))


def _read(pipe: IO[bytes], into: bytearray, most: int) -> None:
    with pipe:
        while part := pipe.read1(64 * 1024):  # type: ignore[attr-defined]  # a BufferedReader: Popen says IO[bytes]
            into += part[: most - len(into)]
