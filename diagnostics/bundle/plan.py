"""Everything that will be in a bundle, redacted and weighed, before anything is written: what a customer is shown.

    plan = plan_bundle(files, …)            each file redacted, or withheld, or skipped with its reason
    plan.preview()                          tree, sizes, redactions by kind
    plan.without(categories=["logs"])       the customer unticks; a new plan
    write_bundle(plan, out, recipients=…)   see `write`

Redacted files wait in memory, each compressed by itself, never on disk: a temporary file would have to be found and
removed after a crash or a power cut, memory is simply gone. The price is bounded: the soft cap counts what waits
here, and a file that no longer fits is recorded as skipped.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from diagnostics.bundle.manifest import (
    CHANGES_PATH,
    FINDINGS_PATH,
    LEADING_PATHS,
    REDACTION_PATH,
    SCHEMA,
    SUMMARY_PATH,
    TIMELINE_PATH,
    FileEntry,
    FileStatus,
    Manifest,
    Window,
    check_id,
)
from diagnostics.bundle.names import check_name, place_of
from diagnostics.bundle.summary import triage_order, write_summary
from diagnostics.bundle.zstandard import ZstdCompressor, ZstdDecompressor
from diagnostics.collectors.contract import CollectedFile, Personal, Skipped, SkipStatus
from diagnostics.findings import Change, Finding
from diagnostics.redaction import Redactor, WithheldError
from diagnostics.redaction.gate import is_excluded
from diagnostics.strict_json import dump_json, encode

# What mail and slow links still carry; a bundle over it is shown as such, and evidence that comes later is left out.
SOFT_CAP_BYTES = 25 * 1024 * 1024
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


@dataclass(frozen=True, slots=True)
class PreviewFile:
    path: str
    category: str
    why: str
    bytes: int
    status: FileStatus
    reason: str | None
    redactions: Mapping[str, int]
    may_contain: tuple[str, ...]
    can_untick: bool


@dataclass(frozen=True, slots=True)
class Preview:
    """What a person decides on. ``estimated_bytes`` is an upper bound of the finished bundle, 1 % aside."""

    files: tuple[PreviewFile, ...]
    bytes: int
    estimated_bytes: int
    over_soft_cap: bool
    redactions: Mapping[str, int]

    @property
    def categories(self) -> Mapping[str, int]:
        """Bytes by category, in the order of the tree."""
        sizes: dict[str, int] = {}
        for file in self.files:
            sizes[file.category] = sizes.get(file.category, 0) + file.bytes
        return sizes


@dataclass(frozen=True, slots=True)
class Plan:
    heading: Heading
    parts: tuple[Part, ...]
    missing: tuple[FileEntry, ...]
    findings: tuple[Finding, ...]
    changes: tuple[Change, ...]
    redactor: Redactor = field(repr=False, compare=False)
    leading: tuple[Part, ...]

    def without(self, *, paths: Collection[str] = (), categories: Collection[str] = ()) -> Plan:
        """The same plan less what the customer unticked. The leading files describe the rest and stay."""
        known = {part.entry.path for part in self.parts} | {entry.path for entry in self.missing}
        unknown = sorted(set(paths) - known) + sorted(set(categories) - {place_of(path) for path in known})
        if unknown:
            raise ValueError(f"expected paths or categories of this plan, got {unknown[0]!r}; see preview()")
        kept: list[Part] = []
        left: list[FileEntry] = []
        for part in self.parts:
            if part.entry.path in paths or place_of(part.entry.path) in categories:
                left.append(_absent(part.entry, FileStatus.SKIPPED, "left out by the customer"))
            else:
                kept.append(part)
        contents = Contents(self.heading, tuple(kept), (*self.missing, *left), self.findings, self.changes)
        return _plan(contents, self.redactor)

    def content(self, path: str) -> bytes:
        """What exactly would be sent of one file."""
        for part in (*self.leading, *self.parts):
            if part.entry.path == path:
                return part.content()
        raise KeyError(path)

    def all_parts(self) -> tuple[Part, ...]:
        """Every file of the bundle behind the manifest, in its order there."""
        return (*self.leading, *self.parts)

    def manifest(self, parts: Sequence[Part]) -> Manifest:
        heading = self.heading
        return Manifest(
            schema=SCHEMA,
            id=heading.id,
            created_unix_s=heading.created_unix_s,
            agent_version=heading.agent_version,
            pack_versions=dict(heading.pack_versions),
            window=heading.window,
            files=(*(part.entry for part in parts), *self.missing),
        )

    def preview(self) -> Preview:
        parts = self.all_parts()
        shown = [_shown(part.entry, part.may_contain) for part in parts]
        shown += [_shown(entry, frozenset()) for entry in self.missing]
        packed = sum(len(part.packed) for part in parts)
        totals: dict[str, int] = {}
        for part in parts:
            for kind, count in part.entry.redactions.items():
                totals[kind] = totals.get(kind, 0) + count
        return Preview(
            files=tuple(shown),
            bytes=sum(part.entry.bytes for part in parts),
            estimated_bytes=packed,
            over_soft_cap=packed > SOFT_CAP_BYTES,
            redactions=dict(sorted(totals.items())),
        )


@dataclass(frozen=True, slots=True)
class Contents:
    """What the leading files are written from."""

    heading: Heading
    parts: tuple[Part, ...]
    missing: tuple[FileEntry, ...]
    findings: tuple[Finding, ...]
    changes: tuple[Change, ...]


def lead(contents: Contents, redactor: Redactor) -> tuple[Part, ...]:
    """Summary, findings, changes, timeline, redaction."""
    texts = {
        FINDINGS_PATH: _lines([item.to_value() for item in triage_order(contents.findings)]),
        CHANGES_PATH: _lines([encode(change) for change in contents.changes]),
        TIMELINE_PATH: "".join(dump_json(event) + "\n" for event in timeline(contents.findings, contents.changes)),
        SUMMARY_PATH: write_summary(
            bundle_id=contents.heading.id,
            created_unix_s=contents.heading.created_unix_s,
            agent_version=contents.heading.agent_version,
            window=contents.heading.window,
            findings=contents.findings,
            changes=contents.changes,
            files=(*(part.entry for part in contents.parts), *contents.missing),
        ),
    }
    made = {path: _own(path, text, redactor) for path, text in texts.items()}
    withheld = [entry for entry in contents.missing if entry.status is FileStatus.WITHHELD]
    counts = {
        "by_file": {part.entry.path: part.entry.redactions for part in (*made.values(), *contents.parts)},
        "withheld": [{"path": entry.path, "reason": entry.reason} for entry in withheld],
    }
    made[REDACTION_PATH] = _counts(_lines(counts).encode(), redactor)
    return tuple(made[path] for path in LEADING_PATHS)


_OWN_WHYS = {
    SUMMARY_PATH: "what to look at first",
    FINDINGS_PATH: "every finding with its evidence",
    CHANGES_PATH: "what changed on the machine",
    TIMELINE_PATH: "findings and changes in order of time",
    REDACTION_PATH: "what was taken out, counted",
}


def _counts(content: bytes, redactor: Redactor) -> Part:
    """``"password": 3`` is a number of passwords here, not one: looked over for names, not rewritten."""
    redactor.check(content, path=REDACTION_PATH)
    entry = FileEntry(
        path=REDACTION_PATH,
        collector=OWN_COLLECTOR,
        why=_OWN_WHYS[REDACTION_PATH],
        status=FileStatus.OK,
        bytes=len(content),
        sha256=hashlib.sha256(content).hexdigest(),
    )
    packer = ZstdCompressor(level=LEVEL)
    return Part(entry, packer.compress(content) + packer.flush(), frozenset())


def _own(path: str, text: str, redactor: Redactor) -> Part:
    source = CollectedFile(
        path=path,
        content=text.encode(),
        why=_OWN_WHYS[path],
        collector=OWN_COLLECTOR,
        source="",
        truncated=False,
        may_contain=frozenset(),
        ms=0,
    )
    made = _redacted(source, redactor)
    if isinstance(made, Part):
        return made
    # A finding may hold a name that redaction could not remove; then only that is said.
    told = _redacted(replace(source, content=f"withheld: {made.reason}\n".encode()), redactor)
    if isinstance(told, Part):
        return told
    raise OwnWordsWithheldError(path)


class OwnWordsWithheldError(Exception):
    """A canary or name equals a word of this program; nothing can be written without it."""


def plan_bundle(
    files: Iterable[CollectedFile | Skipped],
    *,
    heading: Heading,
    findings: Sequence[Finding],
    changes: Sequence[Change],
    redactor: Redactor,
    soft_cap_bytes: int = SOFT_CAP_BYTES,
) -> Plan:
    """Redact and weigh ``files`` one by one; a file's raw bytes are let go before the next is asked for."""
    check_id(heading.id)
    parts: list[Part] = []
    missing: list[FileEntry] = []
    seen: set[str] = set(LEADING_PATHS)
    packed = 0
    for file in files:
        check_name(file.path)
        if file.path.casefold() in seen or "/" not in file.path:
            raise ValueError(f"expected each file once and in a folder, got {file.path!r}; name it in its collector")
        seen.add(file.path.casefold())
        if isinstance(file, Skipped):
            missing.append(_skipped(file, redactor))
            continue
        made = _redacted(file, redactor)
        if isinstance(made, FileEntry):
            missing.append(made)
        elif packed + len(made.packed) > soft_cap_bytes:
            reason = f"the bundle has reached its soft cap of {soft_cap_bytes // (1024 * 1024)} MiB"
            missing.append(_absent(made.entry, FileStatus.SKIPPED, reason))
        else:
            packed += len(made.packed)
            parts.append(made)
    return _plan(Contents(heading, tuple(parts), tuple(missing), tuple(findings), tuple(changes)), redactor)


