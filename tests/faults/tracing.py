"""Stops a process at its n-th call to the file system, or lets that call fail: `strace -e inject` takes hold of it.

    strace -p PID -P STATE/agent.db … -e inject=fdatasync:signal=SIGKILL:when=3

A signal is delivered before the call is done, an error instead of it. Calls are counted for each name on its own, so a
place in a program's life is a name and a number.
"""

import re
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

#: Everything SQLite and our own files use on Linux. What a kernel does not know is left out by strace's `?`.
CALLS: Final = (
    "open", "openat", "read", "pread64", "write", "pwrite64", "writev", "lseek", "fsync", "fdatasync", "ftruncate",
    "rename", "renameat", "renameat2", "unlink", "unlinkat", "close", "fcntl", "fstat", "newfstatat", "stat", "lstat",
    "statx", "chmod", "fchmod", "fchmodat", "mkdir", "mkdirat", "mmap", "fallocate", "access", "faccessat",
    "faccessat2",
)  # fmt: skip
#: Those that may fail because a disk is full or broken, with what the kernel then says.
FAILING: Final = ("write", "pwrite64", "fsync", "fdatasync", "ftruncate", "rename", "renameat", "renameat2")
_ATTACHED_S: Final = 20
_NAME: Final = re.compile(r"^(?:\d+ +)?(\w+)\(", re.MULTILINE)


@dataclass(frozen=True)
class Fault:
    """`call` for the `number`-th time: `error` instead of it (EIO, ENOSPC), or a kill before it."""

    call: str
    number: int
    error: str | None = None
    #: Not this time only but from now on: a disk that stays broken.
    lasting: bool = False

    @property
    def injection(self) -> str:
        what = "signal=SIGKILL" if self.error is None else f"error={self.error}"
        return f"inject={self.call}:{what}:when={self.number}{'+' if self.lasting else ''}"

    def __str__(self) -> str:
        return f"{self.error or 'SIGKILL'} at {self.call} {self.number}{'…' if self.lasting else ''}"


@cache
def why_not() -> str | None:
    """None when this machine lets us trace; else the reason, for a skipped test."""
    if sys.platform != "linux" or shutil.which("strace") is None:
        return "no strace on this machine"
    tried = subprocess.run(["strace", "-qq", "-o", "/dev/null", "true"], capture_output=True, text=True, check=False)
    return None if tried.returncode == 0 else f"strace may not trace here: {tried.stderr.strip()[:120]}"


@contextmanager
def held(pid: int, paths: Sequence[Path], log: Path, fault: Fault | None = None) -> Iterator[None]:
    """The process is traced from here on, its calls about `paths` in `log`; it ends, or is let go at the end."""
    argv = ["strace", "-p", str(pid), "-o", str(log), "-e", "trace=" + ",".join(f"?{call}" for call in CALLS)]
    for path in paths:
        argv += ["-P", str(path)]
    if fault is not None:
        argv += ["-e", fault.injection]
    tracer = subprocess.Popen(argv, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    assert tracer.stderr is not None
    try:
        said = ""
        while "attached" not in said:
            line = tracer.stderr.readline()
            assert line, f"strace ended: {said}"
            said += line
        yield
    finally:
        tracer.terminate()
        tracer.communicate(timeout=_ATTACHED_S)


def calls_in(log: Path) -> Counter[str]:
    """How often each call was made, by name."""
    return Counter(_NAME.findall(log.read_text(encoding="utf-8", errors="replace")))
