"""A plan becomes a file: ``tar → zstd → age``, in one stream.

    age -d -i key.txt bundle.tar.zst.age | zstd -d | tar -x        opens it without Bellpull

Plaintext exists only in this process's memory and in the pipe between the three. On disk there is ciphertext, in a
file that has no name until it is complete (``O_TMPFILE``), or, where the system has no such thing, in a folder 0700
that is removed whatever happens. A process killed at any point leaves no readable byte and, on Linux, no file at all.

A plain bundle (``recipients=None``) is what a customer asks for to look at it; the same holds for its nameless file.
"""

from __future__ import annotations

import contextlib
import hashlib
import io
import os
import shutil
import sys
import tarfile
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from diagnostics.bundle.encrypt import Writer, check_recipients, encrypt_stream
from diagnostics.bundle.manifest import MANIFEST_PATH, SIGNATURE_PATH, bundle_root, manifest_bytes
from diagnostics.bundle.parts import LEVEL, Part
from diagnostics.bundle.plan import Plan
from diagnostics.bundle.refusal import BundleRefusedError, Refusal
from diagnostics.bundle.zstandard import CompressionParameter, ZstdCompressor

Sign = Callable[[bytes], bytes]
# A signature is one signed envelope with its certificates.
SIGNATURE_MAX_BYTES = 256 * 1024
_BLOCK_BYTES = 512


@dataclass(frozen=True, slots=True)
class BundleSummary:
    """What was written. ``sha256`` is of the finished file, ``root`` of its content."""

    bytes: int
    files: int
    redactions: Mapping[str, int]
    sha256: str
    sealed: bool
    root: str


def write_bundle(
    plan: Plan, out: Path | BinaryIO, *, recipients: Sequence[str] | None, sign: Sign | None = None
) -> BundleSummary:
    """Write ``plan`` sealed to ``recipients`` (or plain for None). A path must not exist yet; it appears complete or
    not at all. ``sign`` gets the 32 bytes of the root and returns what ``signature.json`` shall hold."""
    if recipients is not None:
        check_recipients(recipients)
    parts = plan.all_parts()
    manifest = plan.manifest(parts)
    root = bundle_root(manifest)
    signature = sign(root) if sign is not None else None
    if signature is not None and len(signature) > SIGNATURE_MAX_BYTES:
        raise ValueError(f"expected a signature of at most {SIGNATURE_MAX_BYTES} bytes, got {len(signature)}")
    stream = _stream(manifest_bytes(manifest), signature, parts, mtime=plan.heading.created_unix_s)

    def pour(target: Writer) -> _Counted:
        counted = _Counted(target)
        if recipients is None:
            for piece in stream:
                counted.write(piece)
        else:
            encrypt_stream(_Pulled(stream), counted, recipients)
        counted.flush()
        return counted

    counted = _to_path(out, pour) if isinstance(out, Path) else pour(out)
    return BundleSummary(
        bytes=counted.bytes,
        files=len(manifest.present),
        redactions=plan.preview().redactions,
        sha256=counted.digest.hexdigest(),
        sealed=recipients is not None,
        root=root.hex(),
    )


def _stream(manifest: bytes, signature: bytes | None, parts: Sequence[Part], *, mtime: int) -> Iterator[bytes]:
    # checksum: damage in a plain bundle is noticed by every zstd.
    packer = ZstdCompressor(
        options={CompressionParameter.compression_level: LEVEL, CompressionParameter.checksum_flag: 1}
    )
    for piece in _tar(manifest, signature, parts, mtime):
        packed = packer.compress(piece)
        if packed:
            yield packed
    yield packer.flush()


def _tar(manifest: bytes, signature: bytes | None, parts: Sequence[Part], mtime: int) -> Iterator[bytes]:
    """ustar, regular files only, no owner, no links: what the reader accepts and nothing else."""
    written = 0
    for piece in _members(manifest, signature, parts, mtime):
        written += len(piece)
        yield piece
    yield bytes(2 * _BLOCK_BYTES)
    # tar reads in records of twenty blocks and complains of a short last one.
    yield bytes(-(written + 2 * _BLOCK_BYTES) % tarfile.RECORDSIZE)


def _members(manifest: bytes, signature: bytes | None, parts: Sequence[Part], mtime: int) -> Iterator[bytes]:
    yield from _member(MANIFEST_PATH, manifest, mtime)
    if signature is not None:
        yield from _member(SIGNATURE_PATH, signature, mtime)
    for part in parts:
        yield from _member(part.entry.path, part.content(), mtime)


def _member(path: str, content: bytes, mtime: int) -> Iterator[bytes]:
    info = tarfile.TarInfo(path)
    info.size, info.mtime, info.mode = len(content), max(0, mtime), 0o600
    yield info.tobuf(tarfile.USTAR_FORMAT, "ascii", "strict")
    yield content
    yield bytes(-len(content) % _BLOCK_BYTES)


class _Pulled(io.RawIOBase):
    """An iterator of bytes, read as a file."""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        self._pieces = pieces
        self._rest = b""

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1, /) -> bytes:
        while not self._rest:
            piece = next(self._pieces, None)
            if piece is None:
                return b""
            self._rest = piece
        taken, self._rest = (self._rest, b"") if size < 0 else (self._rest[:size], self._rest[size:])
        return taken


class _Counted:
    def __init__(self, target: Writer) -> None:
        self._target = target
        self.bytes = 0
        self.digest = hashlib.sha256()

    def write(self, data: bytes, /) -> int:
        self._target.write(data)
        self.bytes += len(data)
        self.digest.update(data)
        return len(data)

    def flush(self) -> None:
        self._target.flush()


def _to_path(path: Path, pour: Callable[[Writer], _Counted]) -> _Counted:
    if os.path.lexists(path):
        raise _taken(path)
    nameless = _nameless(path.parent)
    if nameless is not None:
        with nameless:
            counted = pour(nameless)
            os.fsync(nameless.fileno())
            # With a folder handle Python calls linkat(AT_SYMLINK_FOLLOW); without one it would link the link itself.
            folder_handle = os.open(path.parent, os.O_RDONLY | getattr(os, "O_DIRECTORY", 0))
            try:
                os.link(f"/proc/self/fd/{nameless.fileno()}", path.name, dst_dir_fd=folder_handle)
                os.fsync(folder_handle)
            except FileExistsError:
                raise _taken(path) from None
            finally:
                os.close(folder_handle)
        return counted
    folder = tempfile.mkdtemp(prefix=".bellpull-", dir=path.parent)  # 0700
    try:
        part = os.path.join(folder, "bundle")
        handle = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), 0o600)
        with os.fdopen(handle, "wb") as file:
            counted = pour(file)
            file.flush()
            os.fsync(file.fileno())
        if os.path.lexists(path):
            raise _taken(path)
        os.rename(part, path)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return counted


def _nameless(folder: Path) -> BinaryIO | None:
    """A file without a name in ``folder``; None where the system or the file system has no such thing."""
    if sys.platform != "linux" or not os.path.isdir("/proc/self/fd"):
        return None
    with contextlib.suppress(OSError):  # EOPNOTSUPP, EISDIR, ENOENT: old kernels, some network file systems
        handle = os.open(folder, os.O_TMPFILE | os.O_RDWR | os.O_CLOEXEC, 0o600)
        return os.fdopen(handle, "wb")
    return None


def _taken(path: Path) -> BundleRefusedError:
    return BundleRefusedError(
        Refusal.OUTPUT,
        expected="a path where nothing is yet",
        got=str(path),
        hint="choose another name, or move that file away",
    )
