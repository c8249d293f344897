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

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from diagnostics.bundle.leading import Contents, lead
from diagnostics.bundle.manifest import LEADING_PATHS, SCHEMA, FileEntry, FileStatus, Manifest, check_id
from diagnostics.bundle.names import check_name, place_of
from diagnostics.bundle.parts import OWN_COLLECTOR, Heading, Part, absent, redacted, skipped_entry
from diagnostics.collectors.contract import CollectedFile, Personal, Skipped
from diagnostics.findings import Change, Finding
from diagnostics.redaction import Redactor

# What mail and slow links still carry; a bundle over it is shown as such, and evidence that comes later is left out.
SOFT_CAP_BYTES = 25 * 1024 * 1024


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
                left.append(absent(part.entry, FileStatus.SKIPPED, "left out by the customer"))
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
            missing.append(skipped_entry(file, redactor))
            continue
        made = redacted(file, redactor)
        if isinstance(made, FileEntry):
            missing.append(made)
        elif packed + len(made.packed) > soft_cap_bytes:
            reason = f"the bundle has reached its soft cap of {soft_cap_bytes // (1024 * 1024)} MiB"
            missing.append(absent(made.entry, FileStatus.SKIPPED, reason))
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
