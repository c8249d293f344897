"""The unified log as the same lines that a journal gives: `log show --style ndjson`, one object a line.

    {"timestamp":"2026-11-20 08:15:12.123456+0100","messageType":"Fault","eventMessage":"Failed to bind to port 8080",
     "subsystem":"org.example.backup","category":"net","processImagePath":"\\/usr\\/local\\/bin\\/backup","processID":512,
     "senderImagePath":"\\/usr\\/local\\/bin\\/backup", …}
    {"count":1,"finished":1}

There are no levels between an error and an ordinary message: Default, Info, Debug, Error, Fault. Reading takes an
account that may administer the Mac; message parts a program marked private read `<private>`. Every question is bounded
in time and has a predicate, which is what makes it end within seconds.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime
from typing import Final

from diagnostics.collectors.macos.permissions import told
from diagnostics.machine import macos_commands
from diagnostics.machine.interface import Machine
from diagnostics.observations import LogLine
from diagnostics.plain_text import printable

_SEVERITY: Final = {"fault": 2, "error": 3, "default": 5, "info": 6, "debug": 7}
_LINE_MAX_BYTES: Final = 256 * 1024
_TEXT_MAX_CHARS: Final = 2_000


def parse_ndjson(content: bytes) -> tuple[LogLine, ...]:
    """Lines of another form, the last one cut off at the output's limit among them, are left out."""
    return tuple(_lines(content))


def _lines(content: bytes) -> Iterator[LogLine]:
    for line in content.split(b"\n"):
        if not line or len(line) > _LINE_MAX_BYTES:
            continue
        try:
            entry = json.loads(line)
            at = int(datetime.fromisoformat(entry["timestamp"]).timestamp())
            text = entry["eventMessage"]
            kind = str(entry.get("messageType", "default")).lower()
            program = str(entry.get("processImagePath") or "").rpartition("/")[2]
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError, OverflowError):
            continue
        if isinstance(text, str):
            yield LogLine(at, _SEVERITY.get(kind, 5), printable(program, 256), printable(text, _TEXT_MAX_CHARS))


def recent_faults(machine: Machine, *, since_unix_s: int, max_lines: int) -> tuple[LogLine, ...]:
    """Faults, and errors of other makers' programs, of the last hour; the newest of them."""
    lines = parse_ndjson(told(machine, macos_commands.FAULTS))
    return tuple(line for line in lines if line.at_unix_s >= since_unix_s)[-max_lines:]


def log_lines(
    machine: Machine,
    *,
    now: int,
    since_unix_s: int | None,
    until_unix_s: int | None,
    least_severity: int,
    unit: str | None,
    contains: str,
    max_lines: int,
) -> tuple[LogLine, ...]:
    """The newest matching lines, oldest first. Without a beginning, the last quarter of an hour: a Mac writes thousands
    of lines a minute. `unit`: the program that wrote them."""
    until = now if until_unix_s is None else until_unix_s
    since = until - 900 if since_unix_s is None else since_unix_s
    command = macos_commands.log_show(since, max(since, until), least_severity=least_severity, process=unit)
    lines = parse_ndjson(told(machine, command))
    return tuple(line for line in lines if contains in line.text and line.severity <= least_severity)[-max_lines:]
