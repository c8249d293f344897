"""What stands in an opened bundle, as values for a page: findings, events in order of time, lines that hold some words.

Everything in a bundle is foreign: what does not parse is left out here and stays readable as a file.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlencode

from diagnostics.bundle.manifest import FINDINGS_PATH, TIMELINE_PATH
from diagnostics.checks.catalogue import explain
from diagnostics.findings import Finding
from diagnostics.strict_json import StrictJsonError, load_json
from diagnostics.wording import Language
from technician.bundles import JudgedBundle
from technician.workbench.log_errors import log_errors

HITS_MAX: Final = 200
EVENTS_MAX: Final = 1000
LINE_MAX_CHARS: Final = 400
#: Beyond it no calendar goes.
_YEAR_9999: Final = 253_402_300_799


@dataclass(frozen=True)
class TriagedFinding:
    finding: Finding
    title: str
    text: str


@dataclass(frozen=True)
class TimelineEvent:
    """For ui.timeline."""

    at: int
    title: str
    text: str
    tone: str
    icon: str
    who: str = ""
    href: str = ""


@dataclass(frozen=True)
class Hit:
    """One line of one file. `number` counts from 1."""

    path: str
    number: int
    line: str


def findings(bundle: JudgedBundle) -> list[TriagedFinding]:
    """In the order of triage, as the bundle has them."""
    try:
        listed = load_json(bundle.opened.files.get(FINDINGS_PATH, b"[]"))
    except StrictJsonError:
        return []
    found: list[TriagedFinding] = []
    for value in listed if isinstance(listed, list) else []:
        try:
            finding = Finding.from_value(value)
        except StrictJsonError:
            continue  # of another version: readable in findings.json
        words = explain(finding, Language.ENGLISH)
        found.append(TriagedFinding(finding, words.title, words.text))
    return found


def timeline(bundle: JudgedBundle) -> list[TimelineEvent]:
    """Findings, changes and errors of the log, newest first."""
    errors = [
        TimelineEvent(
            error.at,
            "Error in the log" if error.times == 1 else f"Error in the log, {error.times} times within the hour",
            error.text,
            "error",
            "warning",
            error.path,
            "?" + urlencode({"file": error.path}),
        )
        for error in log_errors(bundle)
    ]
    return sorted([*events(bundle), *errors], key=lambda event: -event.at)


_EVENTS: Final = {"first-seen": ("First seen", "warning", "warning"), "change": ("Changed", "info", "wrench")}


def events(bundle: JudgedBundle) -> list[TimelineEvent]:
    """Newest first."""
    found: list[TimelineEvent] = []
    for line in bundle.opened.files.get(TIMELINE_PATH, b"").splitlines()[-EVENTS_MAX:]:
        try:
            value = json.loads(line)
        except (ValueError, RecursionError):
            continue
        match value:
            case {"at_unix_s": int(at), "event": str(event), "what": str(what)} if 0 < at <= _YEAR_9999:
                title, tone, icon = _EVENTS.get(event, (event.replace("-", " ").capitalize(), "none", "dot"))
                found.append(TimelineEvent(at, title, what, tone, icon))
            case _:
                continue  # readable in timeline.jsonl
    return found[::-1]


def search(bundle: JudgedBundle, words: str) -> list[Hit]:
    """Lines that hold `words`, whatever their case; at most HITS_MAX."""
    hits: list[Hit] = []
    for hit in _lines(bundle, words.casefold()):
        hits.append(hit)
        if len(hits) >= HITS_MAX:
            break
    return hits


def _lines(bundle: JudgedBundle, words: str) -> Iterator[Hit]:
    for entry in bundle.opened.manifest.present:
        for number, line in enumerate(bundle.shown(entry.path).splitlines(), start=1):
            if (place := line.casefold().find(words)) >= 0:
                begin = max(0, place - LINE_MAX_CHARS // 2)
                yield Hit(entry.path, number, line[begin : begin + LINE_MAX_CHARS])
