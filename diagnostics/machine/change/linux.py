"""Acts of remedies on a POSIX machine, inside allowed roots, by directory handles.

    root ──O_NOFOLLOW──▶ part ──O_NOFOLLOW──▶ part ──▶ lstat: still what the remedy saw? ──▶ rename or unlink

The roots are resolved once, when this is made; after that no link is followed anywhere. Every act on a file
names what was seen (device, inode, size, time), and a file that is no longer that is left alone. Nothing
here decides what may be cleaned: that is the remedy's part. Written for Linux; macOS has the same calls and
is not proven.
"""

from __future__ import annotations

import contextlib
import errno
import os
import stat
import sys
from collections.abc import Callable, Sequence
from typing import TypeVar

from diagnostics.machine.interface import ActRefused, FileIdentity, FolderEntry
from diagnostics.machine.read.open_inside import entry_of

Result = TypeVar("Result")
# A cache is a few levels deep; a deeper tree is a trap or somebody's archive.
MAX_DEPTH = 32


def identity_of(entry: FolderEntry) -> FileIdentity:
    """What an act later has to find again."""
    return FileIdentity(entry.device, entry.inode, entry.size_bytes, entry.modified_unix_s)


def user_cache_root() -> str:
    """The cache folder of the user who runs this (XDG Base Directory; on macOS ~/Library/Caches): safe to delete by
    its own definition."""
    if sys.platform == "darwin":
        return os.path.expanduser("~/Library/Caches")
    chosen = os.environ.get("XDG_CACHE_HOME", "")
    if chosen.startswith("/"):
        return chosen
    return os.path.join(os.path.expanduser("~"), ".cache")


class LinuxChanges:
    """Implements `ChangingMachine`. `roots` may be cleaned, `quarantines` may take what was cleaned."""

    # Of folders that are made on the way: a way back into a home stays its owner's.
    _folder_mode = 0o700

    def __init__(self, *, roots: Sequence[str], quarantines: Sequence[str]) -> None:
        # realpath now: /home itself is a link on some systems. Later links are never followed.
        self._roots = {root: os.path.realpath(root) for root in roots}
        self._quarantines = {folder: os.path.realpath(folder) for folder in quarantines}

    def list_tree(self, root: str, *, max_entries: int) -> tuple[tuple[str, FolderEntry], ...]:
        def listing() -> tuple[tuple[str, FolderEntry], ...]:
            handle = self._open_folder(self._real(root, self._roots))
            found: list[tuple[str, FolderEntry]] = []
            try:
                self._list(handle, "", os.fstat(handle).st_dev, found, max_entries, 0)
            finally:
                os.close(handle)
            return tuple(found)

        return _act(listing, root)

    def quarantine(self, root: str, relative: str, seen: FileIdentity, into: str) -> None:
        def move() -> None:
            source, name = self._parent(self._real(root, self._roots), relative)
            try:
                _check(source, name, seen, relative)
                target, name_there = self._parent(self._real(into, self._quarantines), relative, make=True)
                try:
                    _must_be_absent(target, name_there, relative)
                    os.rename(name, name_there, src_dir_fd=source, dst_dir_fd=target)
                    os.fsync(target)
                    os.fsync(source)
                finally:
                    os.close(target)
            finally:
                os.close(source)

        _act(move, relative)

    def restore(self, root: str, relative: str, seen: FileIdentity, out_of: str) -> None:
        def move() -> None:
            source, name = self._parent(self._real(out_of, self._quarantines), relative)
            try:
                _check(source, name, seen, relative)
                target, name_there = self._parent(self._real(root, self._roots), relative, make=True)
                try:
                    _move_without_replacing(source, name, target, name_there)
                    os.fsync(target)
                    os.fsync(source)
                finally:
                    os.close(target)
            finally:
                os.close(source)

        _act(move, relative)

    def remove_file(self, root: str, relative: str, seen: FileIdentity) -> None:
        def remove() -> None:
            folders = {**self._roots, **self._quarantines}
            parent, name = self._parent(self._real(root, folders), relative)
            try:
                _check(parent, name, seen, relative)
                os.unlink(name, dir_fd=parent)
            finally:
                os.close(parent)

        _act(remove, relative)

    def remove_empty_folders(self, root: str) -> int:
        def remove() -> int:
            folders = {**self._roots, **self._quarantines}
            handle = self._open_folder(self._real(root, folders))
            try:
                return self._remove_empty(handle, os.fstat(handle).st_dev, 0)
            finally:
                os.close(handle)

        return _act(remove, root)

    def _real(self, folder: str, allowed: dict[str, str]) -> str:
        if folder not in allowed:
            raise ActRefused(f"{folder} is not a folder this remedy may change")
        return allowed[folder]

    def _open_folder(self, path: str) -> int:
        handle = _open_part("/", None)
        for part in path.strip("/").split("/"):
            handle = _step(handle, part)
        return handle

    def _parent(self, root: str, relative: str, *, make: bool = False) -> tuple[int, str]:
        """A handle on the folder that holds `relative`, and its last part."""
        parts = relative.split("/")
        if "\0" in relative or any(part in ("", ".", "..") for part in parts) or len(parts) > MAX_DEPTH:
            raise ActRefused(f"expected a plain path below {root}, got {relative!r}")
        handle = self._open_folder(root)
        for part in parts[:-1]:
            if make:
                try:
                    # Another file of the same folder may have come before.
                    with contextlib.suppress(FileExistsError):
                        os.mkdir(part, self._folder_mode, dir_fd=handle)
                except OSError:
                    os.close(handle)
                    raise
            handle = _step(handle, part)
        return handle, parts[-1]

    def _list(
        self,
        handle: int,
        above: str,
        device: int,
        found: list[tuple[str, FolderEntry]],
        max_entries: int,
        depth: int,
    ) -> None:
        for name in sorted(os.listdir(handle)):
            if len(found) >= max_entries:
                return
            try:
                status = os.stat(name, dir_fd=handle, follow_symlinks=False)
            except FileNotFoundError:
                continue
            found.append((above + name, entry_of(name, status)))
            if stat.S_ISDIR(status.st_mode) and status.st_dev == device and depth < MAX_DEPTH:
                try:
                    below = _open_part(name, handle)
                except OSError:
                    continue  # not ours to enter, or gone: it stays listed, its content does not
                try:
                    self._list(below, f"{above}{name}/", device, found, max_entries, depth + 1)
                finally:
                    os.close(below)

    def _remove_empty(self, handle: int, device: int, depth: int) -> int:
        removed = 0
        for name in sorted(os.listdir(handle)):
            status = os.stat(name, dir_fd=handle, follow_symlinks=False)
            if not stat.S_ISDIR(status.st_mode) or status.st_dev != device or depth >= MAX_DEPTH:
                continue
            below = _open_part(name, handle)
            try:
                removed += self._remove_empty(below, device, depth + 1)
            finally:
                os.close(below)
            try:
                os.rmdir(name, dir_fd=handle)
                removed += 1
            except OSError as error:
                if error.errno not in (errno.ENOTEMPTY, errno.EEXIST):
                    raise
        return removed


