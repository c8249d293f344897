"""The files that describe the others: summary, findings, changes, timeline, and what redaction took out.

Written anew from what is in the plan, so that they never speak of a file the customer has unticked.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, replace

from diagnostics.bundle.manifest import (
    CHANGES_PATH,
    FINDINGS_PATH,
    LEADING_PATHS,
    REDACTION_PATH,
    SUMMARY_PATH,
    TIMELINE_PATH,
    FileEntry,
    FileStatus,
)
from diagnostics.bundle.parts import LEVEL, OWN_COLLECTOR, Heading, Part, redacted
from diagnostics.bundle.summary import triage_order, write_summary
from diagnostics.bundle.zstandard import ZstdCompressor
from diagnostics.collectors.contract import CollectedFile
from diagnostics.findings import Change, Finding
from diagnostics.redaction import Redactor
from diagnostics.strict_json import dump_json, encode


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
    made = redacted(source, redactor)
    if isinstance(made, Part):
        return made
    # A finding may hold a name that redaction could not remove; then only that is said.
    told = redacted(replace(source, content=f"withheld: {made.reason}\n".encode()), redactor)
    if isinstance(told, Part):
        return told
    raise OwnWordsWithheldError(path)


def timeline(findings: Sequence[Finding], changes: Sequence[Change]) -> list[dict[str, object]]:
    """One event a line, oldest first: {"at_unix_s", "event", "what"}."""
    events: list[tuple[int, str, str]] = []
    for item in findings:
        events.append((item.first_seen_unix_s, "first-seen", item.fingerprint))
        events.append((item.last_seen_unix_s, f"last-seen-{item.state}", item.fingerprint))
    events += [(change.at_unix_s, "change", change.what) for change in changes]
    return [{"at_unix_s": at, "event": event, "what": what} for at, event, what in sorted(events)]


class OwnWordsWithheldError(Exception):
    """A canary or name equals a word of this program; nothing can be written without it."""


def _lines(value: object) -> str:
    """Indented, so that a person can read it, and so that no line grows with the number of findings."""
    return json.dumps(encode(value), ensure_ascii=False, allow_nan=False, indent=1) + "\n"
