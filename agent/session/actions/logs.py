"""logs: lines of the journal (of the event log on Windows), or of a log file that `list` names; newest last.

Filters are the same for both: range of time, plain words; unit and severity where the source tells them. A file tells
neither, and its lines a time only where they begin with one; what a filter could not look at is said in a `note`.
logs.follow: the same, then every new line, until it is cancelled; with `after`, from behind the last line that came
before the connection was lost. Everything is redacted, always.
"""

import time
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Final

from agent.session.actions.workbench import Row, Workbench
from diagnostics.collectors.logs import (
    SCREEN_TAIL_BYTES,
    dated,
    file_named,
    journal_lines,
    log_files,
    printable_lines,
)
from diagnostics.observations import LogLine
from diagnostics.visit_rows import Note, TextLine
from protocol.actions.logs import SINCE_MAX_S, LogsArguments, mark_of

# syslog's numbers: everything up to and including this one.
_LEAST_SEVERITY: Final = {"debug": 7, "info": 6, "warning": 4, "error": 3}
#: A followed log is looked at this often, and this much is read of it then.
_LOOK_S: Final = 1.0
LOOK_MAX_LINES: Final = 5000
_GAP: Final = "the log no longer holds the last line that came before the connection was lost: some may be missing here"


def do_logs(arguments: LogsArguments, bench: Workbench) -> Iterator[Row]:
    if arguments.list:
        for file in log_files(bench.machine, now=bench.now):
            yield bench.row("log-file", file)
    elif arguments.source == "journal":
        lines = _journal(arguments, bench, bench.now, follow=False)
        if not lines:
            yield bench.row("note", Note("no such lines in that time, or none that this user may read"))
        yield from (bench.row("log-line", line) for line in lines)
    else:
        file = file_named(bench.machine, arguments.source, now=bench.now)
        tail = bench.machine.read_tail(file.path, max_bytes=SCREEN_TAIL_BYTES)
        yield from _of_file(printable_lines(tail.content), arguments, bench)


def do_logs_follow(arguments: LogsArguments, bench: Workbench) -> Iterator[Row]:
    if arguments.source == "journal":
        yield from _follow_journal(arguments, bench)
    else:
        yield from _follow_file(arguments, bench)


# --- the journal -------------------------------------------------------------------------------------------------


def _journal(arguments: LogsArguments, bench: Workbench, now: int, *, follow: bool) -> tuple[LogLine, ...]:
    after = arguments.after if follow else None
    return journal_lines(
        bench.machine,
        now=now,
        unit=arguments.unit or None,
        since_unix_s=max(after.since, bench.now - SINCE_MAX_S) if after else bench.now - arguments.since_s,
        until_unix_s=now - arguments.until_s if arguments.until_s and not follow else None,
        least_severity=_LEAST_SEVERITY[arguments.severity],
        contains=arguments.text,
        max_lines=LOOK_MAX_LINES if after else arguments.lines,
    )


def _follow_journal(arguments: LogsArguments, bench: Workbench) -> Iterator[Row]:
    lines = _journal(arguments, bench, bench.now, follow=True)
    newest = NewLines(lines, bench.now)
    yield from _behind([bench.row("log-line", line) for line in lines], arguments, bench)
    while True:
        bench.machine.pause(_LOOK_S)
        looked = journal_lines(
            bench.machine,
            now=bench.machine.clock().unix_s,
            unit=arguments.unit or None,
            since_unix_s=newest.since_unix_s,
            least_severity=_LEAST_SEVERITY[arguments.severity],
            contains=arguments.text,
            max_lines=LOOK_MAX_LINES,
        )
        if len(looked) >= LOOK_MAX_LINES:
            yield bench.row("note", Note(f"more than {LOOK_MAX_LINES} lines at once: some of them are left out"))
        yield from (bench.row("log-line", line) for line in newest.of(looked))


class NewLines:
    """Which lines of a look have not been given yet. Looks overlap by a whole second, the journal's grain here."""

    def __init__(self, given: Sequence[LogLine], now: int) -> None:
        self.since_unix_s = given[-1].at_unix_s if given else now
        self._given = Counter(line for line in given if line.at_unix_s >= self.since_unix_s)

    def of(self, looked: Sequence[LogLine]) -> list[LogLine]:
        """The new ones, in order. The same line twice in a second is two lines."""
        left = Counter(self._given)
        fresh = []
        for line in looked:
            if left[line] > 0:
                left[line] -= 1
            else:
                fresh.append(line)
        if looked:
            self.since_unix_s = max(self.since_unix_s, looked[-1].at_unix_s)
            self._given = Counter(line for line in looked if line.at_unix_s >= self.since_unix_s)
        return fresh


