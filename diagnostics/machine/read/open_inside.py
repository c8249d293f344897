"""Open a file or folder of the allow-list and nothing else.

    "/" ──dir handle──▶ "var" ──dir handle──▶ "log" ──▶ "syslog"
                                                └─ a link? its target must be on the list too; walk again
                                                from "/"

Every part is opened relative to the handle of the one before with O_NOFOLLOW, so nobody can swap a folder
for a link between the check and the use. The last part is opened without blocking and must be a regular
file: a FIFO would hang us, a device would answer something else. A log with more than one name is refused.

POSIX only; Windows has no directory handles in Python, and nothing on its list to open.
"""

from __future__ import annotations

import errno
import os
import posixpath
import stat
import sys
from collections.abc import Callable

from diagnostics.machine.interface import (
    FOLDER_MAX_ENTRIES,
    EntryKind,
    FolderEntry,
    Tail,
    Unreadable,
    UnreadableKind,
)
from diagnostics.machine.line_cut import cut_at_line
from diagnostics.machine.roots import SINGLE_NAME_FOLDERS, WATCHABLE_FOLDERS, is_inside, is_listable, is_readable

# Longer chains of links are loops, or somebody playing.
MAX_LINKS = 8
_CHUNK_BYTES = 256 * 1024


def _why(path: str, error: OSError) -> Unreadable:
    if error.errno in (errno.EACCES, errno.EPERM):
        return Unreadable(f"this user may not read {path}", UnreadableKind.DENIED)
    if error.errno in (errno.ENOENT, errno.ENOTDIR):
        return Unreadable(f"{path} does not exist here", UnreadableKind.ABSENT)
    return Unreadable(f"{path}: {os.strerror(error.errno or 0)}", UnreadableKind.ABSENT)


def _walk(path: str, last_flags: int) -> tuple[int, str | None]:
    """(handle, None), or (-1, the path to go on with) when a part is a link."""
    if sys.platform == "win32":
        raise Unreadable("files are not read this way on Windows", UnreadableKind.UNSUPPORTED)
    # O_PATH lets us pass through folders we may enter and not list; macOS has no such flag.
    folder_flags = os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC | getattr(os, "O_PATH", os.O_RDONLY)
    parts = path[1:].split("/")
    handle = os.open("/", folder_flags)
    try:
        for index, part in enumerate(parts):
            flags = last_flags if index == len(parts) - 1 else folder_flags
            try:
                following = os.open(part, flags, dir_fd=handle)
            except OSError as error:
                if error.errno not in (errno.ELOOP, errno.ENOTDIR, errno.EMLINK):
                    raise
                try:
                    target = os.readlink(part, dir_fd=handle)
                except OSError:
                    raise error from None  # not a link: the first error is the true one
                above = "/" + "/".join(parts[:index])
                return -1, posixpath.normpath(posixpath.join(above, target, *parts[index + 1 :]))
            os.close(handle)
            handle = following
        result, handle = handle, -1
        return result, None
    finally:
        if handle >= 0:
            os.close(handle)


def _open(path: str, last_flags: int, allowed: Callable[[str], bool]) -> tuple[int, str]:
    if sys.platform == "win32":
        raise Unreadable("files are not read this way on Windows", UnreadableKind.UNSUPPORTED)
    asked = path
    for _ in range(MAX_LINKS):
        if not allowed(path):
            reason = f"{asked} is not on the list of files this program reads"
            if path != asked:
                reason = f"{asked} leads to {path}, which is not on the list of files this program reads"
            raise Unreadable(reason, UnreadableKind.REFUSED)
        try:
            handle, onward = _walk(path, last_flags)
        except OSError as error:
            raise _why(path, error) from error
        if onward is None:
            return handle, path
        path = onward
    raise Unreadable(f"{asked}: more than {MAX_LINKS} links in a row", UnreadableKind.REFUSED)


