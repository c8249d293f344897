"""One file on its way into a bundle: redacted, hashed, and held compressed in memory until the bundle is written.

What cannot go (excluded by name, binary, a name left over, a source that was not there) becomes a line of the manifest
with its reason instead.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from diagnostics.bundle.manifest import FileEntry, FileStatus, Window
from diagnostics.bundle.zstandard import ZstdCompressor, ZstdDecompressor
from diagnostics.collectors.contract import CollectedFile, Personal, Skipped, SkipStatus
from diagnostics.redaction import Redactor, WithheldError
from diagnostics.redaction.gate import is_excluded

# Log tails compress 8–15 times at level 3, at 300 MB/s.
LEVEL = 3
# The maker of summary, findings and the like; every other name is a collector's.
OWN_COLLECTOR = "bundle"


@dataclass(frozen=True, slots=True)
class Heading:
    """What the manifest says of the bundle as a whole."""

    id: str
    created_unix_s: int
    agent_version: str
    pack_versions: Mapping[str, int]
    window: Window


@dataclass(frozen=True, slots=True)
class Part:
    """One redacted file, compressed, with its line of the manifest."""

    entry: FileEntry
    packed: bytes = field(repr=False)
    may_contain: frozenset[Personal]

    def content(self) -> bytes:
        return ZstdDecompressor().decompress(self.packed)


def redacted(file: CollectedFile, redactor: Redactor) -> Part | FileEntry:
    entry = FileEntry(
        path=file.path,
        collector=file.collector,
        why=file.why,
        source=redactor.text(file.source, where=file.path),
        status=FileStatus.OK,
        truncated=file.truncated,
        ms=file.ms,
    )
    if is_excluded(file.source):  # by where it came from; the stream looks at what we call it
        return absent(entry, FileStatus.WITHHELD, "files of this name hold keys or passwords")
    digest, size, packer, packed = hashlib.sha256(), 0, ZstdCompressor(level=LEVEL), []
    try:
        for piece in redactor.stream((file.content,), path=file.path):
            digest.update(piece)
            size += len(piece)
            packed.append(packer.compress(piece))
    except WithheldError as error:
        return absent(entry, FileStatus.WITHHELD, error.detail)
    packed.append(packer.flush())
    ready = replace(entry, bytes=size, sha256=digest.hexdigest(), redactions=redactor.report.of_file(file.path))
    return Part(ready, b"".join(packed), file.may_contain)


def skipped_entry(file: Skipped, redactor: Redactor) -> FileEntry:
    status = FileStatus.TIMEOUT if file.status is SkipStatus.TIMEOUT else FileStatus.SKIPPED
    told = redactor.text(file.reason, where=file.path)
    reason = f"our collector failed: {told}" if file.status is SkipStatus.FAILED else told
    return FileEntry(path=file.path, collector=file.collector, why="", status=status, reason=reason, ms=file.ms)


def absent(entry: FileEntry, status: FileStatus, reason: str) -> FileEntry:
    return replace(entry, status=status, reason=reason, bytes=0, sha256=None, redactions={})
