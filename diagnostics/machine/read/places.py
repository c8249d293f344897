"""How much disk space a known folder takes. Counted, never read: lstat only, no link followed, no other filesystem."""

from __future__ import annotations

import os
import stat
import sys
import time

from diagnostics.machine.interface import Place, PlaceSize, Unreadable, UnreadableKind

# Enough for a browser's cache of a million files on a slow disk to be called large; nobody waits longer.
MEASURE_MAX_S = 2.0
MEASURE_MAX_ENTRIES = 300_000


def path_of(place: Place) -> str:
    """The folder on this platform, for the user who asks. Raises Unreadable where there is none."""
    home = os.path.expanduser("~")
    match place:
        case Place.USER_CACHE:
            if sys.platform == "darwin":
                return os.path.join(home, "Library", "Caches")
            if sys.platform == "win32":
                return os.path.join(home, "AppData", "Local", "Temp")
            chosen = os.environ.get("XDG_CACHE_HOME", "")
            return chosen if chosen.startswith("/") else os.path.join(home, ".cache")
        case Place.TEMPORARY:
            if sys.platform == "win32":
                raise Unreadable("on Windows it is part of the user's cache", UnreadableKind.UNSUPPORTED)
            return "/tmp"  # noqa: S108 — measured, nothing is created in it
        case Place.JOURNAL:
            if sys.platform != "linux":
                raise Unreadable("there is no journal on this platform", UnreadableKind.UNSUPPORTED)
            return "/var/log/journal"


def measure(place: Place) -> PlaceSize:
    """Raises Unreadable when the folder is not there. Folders that may not be entered are not counted."""
    path = path_of(place)
    try:
        top = os.lstat(path)
    except OSError:
        raise Unreadable(f"{path} does not exist here") from None
    if not stat.S_ISDIR(top.st_mode):
        raise Unreadable(f"{path} is not a folder", UnreadableKind.REFUSED)
    deadline_s = time.monotonic() + MEASURE_MAX_S
    total_bytes, files, entries_seen = 0, 0, 0
    waiting = [path]
    while waiting:
        if time.monotonic() > deadline_s or entries_seen > MEASURE_MAX_ENTRIES:
            return PlaceSize(path, total_bytes, files, complete=False)
        try:
            entries = os.scandir(waiting.pop())
        except OSError:
            continue  # another user's folder, or gone meanwhile: not counted
        with entries:
            for entry in entries:
                entries_seen += 1
                try:
                    status = entry.stat(follow_symlinks=False)
                except OSError:
                    continue
                if stat.S_ISDIR(status.st_mode):
                    if status.st_dev == top.st_dev:
                        waiting.append(entry.path)
                elif stat.S_ISREG(status.st_mode):
                    files += 1
                    blocks = getattr(status, "st_blocks", None)
                    total_bytes += status.st_size if blocks is None else blocks * 512
    return PlaceSize(path, total_bytes, files, complete=True)