def open_file(path: str, *, allowed: Callable[[str], bool] = is_readable) -> int:
    """A handle on a regular file of the allow-list. The caller closes it. Raises Unreadable."""
    if sys.platform == "win32":
        raise Unreadable("files are not read this way on Windows", UnreadableKind.UNSUPPORTED)
    flags = os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_NOCTTY | os.O_CLOEXEC
    handle, real = _open(path, flags, allowed)
    status = os.fstat(handle)
    reason = None
    if not stat.S_ISREG(status.st_mode):
        reason = f"{path} is not a regular file"
    elif is_inside(real, (*SINGLE_NAME_FOLDERS, *WATCHABLE_FOLDERS)):
        # Some applications own the folder of their settings as they own that of their logs.
        if status.st_nlink > 1:
            reason = f"{path} has {status.st_nlink} names; a log has one, and so have settings"
        elif not _is_called(real, status):
            reason = f"{path} was moved or removed while it was opened"
    if reason is not None:
        os.close(handle)
        raise Unreadable(reason, UnreadableKind.REFUSED)
    return handle


def _is_called(real: str, opened: os.stat_result) -> bool:
    """True when the one name of what was opened is still the one it was opened by. Somebody who links another user's
    file into a log folder and removes that link while we open it leaves a file with one name, elsewhere."""
    if sys.platform == "win32":
        return False
    folder, _, name = real.rpartition("/")
    flags = os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC | getattr(os, "O_PATH", os.O_RDONLY)
    try:
        handle, onward = _walk(folder, flags)
        if onward is not None:
            return False  # a link stands where a folder was
        try:
            named = os.stat(name, dir_fd=handle, follow_symlinks=False)
        finally:
            os.close(handle)
    except OSError:
        return False
    return (named.st_dev, named.st_ino, named.st_nlink) == (opened.st_dev, opened.st_ino, 1)


def read_file(path: str, max_bytes: int, *, allowed: Callable[[str], bool] = is_readable) -> bytes:
    """At most `max_bytes` from the start. Files of /proc tell no size, so it is read to the end."""
    handle = open_file(path, allowed=allowed)
    try:
        parts: list[bytes] = []
        left = max_bytes
        while left > 0:
            part = os.read(handle, min(left, _CHUNK_BYTES))
            if not part:
                break
            parts.append(part)
            left -= len(part)
        return b"".join(parts)
    except OSError as error:
        raise _why(path, error) from error
    finally:
        os.close(handle)


def read_tail(path: str, max_bytes: int, *, allowed: Callable[[str], bool] = is_readable) -> Tail:
    """The last `max_bytes`, cut at a line start. Of a line longer than that the last 64 KiB are kept."""
    handle = open_file(path, allowed=allowed)
    try:
        size = os.fstat(handle).st_size
        start = max(0, size - max_bytes)
        os.lseek(handle, start, os.SEEK_SET)
        parts: list[bytes] = []
        left = min(size, max_bytes)
        while left > 0:
            part = os.read(handle, min(left, _CHUNK_BYTES))
            if not part:
                break
            parts.append(part)
            left -= len(part)
        content = b"".join(parts)
    except OSError as error:
        raise _why(path, error) from error
    finally:
        os.close(handle)
    return Tail(cut_at_line(content) if start > 0 else content, size, start > 0)


def kind_of(mode: int) -> EntryKind:
    if stat.S_ISREG(mode):
        return EntryKind.FILE
    if stat.S_ISDIR(mode):
        return EntryKind.FOLDER
    if stat.S_ISLNK(mode):
        return EntryKind.LINK
    return EntryKind.OTHER


def entry_of(name: str, status: os.stat_result) -> FolderEntry:
    return FolderEntry(
        name=name,
        kind=kind_of(status.st_mode),
        size_bytes=status.st_size,
        allocated_bytes=getattr(status, "st_blocks", 0) * 512,
        modified_unix_s=int(status.st_mtime),
        owner_uid=status.st_uid,
        links=status.st_nlink,
        device=status.st_dev,
        inode=status.st_ino,
    )


def list_folder(path: str, *, allowed: Callable[[str], bool] = is_listable) -> tuple[FolderEntry, ...]:
    """Entries by lstat, sorted by name; an entry that vanishes meanwhile is left out."""
    if sys.platform == "win32":
        raise Unreadable("folders are not read this way on Windows", UnreadableKind.UNSUPPORTED)
    flags = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
    handle, _ = _open(path, flags, allowed)
    try:
        names = sorted(os.listdir(handle))[:FOLDER_MAX_ENTRIES]
        entries = []
        for name in names:
            try:
                entries.append(entry_of(name, os.stat(name, dir_fd=handle, follow_symlinks=False)))
            except FileNotFoundError:
                continue
        return tuple(entries)
    except OSError as error:
        raise _why(path, error) from error
    finally:
        os.close(handle)
