"""Log files and the journal: what exists, the end of one, lines that match.

Files come from /var/log and one folder below, regular, not compressed, changed in the last week. Everything is
bounded: lines by number and length, files by bytes. Text filters are plain words, never patterns.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from diagnostics.collectors.event_log import event_lines
from diagnostics.collectors.line_times import time_of
from diagnostics.machine import commands
from diagnostics.machine.interface import EntryKind, Machine, Platform, Unreadable, UnreadableKind
from diagnostics.observations import LogLine
from diagnostics.plain_text import printable

LOG_FOLDERS = {Platform.LINUX: "/var/log", Platform.MACOS: "/private/var/log"}
RECENT_S = 7 * 86_400
FILES_MAX = 60
# Not text, or somebody's sign-ins, or already in the journal's own form.
NOT_LOGS = frozenset({"wtmp", "btmp", "lastlog", "faillog", "tallylog", "README"})
_COMPRESSED = (".gz", ".xz", ".zst", ".bz2", ".zip", ".journal", ".journal~")
# A tail for a session's screen; the bundle takes more.
SCREEN_TAIL_BYTES = 1024 * 1024
LINE_MAX_CHARS = 2_000


@dataclass(frozen=True, slots=True)
class LogFile:
    """`name` is relative to the log folder: `syslog`, `apt/history.log`."""

    name: str
    path: str
    size_bytes: int
    modified_unix_s: int


def log_files(machine: Machine, *, now: int) -> tuple[LogFile, ...]:
    """Newest first, at most FILES_MAX. Raises Unreadable where there is no log folder."""
    folder = LOG_FOLDERS.get(machine.platform)
    if folder is None:
        raise Unreadable(f"log files are not read on {machine.platform} yet", UnreadableKind.UNSUPPORTED)
    found = list(_files_in(machine, folder, "", now))
    for entry in machine.list_folder(folder):
        if entry.kind is EntryKind.FOLDER and entry.name not in ("journal", "private") and entry.name.isprintable():
            try:
                found += _files_in(machine, f"{folder}/{entry.name}", f"{entry.name}/", now)
            except Unreadable:
                continue  # this user may not look inside; the folder's own entry is seen in the listing
    found.sort(key=lambda file: (-file.modified_unix_s, file.name))
    return tuple(found[:FILES_MAX])


def _files_in(machine: Machine, folder: str, prefix: str, now: int) -> Iterator[LogFile]:
    for entry in machine.list_folder(folder):
        # A name with control characters is no log of any program we know.
        plain = entry.name.isprintable() and "/" not in entry.name
        is_log = entry.name not in NOT_LOGS and not entry.name.endswith(_COMPRESSED)
        recent = entry.modified_unix_s >= now - RECENT_S
        if entry.kind is EntryKind.FILE and entry.size_bytes > 0 and plain and is_log and recent:
            path = f"{folder}/{entry.name}"
            yield LogFile(prefix + entry.name, path, entry.size_bytes, entry.modified_unix_s)


def tail_lines(machine: Machine, name: str, *, now: int, contains: str = "", max_lines: int) -> tuple[str, ...]:
    """The newest lines of the file `log_files` lists under `name`, oldest first, printable. Raises Unreadable."""
    lines = file_lines(machine, file_named(machine, name, now=now).path)
    return tuple(line for line in lines if contains in line)[-max_lines:]


def file_named(machine: Machine, name: str, *, now: int) -> LogFile:
    """The log file that `log_files` lists under `name`: no other can be read. Raises Unreadable."""
    for file in log_files(machine, now=now):
        if file.name == name:
            return file
    raise Unreadable(f"there is no log file {name!r} here that changed within a week")


def file_lines(machine: Machine, path: str) -> tuple[str, ...]:
    """The last megabyte of a log file as printable lines."""
    return printable_lines(machine.read_tail(path, max_bytes=SCREEN_TAIL_BYTES).content)


def printable_lines(content: bytes) -> tuple[str, ...]:
    return tuple(printable(line, LINE_MAX_CHARS) for line in content.split(b"\n") if line)


def dated(lines: Iterable[str], *, now: int, utc_offset_s: int) -> tuple[tuple[int | None, str], ...]:
    """Each line with its time: its own, or that of the line it follows; None before the first that has one."""
    found: list[tuple[int | None, str]] = []
    last: int | None = None
    for line in lines:
        own = time_of(line, now=now, utc_offset_s=utc_offset_s)
        last = last if own is None else own
        found.append((last, line))
    return tuple(found)


def journal_lines(
    machine: Machine,
    *,
    now: int,
    unit: str | None = None,
    since_unix_s: int | None = None,
    until_unix_s: int | None = None,
    least_severity: int = 7,
    contains: str = "",
    max_lines: int = 1000,
    user: bool = False,
) -> tuple[LogLine, ...]:
    """The newest matching lines, oldest first; on Windows those of the event log. With a text filter more are read
    than are given. `user`: `unit` is one that systemd runs for this user."""
    if machine.platform is Platform.WINDOWS:
        return event_lines(
            machine,
            since_unix_s=now - RECENT_S if since_unix_s is None else since_unix_s,
            until_unix_s=until_unix_s,
            least_severity=least_severity,
            unit=unit,
            contains=contains,
            max_lines=max_lines,
        )
    if machine.platform is Platform.MACOS:
        from diagnostics.collectors.macos.unified_log import log_lines

        return log_lines(
            machine,
            now=now,
            since_unix_s=since_unix_s,
            until_unix_s=until_unix_s,
            least_severity=least_severity,
            unit=unit,
            contains=contains,
            max_lines=max_lines,
        )
    read = min(commands.JOURNAL_MAX_LINES, max_lines * 20 if contains else max_lines)
    command = commands.journal(
        unit=unit,
        since_unix_s=since_unix_s,
        until_unix_s=until_unix_s,
        least_severity=least_severity,
        max_lines=read,
        user=user,
    )
    output = machine.run(command)
    lines = parse_journal(output.stdout)
    if output.exit_code != 0 or (not lines and output.stderr.strip()):
        words = printable(output.stderr.strip().split(b"\n")[0])
        raise Unreadable(words or f"journalctl ended with code {output.exit_code}")
    return tuple(line for line in lines if contains in line.text)[-max_lines:]


def parse_journal(content: bytes) -> tuple[LogLine, ...]:
    """`journalctl --output=json`, one object a line; a message that is not text comes as a list of bytes.

    {"__REALTIME_TIMESTAMP":"1795288499123456","PRIORITY":"3","_SYSTEMD_UNIT":"cups.service",
     "SYSLOG_IDENTIFIER":"cupsd","MESSAGE":"Unable to open listen socket"}
    """
    return tuple(_parse_lines(content.split(b"\n")))


def _parse_lines(lines: Iterable[bytes]) -> Iterator[LogLine]:
    for line in lines:
        if not line:
            continue
        try:
            entry = json.loads(line)
            at_unix_s = int(entry["__REALTIME_TIMESTAMP"]) // 1_000_000
            severity = min(7, max(0, int(entry.get("PRIORITY", "6"))))
            message = entry.get("MESSAGE") or ""
            text = bytes(message) if isinstance(message, list) else str(message)
            unit = str(entry.get("UNIT") or entry.get("_SYSTEMD_UNIT") or entry.get("SYSLOG_IDENTIFIER") or "")
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
            continue  # cut off at the output's limit, or not an entry
        yield LogLine(at_unix_s, severity, printable(unit, 256), printable(text, LINE_MAX_CHARS))
