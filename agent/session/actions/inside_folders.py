"""Going into the folders that the owner allows, and nowhere else.

    "/" ─handle─► "home" ─handle─► "anna" ─handle─► "Documents" ═ allowed ═ ─handle─► "invoices" ─► "2026.pdf"

Every part is opened relative to the handle of the one before with O_NOFOLLOW: nobody can swap a folder for a link
between a look and the use of it, and no link leads out, because none is followed. The last part is opened without
blocking and must be a regular file: a FIFO would hang us, a device would answer something else.
The agent's own folder, and where keys of people are kept, are not entered at all.
"""

import errno
import os
import stat
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from diagnostics.machine.interface import Unreadable, UnreadableKind
from protocol.actions.files import parts_of

#: Never read or written, wherever an allowed folder begins.
KEPT_OUT: Final = frozenset({".ssh", ".gnupg", ".password-store", ".aws", ".kube"})
_NOT_LINUX: Final = "files are carried on Linux only in this version"


class Folders:
    """`folders`: real paths, as the owner allows them. `keep_out`: the agent's state folder."""

    def __init__(self, folders: tuple[str, ...], keep_out: str | None) -> None:
        self.by_label = labels_of(folders)
        self._keep_out = None if keep_out is None else _identity(keep_out)

    @contextmanager
    def folder(self, path: str) -> Iterator[int]:
        """A handle of the folder that `path` names. Unreadable with the reason where it may not be, or is none."""
        handle = self._walk(path, parts_of(path))
        try:
            yield handle
        finally:
            os.close(handle)

    @contextmanager
    def parent(self, path: str) -> Iterator[tuple[int, str]]:
        """A handle of the folder in which the last part of `path` lies, and that part."""
        *above, name = parts_of(path)
        if not above:
            raise Unreadable(f"{path} is an allowed folder, not a file in one", UnreadableKind.REFUSED)
        _refuse_kept_out(name, path)
        handle = self._walk(path, tuple(above))
        try:
            yield handle, name
        finally:
            os.close(handle)

    def real_path(self, path: str) -> Path:
        """Where `path` is, for rules about names. Nothing is opened by it."""
        label, *below = parts_of(path)
        return Path(self._root(label, path), *below)

    def _root(self, label: str, path: str) -> str:
        root = self.by_label.get(label)
        if root is None:
            allowed = ", ".join(sorted(self.by_label)) or "none"
            raise Unreadable(f"{path} is in no folder that the owner allows ({allowed})", UnreadableKind.REFUSED)
        return root

    def _walk(self, path: str, parts: tuple[str, ...]) -> int:
        if sys.platform != "linux":
            raise Unreadable(_NOT_LINUX, UnreadableKind.UNSUPPORTED)
        label, *below = parts
        root = self._root(label, path)
        flags = os.O_PATH | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
        handle = os.open("/", flags)
        try:
            for part in (*root.strip("/").split("/"), *below):
                _refuse_kept_out(part, path)
                following = _open(part, flags, handle, path)
                os.close(handle)
                handle = following
                status = os.fstat(handle)
                if (status.st_dev, status.st_ino) == self._keep_out:
                    raise Unreadable("the agent's own folder is never opened", UnreadableKind.REFUSED)
            result, handle = handle, -1
            return result
        finally:
            if handle >= 0:
                os.close(handle)


def open_regular(name: str, folder: int, path: str) -> int:
    """A handle for reading the regular file `name` of `folder`."""
    if sys.platform != "linux":
        raise Unreadable(_NOT_LINUX, UnreadableKind.UNSUPPORTED)
    flags = os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_NOCTTY | os.O_CLOEXEC
    handle = _open(name, flags, folder, path)
    if not stat.S_ISREG(os.fstat(handle).st_mode):
        os.close(handle)
        raise Unreadable(f"{path} is not a regular file", UnreadableKind.REFUSED)
    return handle


def why(path: str, error: OSError) -> Unreadable:
    """The reason in words, for every call on a file or folder."""
    match error.errno:
        case errno.EACCES | errno.EPERM:
            return Unreadable(f"this user may not touch {path}", UnreadableKind.DENIED)
        case errno.ENOENT:
            return Unreadable(f"{path} does not exist", UnreadableKind.ABSENT)
        case errno.ELOOP | errno.EMLINK:
            return Unreadable(f"{path} goes through a link; links are not followed", UnreadableKind.REFUSED)
        case errno.ENOTDIR:
            return Unreadable(f"{path} goes through a link, or something that is no folder", UnreadableKind.REFUSED)
        case errno.ENXIO | errno.ENODEV:
            return Unreadable(f"{path} is not a regular file", UnreadableKind.REFUSED)
        case errno.ENOSPC | errno.EDQUOT:
            return Unreadable(f"{path}: the disk is full", UnreadableKind.ABSENT)
        case _:
            return Unreadable(f"{path}: {os.strerror(error.errno or 0)}", UnreadableKind.ABSENT)


def labels_of(folders: tuple[str, ...]) -> dict[str, str]:
    """Label → real path: the folder's own name; a second of the same name gets a number."""
    labels: dict[str, str] = {}
    for folder in folders:
        name = os.path.basename(folder.rstrip("/")) or "root"
        label, number = name, 2
        while label in labels:
            label, number = f"{name} ({number})", number + 1
        labels[label] = folder
    return labels


def _open(part: str, flags: int, folder: int, path: str) -> int:
    try:
        return os.open(part, flags, dir_fd=folder)
    except OSError as error:
        raise why(path, error) from None


def _refuse_kept_out(part: str, path: str) -> None:
    if part in KEPT_OUT:
        raise Unreadable(f"{path}: {part} holds keys and is never opened", UnreadableKind.REFUSED)


def _identity(folder: str) -> tuple[int, int] | None:
    try:
        status = os.stat(folder)
    except OSError:
        return None  # nothing there that could be entered
    return status.st_dev, status.st_ino
