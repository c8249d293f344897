"""Sealed bytes on disk: `ID.part` while it grows, `ID.age` once its hash was right. Every write is flushed.

Ids are UUIDs by the time they come here, so that a name never leaves the directory. Blocking: call in a thread.
"""

import hashlib
import os
from pathlib import Path

_BLOCK_BYTES = 1 << 20


class BundleFiles:
    def __init__(self, directory: Path) -> None:
        self.directory = directory

    def part(self, upload: str) -> Path:
        return self.directory / f"{upload}.part"

    def whole(self, upload: str) -> Path:
        return self.directory / f"{upload}.age"

    def write_at(self, upload: str, offset_bytes: int, chunk: bytes) -> None:
        """Append `chunk` at `offset_bytes`; what a crash left beyond it is cut off first."""
        flags = os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_CLOEXEC", 0)
        with os.fdopen(os.open(self.part(upload), flags, 0o600), "r+b") as file:
            if os.fstat(file.fileno()).st_size < offset_bytes:
                raise OSError(f"bundle {upload} lost bytes that were stored before")
            file.truncate(offset_bytes)
            file.seek(offset_bytes)
            file.write(chunk)
            file.flush()
            os.fsync(file.fileno())
        if offset_bytes == 0:
            self._sync_directory()

    def head(self, upload: str, count: int) -> bytes:
        with self.part(upload).open("rb") as file:
            return file.read(count)

    def digest(self, upload: str) -> bytes:
        path = self.part(upload) if self.part(upload).exists() else self.whole(upload)
        hashed = hashlib.sha256()
        with path.open("rb") as file:
            while block := file.read(_BLOCK_BYTES):
                hashed.update(block)
        return hashed.digest()

    def finish(self, upload: str) -> None:
        """Give the file its final name. Done before, it stays done."""
        if self.part(upload).exists():
            self.part(upload).replace(self.whole(upload))
            self._sync_directory()

    def discard(self, upload: str) -> None:
        self.part(upload).unlink(missing_ok=True)

    def _sync_directory(self) -> None:
        if os.name == "nt":  # directories cannot be opened there; NTFS journals names itself
            return
        handle = os.open(self.directory, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
