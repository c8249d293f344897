"""At most one service in a state folder: a lock that the kernel gives back when its holder dies."""

import os
import sys
from pathlib import Path
from typing import Self

from agent.refusal import Refusal


class SingleInstance:
    """Held from `take` until `release` or the end of the process, however it ends."""

    def __init__(self, handle: int) -> None:
        self._handle = handle

    @classmethod
    def take(cls, path: Path) -> Self:
        handle = os.open(path, os.O_RDWR | os.O_CREAT | getattr(os, "O_CLOEXEC", 0), 0o600)
        try:
            _lock(handle)
        except OSError:
            os.close(handle)
            raise Refusal(
                "a Bellpull service is running in this state folder already",
                expected="one service for each state folder",
                got=f"another holds {path}",
                hint="bellpull-agent status shows it; stop it first, or use another --state DIR.",
            ) from None
        return cls(handle)

    def release(self) -> None:
        os.close(self._handle)


def _lock(handle: int) -> None:
    if sys.platform == "win32":
        import msvcrt

        msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)
    else:
        import fcntl

        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