def _plan(contents: Contents, redactor: Redactor) -> Plan:
    return Plan(
        heading=contents.heading,
        parts=contents.parts,
        missing=contents.missing,
        findings=contents.findings,
        changes=contents.changes,
        redactor=redactor,
        leading=lead(contents, redactor),
    )


def timeline(findings: Sequence[Finding], changes: Sequence[Change]) -> list[dict[str, object]]:
    """One event a line, oldest first: {"at_unix_s", "event", "what"}."""
    events: list[tuple[int, str, str]] = []
    for item in findings:
        events.append((item.first_seen_unix_s, "first-seen", item.fingerprint))
        events.append((item.last_seen_unix_s, f"last-seen-{item.state}", item.fingerprint))
    events += [(change.at_unix_s, "change", change.what) for change in changes]
    return [{"at_unix_s": at, "event": event, "what": what} for at, event, what in sorted(events)]


def _redacted(file: CollectedFile, redactor: Redactor) -> Part | FileEntry:
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
        return _absent(entry, FileStatus.WITHHELD, "files of this name hold keys or passwords")
    digest, size, packer, packed = hashlib.sha256(), 0, ZstdCompressor(level=LEVEL), []
    try:
        for piece in redactor.stream((file.content,), path=file.path):
            digest.update(piece)
            size += len(piece)
            packed.append(packer.compress(piece))
    except WithheldError as error:
        return _absent(entry, FileStatus.WITHHELD, error.detail)
    packed.append(packer.flush())
    ready = replace(entry, bytes=size, sha256=digest.hexdigest(), redactions=redactor.report.of_file(file.path))
    return Part(ready, b"".join(packed), file.may_contain)


