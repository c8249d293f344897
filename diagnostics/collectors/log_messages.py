"""Warnings and errors that programs wrote to the journal within the last hour: what `log-templates` learns from."""

from __future__ import annotations

from diagnostics.collectors.contract import ALL_PLATFORMS, Collector, Cost, Personal, Privilege
from diagnostics.collectors.log_errors import journal_is_kept
from diagnostics.collectors.logs import journal_lines
from diagnostics.machine.interface import Machine, Platform
from diagnostics.system_observations import LogMessages

WINDOW_S = 3600
LINES_MAX = 5_000
_WARNING = 4


def collect_log_messages(machine: Machine) -> LogMessages:
    now = machine.clock().unix_s
    if machine.platform is Platform.MACOS:
        from diagnostics.collectors.macos.unified_log import recent_faults

        lines = recent_faults(machine, since_unix_s=now - WINDOW_S, max_lines=LINES_MAX)
        return LogMessages(lines, len(lines) < LINES_MAX)
    journal_is_kept(machine)
    lines = journal_lines(machine, now=now, since_unix_s=now - WINDOW_S, least_severity=_WARNING, max_lines=LINES_MAX)
    return LogMessages(lines, len(lines) < LINES_MAX)


LOG_MESSAGES = Collector(
    id="log-messages",
    collect=collect_log_messages,
    may_contain=frozenset({Personal.LOG_TEXT, Personal.INSTALLED_SOFTWARE}),
    cost=Cost.MODERATE,
    privilege=Privilege.LOG_READER,
    platforms=ALL_PLATFORMS,
)
