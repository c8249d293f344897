"""Files that only their owner may read: written whole or not at all, refused when others can read them.

Decides where secrets may lie: never inside a server's data directory, whose thief would then hold the keys that the
server must not have. On Windows the folder's inherited access list protects them; modes are checked on POSIX only.
"""

import contextlib
import os
import secrets
import stat
import sys
from pathlib import Path
from typing import Final

from technician.problems import Problem

SERVER_MARKER: Final = ".bellpull-server-data"
_OWNER_ONLY: Final = 0o700
#: Larger than any key, certificate or trust file; receipts and exports are read by their own code.
PRIVATE_FILE_MAX_BYTES: Final = 8 << 20


def refuse_server_data(path: Path) -> None:
    """A server's data directory holds no keys: refuse `path` inside one, also through a symbolic link."""
    resolved = path.expanduser().resolve()
    for folder in (resolved, *resolved.parents):
        if (folder / SERVER_MARKER).exists():
            raise Problem(
                "keys are never kept in a server's data directory",
                expected="a folder outside it, on another machine or offline",
                got=f"{path} inside {folder}",
                hint="Who takes the server must not get these keys. Choose another folder.",
            )


def private_folder(path: Path) -> Path:
    """`path` as a folder of mode 0700, made when absent; refused when others may write or read in it."""
    refuse_server_data(path)
    path = path.expanduser()
    try:
        path.mkdir(mode=_OWNER_ONLY, parents=True, exist_ok=True)
    except OSError as error:
        raise Problem(
            "the folder cannot be made", got=str(error), hint="Choose another with --home or --keys"
        ) from None
    if sys.platform != "win32":
        mode = stat.S_IMODE(path.stat().st_mode)
        if mode & 0o077:
            raise Problem(
                f"others can look into {path}",
                expected="mode 700",
                got=f"mode {mode:o}",
                hint=f"Close it first: chmod 700 {path}",
            )
    return path


def write_private(path: Path, data: bytes, *, open_folder: bool = False) -> None:
    """Replace `path` by `data`, mode 0600: after a crash there is the old file or the new one.

    `open_folder`: the folder may be one that others look into; for proofs, never for keys.
    """
    if open_folder:
        path.parent.mkdir(mode=_OWNER_ONLY, parents=True, exist_ok=True)
    else:
        private_folder(path.parent)
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(6)}")
    try:
        handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except OSError as error:
        with contextlib.suppress(FileNotFoundError):
            temporary.unlink()
        raise Problem(f"{path} cannot be written", got=str(error)) from None
    _sync_folder(path.parent)


def read_private(path: Path, *, what: str, hint: str = "") -> bytes:
    """The bytes of a secret file; refused when it is readable by others, a link, or absurdly large."""
    try:
        handle = os.open(path, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0))
    except FileNotFoundError:
        raise Problem(f"there is no {what} here", expected=str(path), got="nothing", hint=hint) from None
    except OSError as error:
        raise Problem(f"the {what} cannot be read", got=str(error)) from None
    with os.fdopen(handle, "rb") as file:
        status = os.fstat(file.fileno())
        if not stat.S_ISREG(status.st_mode):
            raise Problem(f"the {what} is not a plain file", got=str(path))
        if sys.platform != "win32" and status.st_mode & 0o077:
            raise Problem(
                f"others can read the {what}",
                expected="mode 600",
                got=f"mode {stat.S_IMODE(status.st_mode):o}",
                hint=f"Close it first: chmod 600 {path}",
            )
        data = file.read(PRIVATE_FILE_MAX_BYTES + 1)
    if len(data) > PRIVATE_FILE_MAX_BYTES:
        raise Problem(f"the {what} is too large", expected=f"at most {PRIVATE_FILE_MAX_BYTES} bytes", got=str(path))
    return data


def read_document(path: Path, *, what: str, max_bytes: int = PRIVATE_FILE_MAX_BYTES) -> bytes:
    """The bytes of a file that is no secret (a request, a certificate, a proof), bounded."""
    try:
        with path.open("rb") as file:
            data = file.read(max_bytes + 1)
    except OSError as error:
        raise Problem(f"the {what} cannot be read", expected=str(path), got=error.strerror or str(error)) from None
    if len(data) > max_bytes:
        raise Problem(f"the {what} is too large", expected=f"at most {max_bytes} bytes", got=str(path))
    return data


def _sync_folder(folder: Path) -> None:
    """Make a rename durable. Windows has no such call; NTFS journals the rename itself."""
    if sys.platform == "win32":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
