"""Opening a bundle that a stranger may have made: never on disk, never more than promised, never half.

    age (64 KiB, authenticated) → zstd (window ≤ 8 MiB, at most 1 MiB out at a time) → tar (ours alone) → memory

Every step is pushed: bytes that were refused once are not looked at again. Only what our own writer writes is
accepted: regular files of ustar with plain names, the manifest first, every other file named in it with its size and
hash. Whatever differs is refused as a whole with a `BundleRefusedError`; there is no best effort.

What is handed out is still the words of a stranger: show it with `visible`, never raw.
"""

from __future__ import annotations

import hashlib
import io
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import BinaryIO

from diagnostics.bundle.encrypt import AGE_MAGIC, Reader, decrypt_stream
from diagnostics.bundle.manifest import (
    MANIFEST_PATH,
    SIGNATURE_PATH,
    Manifest,
    bundle_root,
    parse_manifest,
)
from diagnostics.bundle.refusal import BundleRefusedError, Refusal
from diagnostics.bundle.untar import TarReader
from diagnostics.bundle.zstandard import DecompressionParameter, ZstdDecompressor, ZstdError

_ZSTD_MAGIC = b"\x28\xb5\x2f\xfd"
_READ_BYTES = 64 * 1024
_PIECE_BYTES = 1024 * 1024


@dataclass(frozen=True, slots=True)
class ReadLimits:
    """What one bundle may cost to open. Memory stays under ``content_bytes`` + window + some megabytes."""

    entries: int = 2_000
    file_bytes: int = 32 * 1024 * 1024
    content_bytes: int = 256 * 1024 * 1024
    stream_bytes: int = 64 * 1024 * 1024  # the soft cap is 25 MiB
    # One repeated log line compresses 10 000 times and is no attack, so the ratio counts from here on only.
    ratio: int = 200
    ratio_from_bytes: int = 48 * 1024 * 1024
    window_log: int = 23  # 8 MiB: every level up to 19


DEFAULT_LIMITS = ReadLimits()


@dataclass(frozen=True, slots=True)
class OpenedBundle:
    """``signature`` is as it came: who made it, and whether it holds, is for the programs above to say."""

    manifest: Manifest
    files: Mapping[str, bytes] = field(repr=False)
    signature: bytes | None
    sealed: bool

    @property
    def root(self) -> bytes:
        return bundle_root(self.manifest)

    def shown(self, path: str) -> str:
        """One file as text that is safe to put on a terminal or into a page (which escapes its markup)."""
        return visible(self.files[path].decode("utf-8", "replace"))


def read_bundle(stream: BinaryIO, identity: str | None, limits: ReadLimits = DEFAULT_LIMITS) -> OpenedBundle:
    """Open a sealed bundle with ``identity``, or a plain one with None. Raises BundleRefusedError."""
    source = _Limited(stream, limits.stream_bytes)
    head = source.peek(len(AGE_MAGIC))
    sealed = head.startswith(AGE_MAGIC)
    unpacker = _Unpacker(limits)
    if sealed:
        if identity is None:
            raise BundleRefusedError(
                Refusal.SEALED,
                expected="a key to open a sealed bundle",
                got="none",
                hint="name the identity file it was sealed to",
            )
        decrypt_stream(source, unpacker, identity)
    elif head.startswith(_ZSTD_MAGIC):
        while piece := source.read(_READ_BYTES):
            unpacker.write(piece)
    else:
        raise BundleRefusedError(
            Refusal.NOT_A_BUNDLE,
            expected="an age or zstd file",
            got=f"one that begins with {head[:8].hex() or 'nothing'}",
            hint="a bundle is named …tar.zst.age or …tar.zst",
        )
    unpacker.finish()
    return _checked(unpacker.tar.files, sealed=sealed)


class _Limited:
    """Reads at most ``limit`` bytes of a stream that may not end."""

    def __init__(self, stream: Reader, limit: int) -> None:
        self._stream = stream
        self._limit = limit
        self._count = 0
        self._head = b""

    def peek(self, size: int) -> bytes:
        while len(self._head) < size:
            piece = self._stream.read(size - len(self._head))
            if not piece:
                break
            self._head += piece
        return self._head

    def read(self, size: int = -1, /) -> bytes:
        if self._head:
            size = len(self._head) if size < 0 else size
            piece, self._head = self._head[:size], self._head[size:]
        else:
            piece = self._stream.read(min(size, _READ_BYTES) if size >= 0 else _READ_BYTES)
        self._count += len(piece)
        if self._count > self._limit:
            raise BundleRefusedError(
                Refusal.TOO_LARGE,
                expected=f"a bundle of at most {self._limit} bytes",
                got="more",
                hint="bundles are capped at 25 MiB; this was made by something else",
            )
        return piece


