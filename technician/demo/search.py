"""Looking for words where the server could have read them: in bytes, in JSON, inside base64 inside JSON.

A statement travels as base64 in JSON, so raw bytes alone would miss a word in it. `Haystack.look` therefore searches
every piece as it is, what is in it as base64, what is packed by zstd or gzip, and what those hold, four deep; and it
is proven each run to find the words that people do address to the desk.
"""

import base64
import binascii
import json
import re
import sqlite3
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from diagnostics.bundle.zstandard import ZstdDecompressor, ZstdError
from technician.problems import Problem

_DEPTH_MAX: Final = 4
#: A run of base64 worth decoding. Both alphabets; padding is added.
_BASE64: Final = re.compile(rb"[A-Za-z0-9+/_-]{16,}={0,2}")
_ZSTD_MAGIC: Final = b"\x28\xb5\x2f\xfd"
_GZIP_MAGIC: Final = b"\x1f\x8b"
_UNPACKED_MAX_BYTES: Final = 64 << 20
_SQLITE_MAGIC: Final = b"SQLite format 3\x00"


@dataclass
class Haystack:
    """What was searched, and where each word was found."""

    words: tuple[str, ...]
    pieces: int = 0
    size_bytes: int = 0
    found: dict[str, set[str]] = field(default_factory=dict)

    def look(self, where: str, piece: bytes) -> None:
        """Search one piece and everything inside it."""
        self.pieces += 1
        self.size_bytes += len(piece)
        for layer in layers(piece):
            lowered = layer.lower()
            for word in self.words:
                if any(spelling in lowered for spelling in _spellings(word)):
                    self.found.setdefault(word, set()).add(where)

    def look_in_folder(self, folder: Path) -> int:
        """Every file raw, and every cell of every SQLite database. Returns how many files there were."""
        count = 0
        for path in sorted(folder.rglob("*")):
            if path.is_symlink() or not path.is_file():
                continue
            count += 1
            name = str(path.relative_to(folder.parent))
            data = path.read_bytes()
            self.look(name, data)
            if data.startswith(_SQLITE_MAGIC):
                for table, cell in _cells(path):
                    self.look(f"{name}: table {table}", cell)
        return count


def layers(piece: bytes) -> Iterator[bytes]:
    """The piece, and what each run of base64 in it holds, and so on."""
    waiting = [(piece, 0)]
    while waiting:
        layer, depth = waiting.pop()
        yield layer
        if depth < _DEPTH_MAX:
            waiting += [(inner, depth + 1) for inner in (*_decoded(layer), *_unpacked(layer))]


def _decoded(layer: bytes) -> Iterable[bytes]:
    """JSON escapes a slash now and then, and `\\u002b` for a plus: undone before base64 is looked for."""
    for run in _BASE64.findall(layer.replace(b"\\/", b"/")):
        text = run.rstrip(b"=").translate(bytes.maketrans(b"-_", b"+/"))
        text = text[: len(text) - (len(text) % 4 == 1)]
        try:
            inner = base64.b64decode(text + b"=" * (-len(text) % 4))
        except (binascii.Error, ValueError):
            continue
        # Ciphertext decodes too, and holds runs by chance; text that people wrote is mostly printable.
        printable = sum(32 <= byte < 127 for byte in inner[:256]) * 2 > len(inner[:256])
        if printable or inner.startswith((_ZSTD_MAGIC, _GZIP_MAGIC)):
            yield inner


def _unpacked(layer: bytes) -> Iterable[bytes]:
    """A bundle that somebody forgot to seal would look like this."""
    try:
        if layer.startswith(_ZSTD_MAGIC):
            yield ZstdDecompressor().decompress(layer, max_length=_UNPACKED_MAX_BYTES)
        elif layer.startswith(_GZIP_MAGIC):
            yield zlib.decompressobj(wbits=31).decompress(layer, _UNPACKED_MAX_BYTES)
    except (ZstdError, zlib.error):
        return  # begins like one and is none


def _spellings(word: str) -> tuple[bytes, ...]:
    """As UTF-8, as UTF-16, and as JSON writes what is not ASCII."""
    lowered = word.lower()
    escaped = json.dumps(lowered)[1:-1].encode()
    return tuple({lowered.encode(), lowered.encode("utf-16-le"), escaped})


def _cells(path: Path) -> Iterator[tuple[str, bytes]]:
    """Every text and blob of a database that somebody else may be writing."""
    try:
        connection = sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=10)
    except sqlite3.Error as error:
        raise Problem("the server's database cannot be searched", got=str(error)) from None
    try:
        tables = [row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        for table in tables:
            quoted = table.replace('"', '""')
            for row in connection.execute(f'SELECT * FROM "{quoted}"'):  # noqa: S608 - a name out of the database itself
                for cell in row:
                    if isinstance(cell, str):
                        yield table, cell.encode("utf-8", "surrogateescape")
                    elif isinstance(cell, bytes):
                        yield table, cell
    except sqlite3.Error as error:
        raise Problem("the server's database cannot be searched", got=str(error)) from None
    finally:
        connection.close()
