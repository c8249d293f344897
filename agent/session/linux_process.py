"""What a process can ask Linux about itself: prctl, and memory in use. Elsewhere: said plainly, never half done."""

import ctypes
import os
import signal
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Final

# linux/prctl.h
_PR_SET_PDEATHSIG: Final = 1
_PR_SET_CHILD_SUBREAPER: Final = 36
_PR_SET_NO_NEW_PRIVS: Final = 38


def become_subreaper() -> None:
    """Orphans among our descendants become our children, not init's."""
    _prctl(_PR_SET_CHILD_SUBREAPER, 1)


def no_new_privileges() -> None:
    """Set-uid and set-gid programs run as ourselves, here and in everything we start; cannot be undone."""
    _prctl(_PR_SET_NO_NEW_PRIVS, 1)


def die_with_parent(number: signal.Signals, parent: int) -> None:
    """Get `number` when `parent`, our parent, dies; at once when it has died already."""
    _prctl(_PR_SET_PDEATHSIG, number)
    if os.getppid() != parent:
        os.kill(os.getpid(), number)


def become_person(name: str) -> None:
    """From root to this person, for good: groups, group, user. OSError when there is no such person."""
    if sys.platform != "linux":
        raise OSError(f"nobody is become on {sys.platform} in this version")
    import pwd

    try:
        entry = pwd.getpwnam(name)
    except KeyError:
        raise OSError(f"there is no person {name} on this computer") from None
    os.initgroups(name, entry.pw_gid)
    os.setresgid(entry.pw_gid, entry.pw_gid, entry.pw_gid)
    os.setresuid(entry.pw_uid, entry.pw_uid, entry.pw_uid)


def resident_bytes(pids: Iterable[int]) -> int:
    """Memory of these processes without files they share, added up; one that has ended counts nothing."""
    if sys.platform == "win32":
        raise OSError("memory of a process tree is not read on Windows in this version")
    page = os.sysconf("SC_PAGE_SIZE")
    total = 0
    for pid in pids:
        try:
            fields = Path(f"/proc/{pid}/statm").read_bytes().split()
        except OSError:
            continue
        total += (int(fields[1]) - int(fields[2])) * page
    return total


def _prctl(option: int, value: int) -> None:
    if sys.platform != "linux":
        raise OSError(f"prctl is Linux only; this is {sys.platform}")
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(option, value, 0, 0, 0) != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
