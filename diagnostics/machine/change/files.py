"""Changing one small settings file, or permission bits, so that it can be put back. Implements `ChangingFiles`.

    read ─► is it what was seen (sha256)? ─► write NAME.bellpull-new, sync ─► rename over NAME ─► sync the folder

A reader of the file sees the old content or the new one, never a part. Owner and permission bits are kept; extended
attributes are not, so a file that is more than content and bits (access lists) is better left to a person.
Written for Linux; macOS has the same calls and is not proven.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import stat
import sys

from diagnostics.machine.change.interface import SETTING_MAX_BYTES, SmallFile
from diagnostics.machine.change.linux import LinuxChanges, _act
from diagnostics.machine.interface import ActRefused

_NEW = ".bellpull-new"


def sha256_of(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


class LinuxFiles(LinuxChanges):
    """`roots` may hold files to change, `quarantines` take copies of them (in a folder of the agent's alone)."""

    # A drop-in's folder is read by services that are not root.
    _folder_mode = 0o755

    def read(self, root: str, relative: str) -> SmallFile | None:
        try:
            parent, name = self._parent(self._real(root, self._all()), relative)
        except FileNotFoundError:
            return None
        except OSError as error:
            raise ActRefused(f"{relative}: {error.strerror}") from None
        try:
            return _read(parent, name, relative)
        finally:
            os.close(parent)

    def keep_copy(self, root: str, relative: str, sha256: str, into: str) -> None:
        now = self._expect(root, relative, sha256)
        kept = self.read(into, relative)
        if kept is None or sha256_of(kept.content) != sha256:
            self._write(into, relative, now.content, mode=0o600)
            kept = self.read(into, relative)
        if kept is None or sha256_of(kept.content) != sha256:
            raise ActRefused(f"the copy of {relative} does not read back as it was written")

    def put_back(self, root: str, relative: str, sha256: str, out_of: str, instead_of: str) -> None:
        kept = self._expect(out_of, relative, sha256)
        now = self._expect(root, relative, instead_of)
        self._write(root, relative, kept.content, mode=now.mode)

    def write(self, root: str, relative: str, content: bytes, *, instead_of: str | None, mode: int) -> None:
        if instead_of is not None:
            self._expect(root, relative, instead_of)
        elif self.read(root, relative) is not None:
            raise ActRefused(f"{relative} stands there already")
        self._write(root, relative, content, mode=mode)

    def remove(self, root: str, relative: str, sha256: str) -> None:
        self._expect(root, relative, sha256)
        self._unlink(root, relative)

    def drop_copy(self, relative: str, out_of: str) -> None:
        if self.read(out_of, relative) is not None:
            self._unlink(out_of, relative)
        if os.path.isdir(out_of):
            self.remove_empty_folders(out_of)

    def mode(self, root: str, relative: str) -> tuple[int, int, int]:
        def look() -> tuple[int, int, int]:
            parent, name = self._parent(self._real(root, self._all()), relative)
            try:
                status = os.stat(name, dir_fd=parent, follow_symlinks=False)
            finally:
                os.close(parent)
            if not (stat.S_ISREG(status.st_mode) or stat.S_ISDIR(status.st_mode)):
                raise ActRefused(f"{relative} is neither a file nor a folder")
            return status.st_ino, stat.S_IMODE(status.st_mode), status.st_uid

        return _act(look, relative)

    def set_mode(self, root: str, relative: str, inode: int, mode: int) -> None:
        def change() -> None:
            if sys.platform == "win32":
                raise ActRefused("settings are not changed on Windows in this version")
            parent, name = self._parent(self._real(root, self._all()), relative)
            try:
                # O_NONBLOCK: a pipe put in its place must not hold us.
                handle = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, dir_fd=parent)
            finally:
                os.close(parent)
            try:
                status = os.fstat(handle)
                if status.st_ino != inode or (stat.S_ISREG(status.st_mode) and status.st_nlink != 1):
                    raise ActRefused(f"{relative} is another one now")
                os.fchmod(handle, mode)
            finally:
                os.close(handle)

        _act(change, relative)

    def _all(self) -> dict[str, str]:
        return {**self._roots, **self._quarantines}

    def _expect(self, root: str, relative: str, sha256: str) -> SmallFile:
        now = self.read(root, relative)
        if now is None:
            raise ActRefused(f"{relative} is not there any more")
        if sha256_of(now.content) != sha256:
            raise ActRefused(f"{relative} was changed meanwhile")
        return now

    def _write(self, root: str, relative: str, content: bytes, *, mode: int) -> None:
        def write() -> None:
            if sys.platform == "win32":
                raise ActRefused("settings are not changed on Windows in this version")
            parent, name = self._parent(self._real(root, self._all()), relative, make=True)
            new = name + _NEW
            try:
                with contextlib.suppress(FileNotFoundError):
                    os.unlink(new, dir_fd=parent)  # of a worker that was killed here
                flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
                handle = os.open(new, flags, 0o600, dir_fd=parent)
                try:
                    _fill(handle, content)
                    _as_before(handle, parent, name)
                    os.fchmod(handle, mode)
                    os.fsync(handle)
                except BaseException:
                    os.unlink(new, dir_fd=parent)
                    raise
                finally:
                    os.close(handle)
                os.rename(new, name, src_dir_fd=parent, dst_dir_fd=parent)
                os.fsync(parent)
            finally:
                os.close(parent)

        _act(write, relative)

    def _unlink(self, root: str, relative: str) -> None:
        def unlink() -> None:
            parent, name = self._parent(self._real(root, self._all()), relative)
            try:
                os.unlink(name, dir_fd=parent)
                os.fsync(parent)
            finally:
                os.close(parent)

        _act(unlink, relative)


def _read(parent: int, name: str, relative: str) -> SmallFile | None:
    if sys.platform == "win32":
        raise ActRefused("settings are not changed on Windows in this version")
    try:
        handle = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, dir_fd=parent)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise ActRefused(f"{relative}: {error.strerror}") from None
    try:
        status = os.fstat(handle)
        if not stat.S_ISREG(status.st_mode) or status.st_nlink != 1:
            raise ActRefused(f"{relative} is no plain file with one name")
        if status.st_size > SETTING_MAX_BYTES:
            raise ActRefused(f"{relative} is larger than a settings file")
        content = b""
        while part := os.read(handle, 64 * 1024):
            content += part
            if len(content) > SETTING_MAX_BYTES:
                raise ActRefused(f"{relative} grows while it is read")
    finally:
        os.close(handle)
    return SmallFile(content, stat.S_IMODE(status.st_mode), int(status.st_mtime))


def _fill(handle: int, content: bytes) -> None:
    left = memoryview(content)
    while left:
        left = left[os.write(handle, left) :]


def _as_before(handle: int, parent: int, name: str) -> None:
    """The new file belongs to whom the old one belonged; a new one to whom its folder belongs."""
    if sys.platform == "win32":
        return
    try:
        like = os.stat(name, dir_fd=parent, follow_symlinks=False)
    except FileNotFoundError:
        like = os.fstat(parent)
    made = os.fstat(handle)
    if (made.st_uid, made.st_gid) != (like.st_uid, like.st_gid):
        os.fchown(handle, like.st_uid, like.st_gid)