class _Unpacker:
    """zstd and tar behind the ``write`` of a file. After one refusal it takes nothing more."""

    def __init__(self, limits: ReadLimits) -> None:
        self._limits = limits
        self._zstd = ZstdDecompressor(options={DecompressionParameter.window_log_max: limits.window_log})
        self._packed = 0
        self._unpacked = 0
        self._refused: BundleRefusedError | None = None
        self.tar = TarReader(entries_max=limits.entries, file_max_bytes=limits.file_bytes)

    def write(self, data: bytes, /) -> int:
        if self._refused is not None:
            raise self._refused
        try:
            self._take(data)
        except BundleRefusedError as error:
            self._refused = error
            raise
        return len(data)

    def flush(self) -> None:
        """Part of a file's protocol; nothing waits here."""

    def _take(self, data: bytes) -> None:
        self._packed += len(data)
        while True:
            if self._zstd.eof:
                if data or self._zstd.unused_data:
                    raise _damaged("nothing behind the end of the compressed part", "more bytes")
                return
            try:
                piece = self._zstd.decompress(data, max_length=_PIECE_BYTES)
            except ZstdError as error:
                raise _damaged("a zstd frame with a window of at most 8 MiB", str(error)) from error
            data = b""
            self._unpacked += len(piece)
            self._weigh()
            self.tar.feed(piece)
            if self._zstd.eof:
                continue
            if self._zstd.needs_input:
                return

    def _weigh(self) -> None:
        limits = self._limits
        if self._unpacked > limits.content_bytes:
            raise _bomb(f"at most {limits.content_bytes} bytes unpacked", "more")
        if self._unpacked > limits.ratio_from_bytes and self._unpacked > limits.ratio * self._packed:
            raise _bomb(
                f"at most {limits.ratio} times what is packed", f"{self._unpacked // max(1, self._packed)} times"
            )

    def finish(self) -> None:
        if self._refused is not None:
            raise self._refused
        if not self._zstd.eof:
            raise _damaged("the end of the compressed part", "the end of the file before it")
        self.tar.finish()


def _checked(files: dict[str, bytes], *, sealed: bool) -> OpenedBundle:
    """Content against manifest, both ways."""
    names = list(files)
    if not names or names[0] != MANIFEST_PATH:
        raise BundleRefusedError(
            Refusal.MANIFEST,
            expected=f"{MANIFEST_PATH} as the first file",
            got=names[0] if names else "no file",
            hint="this was not written by Bellpull",
        )
    manifest = parse_manifest(files.pop(MANIFEST_PATH))
    signature = files.pop(SIGNATURE_PATH, None)
    listed = {entry.path: entry for entry in manifest.present}
    for path in sorted(set(listed) ^ set(files)):
        raise _differs("the files that the manifest lists", f"{path}, {'missing' if path in listed else 'not listed'}")
    for path, entry in listed.items():
        content = files[path]
        if len(content) != entry.bytes or hashlib.sha256(content).hexdigest() != entry.sha256:
            raise _differs(f"{path} as the manifest describes it", "other content")
    return OpenedBundle(manifest=manifest, files=files, signature=signature, sealed=sealed)


def read_bundle_bytes(data: bytes, identity: str | None, limits: ReadLimits = DEFAULT_LIMITS) -> OpenedBundle:
    return read_bundle(io.BytesIO(data), identity, limits)


# Kept as they are; every other control, format and private character is written out.
_KEPT_CONTROLS = "\n\t"


def visible(text: str) -> str:
    """``\\x1b[31m`` for an escape, ``\\u202e`` for a bidi override: nothing moves a cursor or turns a line around."""
    if text.isprintable():
        return text
    return "".join(
        c
        if c in _KEPT_CONTROLS or unicodedata.category(c) not in ("Cc", "Cf", "Co", "Cs", "Cn", "Zl", "Zp")
        else _escaped(c)
        for c in text
    )


def _escaped(character: str) -> str:
    code = ord(character)
    return f"\\x{code:02x}" if code < 256 else f"\\u{code:04x}" if code < 65536 else f"\\U{code:08x}"


def _damaged(expected: str, got: str) -> BundleRefusedError:
    return BundleRefusedError(Refusal.DAMAGED, expected=expected, got=got, hint="fetch it again, then ask who made it")


def _bomb(expected: str, got: str) -> BundleRefusedError:
    return BundleRefusedError(
        Refusal.BOMB, expected=expected, got=got, hint="do not unpack this with other tools; report where it came from"
    )


def _differs(expected: str, got: str) -> BundleRefusedError:
    return BundleRefusedError(
        Refusal.CONTENT_DIFFERS, expected=expected, got=got, hint="it was changed after it was made; ask for a new one"
    )
