"""How many files each process of a Linux machine holds open.

Since Linux 6.2 the size of /proc/PID/fd is that number; before, the folder is listed. A limit is only looked up for
processes that may be near one: the soft limit is 1024 where nobody raised it.
"""

from __future__ import annotations

import os

from diagnostics.machine.interface import ProcessFiles, Unreadable, UnreadableKind

LIMIT_ASKED_FROM = 256
PROCESSES_MAX = 5_000


def count_open_files() -> tuple[ProcessFiles, ...]:
    """Processes of others are left out where this user may not see them. Raises Unreadable when all are."""
    found = []
    denied = 0
    for name in sorted((entry for entry in os.listdir("/proc") if entry.isdigit()), key=int)[:PROCESSES_MAX]:
        try:
            found.append(_one(int(name)))
        except PermissionError:
            denied += 1
        except OSError:
            continue  # it ended while we looked
    if not found:
        raise Unreadable(f"this user may not see the open files of {denied} processes", UnreadableKind.DENIED)
    return tuple(found)


def _one(pid: int) -> ProcessFiles:
    folder = f"/proc/{pid}/fd"
    count = os.stat(folder).st_size or len(os.listdir(folder))
    with open(f"/proc/{pid}/comm", "rb", buffering=0) as file:
        name = (file.read(64) or b"").decode("utf-8", "replace").rstrip("\n")
    limit = None
    if count >= LIMIT_ASKED_FROM:
        with open(f"/proc/{pid}/limits", "rb", buffering=0) as file:
            limit = parse_limit(file.read(8192) or b"")
    return ProcessFiles(pid, name, count, limit)


def parse_limit(content: bytes) -> int | None:
    """The soft limit of open files in /proc/PID/limits; None when there is none.

    Limit                     Soft Limit           Hard Limit           Units
    Max open files            1024                 1048576              files
    """
    for line in content.decode("ascii", "replace").splitlines():
        if line.startswith("Max open files"):
            soft = line[len("Max open files") :].split()[0]
            return int(soft) if soft.isdigit() else None
    return None
