"""logs: lines of the journal, or of a log file that `list` names; plain words as filter, newest last.

A file's lines have no time or severity that could be told in general: they come as `text-line`, exactly as they
stand there but for what was redacted.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from agent.session.actions.workbench import Row, Workbench
from diagnostics.collectors.logs import journal_lines, log_files, tail_lines
from protocol.actions.logs import LogsArguments

# syslog's numbers: everything up to and including this one.
_LEAST_SEVERITY: Final = {"debug": 7, "info": 6, "warning": 4, "error": 3}


@dataclass(frozen=True, slots=True)
class TextLine:
    """One line of a log file."""

    file: str
    text: str


def do_logs(arguments: LogsArguments, bench: Workbench) -> Iterator[Row]:
    if arguments.list:
        for file in log_files(bench.machine, now=bench.now):
            yield bench.row("log-file", file)
        return
    if arguments.source != "journal":
        lines = tail_lines(
            bench.machine, arguments.source, now=bench.now, contains=arguments.text, max_lines=arguments.lines
        )
        for text in lines:
            yield bench.row("text-line", TextLine(arguments.source, text))
        return
    for line in journal_lines(
        bench.machine,
        now=bench.now,
        unit=arguments.unit or None,
        since_unix_s=bench.now - arguments.since_s,
        least_severity=_LEAST_SEVERITY[arguments.severity],
        contains=arguments.text,
        max_lines=arguments.lines,
    ):
        yield bench.row("log-line", line)