def _skipped(file: Skipped, redactor: Redactor) -> FileEntry:
    status = FileStatus.TIMEOUT if file.status is SkipStatus.TIMEOUT else FileStatus.SKIPPED
    told = redactor.text(file.reason, where=file.path)
    reason = f"our collector failed: {told}" if file.status is SkipStatus.FAILED else told
    return FileEntry(path=file.path, collector=file.collector, why="", status=status, reason=reason, ms=file.ms)


def _absent(entry: FileEntry, status: FileStatus, reason: str) -> FileEntry:
    return replace(entry, status=status, reason=reason, bytes=0, sha256=None, redactions={})


def _shown(entry: FileEntry, may_contain: frozenset[Personal]) -> PreviewFile:
    own = entry.collector == OWN_COLLECTOR
    return PreviewFile(
        path=entry.path,
        category=place_of(entry.path),
        why=entry.why,
        bytes=entry.bytes,
        status=entry.status,
        reason=entry.reason,
        redactions=entry.redactions,
        may_contain=tuple(sorted(may_contain)),
        can_untick=not own and entry.status is FileStatus.OK,
    )


def _lines(value: object) -> str:
    """Indented, so that a person can read it, and so that no line grows with the number of findings."""
    return json.dumps(encode(value), ensure_ascii=False, allow_nan=False, indent=1) + "\n"
