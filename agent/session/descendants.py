"""Every process that descends from one, found and killed: also those that began a session of their own.

The session host is a subreaper, so a grandchild whose parent has ended is still below it, whatever it called:
`setsid`, double fork, `nohup`. To kill the tree nobody in it may run meanwhile, or it could fork away from the list:

    stop the root ─► list what is below it ─► stop what is new in the list ─► until nothing is new ─► kill all

Linux only; elsewhere psutil's list of children is killed, which a determined process can escape (said by `complete`).
"""

import os
import signal
import sys
from pathlib import Path
from typing import Final

# Each round finds what was forked before its parent was stopped; more rounds than this means a fork bomb, and then
# everything that was found is killed and the search goes on.
_ROUNDS_MAX: Final = 64

#: Whether on this system no descendant can escape.
complete: Final = sys.platform == "linux"


def parents() -> dict[int, int]:
    """pid → parent's pid, of every process there is now."""
    found: dict[int, int] = {}
    for entry in os.scandir("/proc"):
        if entry.name.isdigit():
            parent = _parent(int(entry.name))
            if parent is not None:
                found[int(entry.name)] = parent
    return found


def _parent(pid: int) -> int | None:
    try:
        stat = Path(f"/proc/{pid}/stat").read_bytes()
    except OSError:
        return None  # it has ended meanwhile
    # pid (name, which may hold anything, even `) `) state ppid …
    return int(stat[stat.rindex(b")") + 2 :].split(None, 2)[1])


def below(root: int) -> set[int]:
    """All descendants of `root`, without itself."""
    children: dict[int, list[int]] = {}
    for pid, parent in parents().items():
        children.setdefault(parent, []).append(pid)
    found: set[int] = set()
    waiting = [root]
    while waiting:
        for child in children.get(waiting.pop(), ()):
            if child not in found:
                found.add(child)
                waiting.append(child)
    return found


def children_of(pid: int) -> set[int]:
    """Direct children only."""
    return {child for child, parent in parents().items() if parent == pid}


def kill_below(root: int) -> int:
    """Kill everything below `root`, which goes on itself. How many were killed."""
    return len(_freeze_and_kill(root, also_root=False))


def kill_tree(root: int) -> int:
    """Kill `root` and everything below it. How many were killed. Does not wait for the kernel to bury them."""
    return len(_freeze_and_kill(root, also_root=True))


def _freeze_and_kill(root: int, *, also_root: bool) -> set[int]:
    if sys.platform != "linux":
        return _kill_with_psutil(root, also_root=also_root)
    known: set[int] = set()
    if also_root and _signal(root, signal.SIGSTOP):
        known.add(root)
    for _ in range(_ROUNDS_MAX):
        fresh = below(root) - known
        if not fresh:
            break
        for pid in fresh:
            _signal(pid, signal.SIGSTOP)
        known |= fresh
    # The root last: while it lives, orphans stay below it.
    for pid in known - {root}:
        _signal(pid, signal.SIGKILL)
    if also_root:
        _signal(root, signal.SIGKILL)
    return known


def _signal(pid: int, number: signal.Signals) -> bool:
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        return False  # it ended by itself
    except PermissionError:
        return False  # a set-uid program; `no_new_privs` in the host makes that impossible below it
    return True


def _kill_with_psutil(root: int, *, also_root: bool) -> set[int]:
    import psutil

    try:
        process = psutil.Process(root)
        chosen = process.children(recursive=True) + ([process] if also_root else [])
    except psutil.NoSuchProcess:
        return set()
    killed = set()
    for each in chosen:
        try:
            each.kill()
        except psutil.NoSuchProcess:
            continue
        killed.add(each.pid)
    return killed
