"""A tar reader that knows only what our writer writes: ustar, regular files, plain names. Push bytes, get files.

Python's ``tarfile`` understands pax, GNU long names, sparse files, base-256 sizes, links: every one of them has been
a hole somewhere. Here a header has one shape:

    offset 0 name 100 · mode 8 · uid 8 · gid 8 · size 12 (octal) · mtime 12 · checksum 8 · type 1 ('0')
    · link name 100 (empty) · "ustar\\0" "00" · owner 32 · group 32 · major 8 · minor 8 · prefix 155 (empty) · 12 zeros
"""

from __future__ import annotations

import re

from diagnostics.bundle.names import check_name
from diagnostics.bundle.refusal import BundleRefusedError, Refusal

_BLOCK = 512
_OCTAL = re.compile(rb" *[0-7]{1,11}[\0 ]{0,2}")
_TYPES = {
    b"1": "a hard link", b"2": "a symbolic link", b"3": "a character device", b"4": "a block device", b"5": "a folder",
    b"6": "a FIFO", b"7": "a contiguous file", b"S": "a sparse file", b"L": "a GNU long name", b"K": "a GNU long link",
    b"x": "a pax header", b"g": "a global pax header", b"\0": "an old-style file", b"V": "a volume name",
}  # fmt: skip
# tar pads to records of 20 blocks; more zeros than that are a way to keep us busy.
PADDING_MAX_BYTES = 64 * 1024


class TarReader:
    """``feed`` what was unpacked, then ``finish``; `files` is in the order of the archive."""

    def __init__(self, *, entries_max: int, file_max_bytes: int) -> None:
        self.files: dict[str, bytes] = {}
        self._entries_max = entries_max
        self._file_max = file_max_bytes
        self._folded: set[str] = set()
        self._folders: set[str] = set()
        self._buffer = bytearray()
        self._name: str | None = None
        self._wanted = 0
        self._ended = False
        self._padding = 0

    def feed(self, data: bytes) -> None:
        self._buffer += data
        while self._step():
            pass

    def finish(self) -> None:
        if not self._ended or self._name is not None or self._buffer.strip(b"\0"):
            raise _refuse(Refusal.DAMAGED, "an archive with its end mark", "one that was cut short")

    def _step(self) -> bool:
        if self._ended:
            self._padding += len(self._buffer)
            if self._buffer.strip(b"\0") or self._padding > PADDING_MAX_BYTES:
                raise _refuse(Refusal.DAMAGED, "only padding behind the end mark", "something else")
            self._buffer.clear()
            return False
        if self._name is not None:
            padded = self._wanted + -self._wanted % _BLOCK
            if len(self._buffer) < padded:
                return False
            self.files[self._name] = bytes(memoryview(self._buffer)[: self._wanted])
            del self._buffer[:padded]
            self._name = None
            return True
        if len(self._buffer) < _BLOCK:
            return False
        header = bytes(self._buffer[:_BLOCK])
        if not header.strip(b"\0"):
            if len(self._buffer) < 2 * _BLOCK:
                return False
            if self._buffer[_BLOCK : 2 * _BLOCK].strip(b"\0"):
                raise _refuse(Refusal.DAMAGED, "two empty blocks at the end", "one")
            del self._buffer[: 2 * _BLOCK]
            self._ended = True
            return True
        del self._buffer[:_BLOCK]
        self._header(header)
        return True

    def _header(self, header: bytes) -> None:
        if len(self.files) >= self._entries_max:
            raise _refuse(Refusal.TOO_MANY_ENTRIES, f"at most {self._entries_max} files", "more")
        total = sum(header) - sum(header[148:156]) + 8 * 32
        if _octal(header[148:156], "checksum") != total:
            raise _refuse(Refusal.DAMAGED, "a header with the right checksum", "another")
        kind = header[156:157]
        if kind != b"0":
            raise _refuse(Refusal.UNSAFE_ENTRY, "regular files only", _TYPES.get(kind, f"type {kind!r}"))
        if header[257:265] != b"ustar\x0000" or header[345:512].strip(b"\0") or header[157:257].strip(b"\0"):
            raise _refuse(Refusal.UNSAFE_ENTRY, "plain ustar headers without prefix and link name", "another kind")
        name = _text(header[:100])
        check_name(name)
        self._claim(name)
        size = _octal(header[124:136], "size")
        if size > self._file_max:
            raise _refuse(Refusal.TOO_LARGE, f"files of at most {self._file_max} bytes", f"{name} with {size}")
        self._name, self._wanted = name, size

    def _claim(self, name: str) -> None:
        """Each name once, whatever the letter case, and no file where a folder is."""
        folded = name.casefold()
        parts = folded.split("/")
        above = {"/".join(parts[:depth]) for depth in range(1, len(parts))}
        if folded in self._folded or folded in self._folders or above & self._folded:
            raise _refuse(Refusal.DUPLICATE_NAME, "every name once, in any letter case", ascii(name))
        self._folded.add(folded)
        self._folders |= above


def _text(field: bytes) -> str:
    name, _, rest = field.partition(b"\0")
    if rest.strip(b"\0"):
        raise _refuse(Refusal.UNSAFE_NAME, "nothing behind the end of a name", "more bytes")
    return name.decode("latin-1")


def _octal(field: bytes, what: str) -> int:
    if not _OCTAL.fullmatch(field):
        raise _refuse(Refusal.DAMAGED, f"{what} in octal digits", field.hex())
    return int(field.strip(b"\0 ") or b"0", 8)


def _refuse(refusal: Refusal, expected: str, got: str) -> BundleRefusedError:
    return BundleRefusedError(
        refusal, expected=expected, got=got, hint="nothing was unpacked; this was not written by Bellpull"
    )
