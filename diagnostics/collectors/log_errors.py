"""How many errors programs reported to the journal within the last hour, and which reported most."""

from __future__ import annotations

from collections import Counter
from contextlib import suppress

from diagnostics.collectors.contract import ALL_PLATFORMS, Collector, Cost, Personal, Privilege
from diagnostics.collectors.logs import journal_lines
from diagnostics.machine.interface import Machine, Platform, Unreadable
from diagnostics.observations import LogLine
from diagnostics.system_observations import LogErrors

WINDOW_S = 3600
LINES_MAX = 5_000
_ERROR = 3


def count_errors(lines: tuple[LogLine, ...]) -> LogErrors:
    units = Counter(line.unit for line in lines)
    if not units:
        return LogErrors(0, True, "", 0, "")
    loudest, count = min(units.items(), key=lambda item: (-item[1], item[0]))
    sample = next(line.text for line in reversed(lines) if line.unit == loudest)
    return LogErrors(len(lines), len(lines) < LINES_MAX, loudest, count, sample[:300])


def journal_is_kept(machine: Machine) -> None:
    """No line of a journal that nobody keeps is not a quiet hour. Raises Unreadable. Windows always keeps its own."""
    if machine.platform is Platform.WINDOWS:
        return
    for folder in ("/var/log/journal", "/run/log/journal"):
        with suppress(Unreadable):
            if machine.list_folder(folder):
                return
    raise Unreadable("no journal is kept here, or not for this user")


def collect_log_errors(machine: Machine) -> LogErrors:
    now = machine.clock().unix_s
    if machine.platform is Platform.MACOS:
        from diagnostics.collectors.macos.unified_log import recent_faults

        lines = recent_faults(machine, since_unix_s=now - WINDOW_S, max_lines=LINES_MAX)
        return count_errors(lines)
    journal_is_kept(machine)
    lines = journal_lines(machine, now=now, since_unix_s=now - WINDOW_S, least_severity=_ERROR, max_lines=LINES_MAX)
    return count_errors(lines)


LOG_ERRORS = Collector(
    id="log-errors",
    collect=collect_log_errors,
    may_contain=frozenset({Personal.LOG_TEXT, Personal.INSTALLED_SOFTWARE}),
    cost=Cost.MODERATE,
    privilege=Privilege.LOG_READER,
    platforms=ALL_PLATFORMS,
)
