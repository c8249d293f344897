"""``SUMMARY.md``: what a technician reads first, in the order of triage.

Worst and open first, each consequence under its cause, then what changed, then what is missing from the bundle and
why, then where to look. Written from already typed values; it passes the redactor like every other file.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, datetime

from diagnostics.bundle.manifest import FileEntry, FileStatus, Window
from diagnostics.findings import Change, Finding, FindingState

_OPEN_FIRST = {
    FindingState.ACTIVE: 0,
    FindingState.PENDING: 1,
    FindingState.SNOOZED: 2,
    FindingState.IGNORED: 3,
    FindingState.RESOLVED: 4,
    FindingState.EXPIRED: 5,
}
CHANGES_SHOWN = 20
_NOT_PLAIN = re.compile(r"([\\`*_\[\]<>#|~])")


def triage_order(findings: Sequence[Finding]) -> list[Finding]:
    """Open before closed, grave before light, newest first; ties by fingerprint, so that the order is stable."""
    return sorted(
        findings,
        key=lambda item: (
            _OPEN_FIRST[item.state],
            -item.severity.rank,
            -item.last_seen_unix_s,
            item.fingerprint,
        ),
    )


def write_summary(
    *,
    bundle_id: str,
    created_unix_s: int,
    agent_version: str,
    window: Window,
    findings: Sequence[Finding],
    changes: Sequence[Change],
    files: Sequence[FileEntry],
) -> str:
    lines = [
        "# What this bundle says",
        "",
        f"Bundle {bundle_id}, made {_when(created_unix_s)} by agent {plain(agent_version)}; "
        f"evidence from {_when(window.from_unix_s)} to {_when(window.to_unix_s)}.",
        "",
        "## Findings, in the order to look at them",
        "",
    ]
    ordered = triage_order(findings)
    causes = [item for item in ordered if item.explained_by is None or not _is_among(item.explained_by, ordered)]
    lines += [line for cause in causes for line in _finding(cause, ordered, "")] or ["None."]
    lines += ["", "## What changed before", ""]
    recent = sorted(changes, key=lambda change: (-change.at_unix_s, change.what))
    lines += [f"- {_when(change.at_unix_s)} {plain(change.what)}" for change in recent[:CHANGES_SHOWN]] or [
        "Nothing known."
    ]
    if len(recent) > CHANGES_SHOWN:
        lines.append(f"- and {len(recent) - CHANGES_SHOWN} more in changes.json")
    missing = [entry for entry in files if entry.status is not FileStatus.OK]
    lines += ["", "## What is missing, and why", ""]
    lines += [f"- {plain(entry.path)}: {entry.status}, {plain(entry.reason or '')}" for entry in missing] or [
        "Nothing."
    ]
    lines += ["", "## Where to look", ""]
    lines += [
        f"- {plain(entry.path)} ({entry.bytes} bytes{', cut' if entry.truncated else ''}): {plain(entry.why)}"
        for entry in files
        if entry.status is FileStatus.OK
    ]
    return "\n".join([*lines, ""])


def plain(text: str) -> str:
    """One line of text that Markdown leaves alone; no control characters."""
    one_line = "".join(c if c.isprintable() else " " for c in text)
    return _NOT_PLAIN.sub(r"\\\1", one_line)


def _is_among(fingerprint: str, findings: Sequence[Finding]) -> bool:
    return any(item.fingerprint == fingerprint for item in findings)


def _finding(item: Finding, everything: Sequence[Finding], indent: str) -> list[str]:
    lines = [
        f"{indent}- **{item.severity}** {plain(item.code)} on {plain(item.instance)}: {item.state}, "
        f"{item.count} times, {_when(item.first_seen_unix_s)} to {_when(item.last_seen_unix_s)}"
    ]
    lines += [f"{indent}  - seen in {plain(piece.source)} at {plain(piece.locator)}" for piece in item.evidence[:3]]
    if len(indent) < 8:  # causes of causes; a ring in the data ends here too
        for other in everything:
            if other.explained_by == item.fingerprint and other is not item:
                lines += _finding(other, everything, indent + "  ")
    return lines


def _when(unix_s: int) -> str:
    try:
        return datetime.fromtimestamp(unix_s, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
    except (ValueError, OverflowError, OSError):
        return f"unix time {unix_s}"
