"""Which folders take the space: counted two steps below the root, with a budget, by lstat alone.

    /var/lib, /var/log, /home/anna …  →  /var/lib/docker, /var/log/journal, /home/anna/Videos: one number each

Everything a folder of that depth holds is counted into it. No link is followed, no other filesystem is entered, no file
is opened. Each folder gets at most four equal shares of what is left of the budget, and never more than half of it: one
huge folder cannot hide the others; what was not walked to its end says `complete: false`, and nobody compares it.
"""

from __future__ import annotations

import os
import stat
import sys
import time
from collections.abc import Sequence

from diagnostics.machine.interface import Unreadable

ROOTS = {
    "linux": ("/var", "/home", "/opt", "/srv", "/root", "/usr/local"),
    "darwin": ("/Users", "/Library", "/opt", "/private/var"),
    "win32": ("C:\\Users", "C:\\ProgramData"),
}
WALK_MAX_S = 3.0
ENTRIES_MAX = 150_000
FOLDERS_MAX = 400


def folder_sizes(
    roots: Sequence[str] | None = None, *, max_s: float = WALK_MAX_S, max_entries: int = ENTRIES_MAX
) -> list[dict[str, object]]:
    """`[{"path": "/var/lib/docker", "allocated_bytes": 7…, "files": 81, "complete": true}]`, sorted by path. Raises
    Unreadable when none of the roots can be entered."""
    found: list[dict[str, object]] = []
    folders = _folders(ROOTS.get(sys.platform, ()) if roots is None else roots)
    if not folders:
        raise Unreadable("none of the folders that usually grow can be looked into")
    began_s, entries_left = time.monotonic(), max_entries
    for index, folder in enumerate(folders):
        left_s = max_s - (time.monotonic() - began_s)
        # What the small ones leave over is there for those after them.
        shares = max(2.0, (len(folders) - index) / 4)
        allocated, files, seen, complete = _walk(folder, left_s / shares, int(entries_left / shares))
        entries_left = max(0, entries_left - seen)
        found.append({"path": folder, "allocated_bytes": allocated, "files": files, "complete": complete})
    return found


def _folders(roots: Sequence[str]) -> list[str]:
    """The grandchildren of the roots that are folders of the same filesystem; sorted, at most FOLDERS_MAX."""
    found: list[str] = []
    for root in roots:
        try:
            device = os.lstat(root).st_dev
        except OSError:
            continue  # this machine has no such folder
        for child in _subfolders(root, device):
            found += _subfolders(child, device)
    return sorted(found)[:FOLDERS_MAX]


def _subfolders(folder: str, device: int) -> list[str]:
    try:
        entries = os.scandir(folder)
    except OSError:
        return []  # another user's
    found = []
    with entries:
        for entry in entries:
            try:
                status = entry.stat(follow_symlinks=False)
            except OSError:
                continue  # gone meanwhile
            if stat.S_ISDIR(status.st_mode) and status.st_dev == device:
                found.append(entry.path)
    return found


def _walk(folder: str, max_s: float, max_entries: int) -> tuple[int, int, int, bool]:
    """(allocated bytes, files, entries seen, whether it was walked to its end)."""
    deadline_s = time.monotonic() + max_s
    try:
        device = os.lstat(folder).st_dev
    except OSError:
        return 0, 0, 0, False
    allocated = files = seen = 0
    waiting = [folder]
    complete = True
    while waiting:
        if seen >= max_entries or time.monotonic() > deadline_s:
            return allocated, files, seen, False
        try:
            entries = os.scandir(waiting.pop())
        except OSError:
            complete = False  # not ours to enter: what is below is not known
            continue
        with entries:
            for entry in entries:
                seen += 1
                if seen > max_entries:
                    return allocated, files, seen, False  # one folder of a million files
                try:
                    status = entry.stat(follow_symlinks=False)
                except OSError:
                    continue
                if stat.S_ISDIR(status.st_mode):
                    if status.st_dev == device:
                        waiting.append(entry.path)
                elif stat.S_ISREG(status.st_mode):
                    files += 1
                    blocks = getattr(status, "st_blocks", None)
                    allocated += status.st_size if blocks is None else blocks * 512
    return allocated, files, seen, complete