def _open_part(name: str, parent: int | None) -> int:
    if sys.platform == "win32":
        raise ActRefused("files are not changed this way on Windows")
    return os.open(name, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=parent)


def _step(handle: int, part: str) -> int:
    """One folder down; the handle above is closed either way."""
    try:
        return _open_part(part, handle)
    finally:
        os.close(handle)


def _check(parent: int, name: str, seen: FileIdentity, relative: str) -> None:
    status = os.stat(name, dir_fd=parent, follow_symlinks=False)
    if not stat.S_ISREG(status.st_mode):
        raise ActRefused(f"{relative} is not a regular file any more")
    if identity_of(entry_of(name, status)) != seen:
        raise ActRefused(f"{relative} has changed since it was listed")


def _must_be_absent(parent: int, name: str, relative: str) -> None:
    try:
        os.stat(name, dir_fd=parent, follow_symlinks=False)
    except FileNotFoundError:
        return
    raise ActRefused(f"something stands already where {relative} should go")


def _move_without_replacing(source: int, name: str, target: int, name_there: str) -> None:
    """A rename never asks before it replaces; a hard link never replaces. A crash between the two leaves
    the file under both names, and the next attempt ends it."""
    try:
        os.link(name, name_there, src_dir_fd=source, dst_dir_fd=target, follow_symlinks=False)
    except FileExistsError:
        here = os.stat(name, dir_fd=source, follow_symlinks=False)
        there = os.stat(name_there, dir_fd=target, follow_symlinks=False)
        if (here.st_dev, here.st_ino) != (there.st_dev, there.st_ino):
            raise ActRefused(f"something else stands already at {name_there}") from None
    except OSError as error:
        if error.errno not in (errno.EPERM, errno.EOPNOTSUPP, errno.EMLINK):
            raise
        # A file system without hard links, such as FAT.
        _must_be_absent(target, name_there, name_there)
        os.rename(name, name_there, src_dir_fd=source, dst_dir_fd=target)
        return
    os.unlink(name, dir_fd=source)


def _act(act: Callable[[], Result], what: str) -> Result:
    """Links and vanished parts are refusals. A full or broken disk stays an OSError: the remedy must know."""
    try:
        return act()
    except FileNotFoundError:
        raise ActRefused(f"{what} is not there any more") from None
    except OSError as error:
        if error.errno in (errno.ELOOP, errno.ENOTDIR, errno.EMLINK):
            raise ActRefused(f"{what} goes through something that is not a folder") from None
        if error.errno == errno.EXDEV:
            raise ActRefused(f"{what} lies on another file system than its quarantine") from None
        if error.errno in (errno.EACCES, errno.EPERM):
            raise ActRefused(f"this user may not change {what}") from None
        raise
