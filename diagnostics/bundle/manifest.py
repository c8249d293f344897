"""The first file of a bundle: what is in it, why, and what is not in it and why not.

    {"schema": 1, "id": "0190…", "created_unix_s": …, "agent_version": "…", "pack_versions": {"bellpull": 3},
     "window": {"from_unix_s": …, "to_unix_s": …},
     "files": [{"path": "logs/syslog.log", "collector": "logs", "why": "…", "source": "/var/log/syslog",
                "bytes": 51234, "sha256": "…", "truncated": true, "redactions": {"ip": 12}, "status": "ok",
                "reason": null, "ms": 40}, …]}

One canonical form of bytes (sorted keys, no blanks, UTF-8), so that one hash of it, the **root**, stands for every
byte of every file. The root is signed above this library; a signature lives in ``signature.json`` and is not listed.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType

from diagnostics.bundle.names import check_name
from diagnostics.bundle.refusal import BundleRefusedError, Refusal
from diagnostics.strict_json import StrictJsonError, decode, encode, load_json

SCHEMA = 1
MANIFEST_PATH = "manifest.json"
SIGNATURE_PATH = "signature.json"
SUMMARY_PATH = "SUMMARY.md"
FINDINGS_PATH = "findings.json"
CHANGES_PATH = "changes.json"
TIMELINE_PATH = "timeline.jsonl"
REDACTION_PATH = "redaction.json"
# In this order behind the manifest: what a technician reads first comes first.
LEADING_PATHS = (SUMMARY_PATH, FINDINGS_PATH, CHANGES_PATH, TIMELINE_PATH, REDACTION_PATH)
# 2 000 entries of 500 bytes each.
MANIFEST_MAX_BYTES = 2 * 1024 * 1024
_ROOT_CONTEXT = b"bellpull bundle root v1\0"
_UUID7 = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")
_SHA256 = re.compile(r"[0-9a-f]{64}")


class FileStatus(StrEnum):
    OK = "ok"
    SKIPPED = "skipped"  # not there, not allowed, not wanted by the customer, or our collector failed: see reason
    TIMEOUT = "timeout"
    WITHHELD = "withheld"  # redaction could not vouch for it


@dataclass(frozen=True, slots=True)
class Window:
    """The time that the evidence covers."""

    from_unix_s: int
    to_unix_s: int


@dataclass(frozen=True, slots=True)
class FileEntry:
    """``bytes`` and ``sha256`` are of the redacted file as it stands in the bundle; absent unless status is ok."""

    path: str
    collector: str
    why: str
    status: FileStatus
    source: str = ""
    bytes: int = 0
    sha256: str | None = None
    truncated: bool = False
    redactions: Mapping[str, int] = field(default_factory=lambda: MappingProxyType({}))
    reason: str | None = None
    ms: int = 0


@dataclass(frozen=True, slots=True)
class Manifest:
    schema: int
    id: str
    created_unix_s: int
    agent_version: str
    pack_versions: Mapping[str, int]
    window: Window
    files: tuple[FileEntry, ...]

    @property
    def present(self) -> tuple[FileEntry, ...]:
        return tuple(entry for entry in self.files if entry.status is FileStatus.OK)


def manifest_bytes(manifest: Manifest) -> bytes:
    """The one canonical form."""
    value = encode(manifest)
    return json.dumps(value, ensure_ascii=False, allow_nan=False, sort_keys=True, separators=(",", ":")).encode()


def bundle_root(manifest: Manifest) -> bytes:
    """32 bytes that stand for the whole bundle: sign these."""
    return hashlib.sha256(_ROOT_CONTEXT + manifest_bytes(manifest)).digest()


def parse_manifest(data: bytes) -> Manifest:
    """Strict: known fields only, canonical bytes only, names and hashes well formed. Raises BundleRefusedError."""
    if len(data) > MANIFEST_MAX_BYTES:
        raise _refuse(f"at most {MANIFEST_MAX_BYTES} bytes", f"{len(data)}")
    try:
        manifest = decode(Manifest, load_json(data))
    except StrictJsonError as error:
        raise _refuse("a manifest of schema 1", str(error)) from error
    if manifest.schema != SCHEMA:
        raise _refuse("schema 1", f"{manifest.schema}")
    if not _UUID7.fullmatch(manifest.id):
        raise _refuse("an id that is a UUID of version 7", repr(manifest.id[:40]))
    for entry in manifest.files:
        _check_entry(entry)
    paths = [entry.path for entry in manifest.files]
    if len({path.casefold() for path in paths}) != len(paths):
        raise _refuse("every path once", "one that comes twice")
    if manifest_bytes(manifest) != data:
        raise _refuse("the canonical form of the JSON", "another order, blanks or escapes")
    return manifest


def _check_entry(entry: FileEntry) -> None:
    check_name(entry.path)
    if entry.path in (MANIFEST_PATH, SIGNATURE_PATH):
        raise _refuse("files beside the manifest and its signature", entry.path)
    ok = entry.status is FileStatus.OK
    if ok != (entry.sha256 is not None and _SHA256.fullmatch(entry.sha256) is not None) or entry.bytes < 0:
        raise _refuse("a hash for each file that is there and for no other", f"{entry.path}: {entry.sha256!r}")


def check_id(bundle_id: str) -> None:
    if not _UUID7.fullmatch(bundle_id):
        raise ValueError(f"expected a UUID of version 7 in lower case, got {bundle_id!r}")


def _refuse(expected: str, got: str) -> BundleRefusedError:
    return BundleRefusedError(
        Refusal.MANIFEST,
        expected=f"in {MANIFEST_PATH} {expected}",
        got=got,
        hint="this was not written by Bellpull, or by a newer one; do not trust what it holds",
    )
