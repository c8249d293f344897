"""Errors that the logs of a bundle tell of, with their times: for the timeline, beside findings and changes.

    logs/journal.jsonl   {"__REALTIME_TIMESTAMP":"1795000000000000","PRIORITY":"3","SYSLOG_IDENTIFIER":"db",
                          "MESSAGE":"…"}
    logs/events.jsonl    {"at_unix_s":1795000000,"severity":3,"unit":"Disk","text":"…"}
    logs/files/…         2026-11-21T20:00:00+00:00 box app[7]: error: no space left

Everything here is foreign: what has another shape is passed over, and stays readable as a file. The same error many
times within an hour is one event that says how often. Pure.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Final

from diagnostics.collectors.line_times import time_of
from diagnostics.collectors.logs import printable_lines
from diagnostics.plain_text import printable
from technician.bundles import JudgedBundle

ERRORS_MAX: Final = 300
#: Of each file: the newest are what a person looks for.
LINES_MAX: Final = 20_000
TEXT_MAX_CHARS: Final = 300
_ERROR: Final = 3
_HOUR_S: Final = 3600
_YEAR_9999: Final = 253_402_300_799
_WORDS: Final = re.compile(r"\b(?:error|fatal|panic|critical|segfault|failed|failure|emerg|alert)\b", re.IGNORECASE)
#: What differs between two lines of one kind.
_VARYING: Final = re.compile(r"<[^<>]{1,60}>|[0-9a-f]{6,}|\d+")


@dataclass(frozen=True)
class LogError:
    """The first of `times` alike within an hour."""

    at: int
    path: str
    text: str
    times: int = 1


def log_errors(bundle: JudgedBundle) -> list[LogError]:
    """The newest ERRORS_MAX kinds of errors, oldest first."""
    found: dict[tuple[str, str, int], LogError] = {}
    for error in _all(bundle):
        if not 0 < error.at <= _YEAR_9999:
            continue
        key = (error.path, _VARYING.sub("#", error.text), error.at // _HOUR_S)
        seen = found.get(key)
        found[key] = error if seen is None else replace(seen, times=seen.times + 1, at=min(seen.at, error.at))
    return sorted(found.values(), key=lambda error: (error.at, error.path, error.text))[-ERRORS_MAX:]


def _all(bundle: JudgedBundle) -> Iterator[LogError]:
    manifest = bundle.opened.manifest
    for entry in manifest.present:
        content = bundle.opened.files.get(entry.path, b"")
        if entry.path.startswith("logs/") and entry.path.endswith(".jsonl"):
            for line in content.splitlines()[-LINES_MAX:]:
                if (error := _structured(entry.path, line)) is not None:
                    yield error
        elif entry.path.startswith("logs/files/"):
            lines = printable_lines(content)[-LINES_MAX:]
            for text in lines:
                if _WORDS.search(text) and (at := _told_time(text, manifest.created_unix_s)) is not None:
                    yield LogError(at, entry.path, text[:TEXT_MAX_CHARS])


def _told_time(line: str, now: int) -> int | None:
    """Only where the line tells its zone: that of the machine is not in a bundle, and a wrong hour misleads."""
    at = time_of(line, now=now, utc_offset_s=0)
    return at if at == time_of(line, now=now, utc_offset_s=_HOUR_S) else None


def _structured(path: str, line: bytes) -> LogError | None:
    try:
        value = json.loads(line)
    except (ValueError, RecursionError):
        return None
    match value:
        case {"__REALTIME_TIMESTAMP": str(micros), "PRIORITY": str(priority), "MESSAGE": str(text)}:
            if not (micros.isascii() and micros.isdecimal() and len(micros) <= 18) or priority not in (
                "0",
                "1",
                "2",
                "3",
            ):
                return None
            who = value.get("SYSLOG_IDENTIFIER", value.get("_SYSTEMD_UNIT", ""))
            return LogError(int(micros) // 1_000_000, path, _words(who, text))
        case {"at_unix_s": int(at), "severity": int(severity), "text": str(text)} if severity <= _ERROR:
            return LogError(at, path, _words(value.get("unit", ""), text))
        case _:
            return None


def _words(who: object, text: str) -> str:
    said = f"{who}: {text}" if isinstance(who, str) and who else text
    return printable(said, TEXT_MAX_CHARS)