# --- after a lost connection ---------------------------------------------------------------------------------------


def _behind(rows: Sequence[Row], arguments: LogsArguments, bench: Workbench) -> Iterator[Row]:
    """What has not come yet of the first look; all of it where nothing came before."""
    if arguments.after is not None:
        place = place_behind([mark_of(row.kind, row.body) for row in rows], arguments.after.marks)
        if place is None:
            yield bench.row("note", Note(_GAP))
        rows = rows[place or 0 :]
    yield from rows


def place_behind(marks: Sequence[bytes], last: Sequence[bytes]) -> int | None:
    """Where, in `marks`, what follows `last` begins; None where `last` is not in it.

    The newest line may have been given before it was whole: then it is looked for without it, and given again.
    """
    for wanted in (list(last), list(last[:-1])):
        count = len(wanted)
        for end in range(count, len(marks) + 1) if count else ():
            if list(marks[end - count : end]) == wanted:
                return end
    return None


# --- files ---------------------------------------------------------------------------------------------------------


def _of_file(lines: Sequence[str], arguments: LogsArguments, bench: Workbench) -> Iterator[Row]:
    found = dated(lines, now=bench.now, utc_offset_s=_utc_offset_s(bench.now))
    if arguments.unit or arguments.severity != "info":
        yield bench.row("note", Note("a log file does not tell units and severities: only time and text are filtered"))
    if found and all(at is None for at, _ in found):
        yield bench.row("note", Note("the lines of this file have no time that is understood: it is not filtered by"))
    elif found and not any(_in_range(at, arguments, bench.now) for at, _ in found):
        yield bench.row("note", Note("no line of this file lies in the range of time that was asked for"))
    chosen = [
        TextLine(arguments.source, at, text)
        for at, text in found
        if arguments.text in text and _in_range(at, arguments, bench.now)
    ]
    yield from (bench.row("text-line", line) for line in chosen[-arguments.lines :])


def _in_range(at: int | None, arguments: LogsArguments, now: int) -> bool:
    """A line without a time is never left out because of it."""
    return (
        at is None or now - arguments.since_s <= at <= now - arguments.until_s or (at > now and not arguments.until_s)
    )


def _follow_file(arguments: LogsArguments, bench: Workbench) -> Iterator[Row]:
    file = file_named(bench.machine, arguments.source, now=bench.now)
    tail = bench.machine.read_tail(file.path, max_bytes=SCREEN_TAIL_BYTES)
    lines = printable_lines(tail.content)
    if arguments.after is None:
        yield from _of_file(lines, arguments, bench)
    else:
        found = dated(lines, now=bench.now, utc_offset_s=_utc_offset_s(bench.now))
        rows = [
            bench.row("text-line", TextLine(arguments.source, at, text)) for at, text in found if arguments.text in text
        ]
        yield from _behind(rows, arguments, bench)
    growth = Growth(tail.size_bytes, tail.content)
    while True:
        bench.machine.pause(_LOOK_S)
        tail = bench.machine.read_tail(file.path, max_bytes=SCREEN_TAIL_BYTES)
        fresh, anew = growth.of(tail.size_bytes, tail.content)
        if anew:
            yield bench.row("note", Note("the file was begun anew"))
        now = bench.machine.clock().unix_s
        for at, text in dated(printable_lines(fresh), now=now, utc_offset_s=_utc_offset_s(now)):
            if arguments.text in text:
                yield bench.row("text-line", TextLine(arguments.source, at, text))


class Growth:
    """What a file has grown by since the last look, in whole lines. A file that became shorter was begun anew."""

    def __init__(self, size_bytes: int, content: bytes) -> None:
        self._size = size_bytes
        self._rest = b"" if content.endswith(b"\n") else content.rpartition(b"\n")[2]
        # The unfinished line was shown as far as it was; what completes it is shown with it again.

    def of(self, size_bytes: int, content: bytes) -> tuple[bytes, bool]:
        """Whole new lines, and whether the file was begun anew."""
        anew = size_bytes < self._size
        grown = min(size_bytes if anew else size_bytes - self._size, len(content))
        fresh = content[len(content) - grown :] if grown else b""
        whole, newline, rest = ((b"" if anew else self._rest) + fresh).rpartition(b"\n")
        self._size, self._rest = size_bytes, rest
        return whole + newline, anew


def _utc_offset_s(now: int) -> int:
    return time.localtime(now).tm_gmtoff or 0
