"""Secrets as files of their own: made once, mode 0600, complete or absent, never through a link.

Each key is 32 raw bytes. Written to a temporary name, flushed to the disk, then renamed: a crash leaves the old file
or the new one, never half of one.
"""

import os
import stat
import sys
from pathlib import Path

from agent.refusal import Refusal
from agent.store.database import NotWritten

KEY_BYTES = 32


def read_or_make_key(path: Path) -> bytes:
    """The 32 bytes of the key file, made now when there is none."""
    existing = read_key(path)
    if existing is not None:
        return existing
    made = os.urandom(KEY_BYTES)
    write_private(path, made)
    return made


def read_key(path: Path) -> bytes | None:
    """The 32 bytes, or None when there is no file. Refuses a file that others may read, a link, or another length."""
    data = read_private(path, max_bytes=KEY_BYTES + 1)
    if data is not None and len(data) != KEY_BYTES:
        raise Refusal(
            f"the key file {path.name} is damaged",
            expected=f"{KEY_BYTES} bytes",
            got=f"{len(data)} bytes" if len(data) <= KEY_BYTES else "more",
            hint="Restore it from a backup of the state folder, or enrol this device anew with an empty one.",
        )
    return data


def read_private(path: Path, *, max_bytes: int) -> bytes | None:
    """A private file's bytes, at most `max_bytes` of them; None when it is not there."""
    try:
        handle = os.open(path, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_CLOEXEC", 0))
    except FileNotFoundError:
        return None
    except OSError as error:
        raise Refusal(
            f"{path.name} cannot be read", expected="a file of this user", got=error.strerror or str(error)
        ) from error
    with os.fdopen(handle, "rb") as file:
        if sys.platform != "win32":
            status = os.fstat(file.fileno())
            if not stat.S_ISREG(status.st_mode) or status.st_uid != os.geteuid() or status.st_mode & 0o077:
                raise Refusal(
                    f"{path.name} is not private",
                    expected=f"a plain file of user {os.geteuid()} with mode 0600",
                    got=f"user {status.st_uid}, mode {stat.S_IMODE(status.st_mode):04o}",
                    hint=f"If nobody else has read it: chmod 600 {path}",
                )
        return file.read(max_bytes)


def write_private(path: Path, data: bytes) -> None:
    """Write the whole file or leave what was there; it is on the disk when this returns. NotWritten otherwise."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}.new")
    try:
        temporary.unlink(missing_ok=True)
        handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_NOFOLLOW", 0), 0o600)
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
        _sync_folder(path.parent)
    except OSError as error:
        temporary.unlink(missing_ok=True)
        raise NotWritten(
            f"{path.name} could not be written",
            expected="a disk that takes data",
            got=error.strerror or str(error),
            hint="Free some space on the disk of the state folder, then try again.",
        ) from error


def _sync_folder(folder: Path) -> None:
    if sys.platform == "win32":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
