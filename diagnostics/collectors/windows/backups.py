"""When a backup last ended: File History's own mark, and Windows Backup's event 4.

    {"fileHistory":[{"ProtectedUpToTime":134396928000000000}]}        hundreds of nanoseconds since 1601

File History is asked for the user who asks; another person's is not seen. Restore points are no backups: they lie on
the same disk.
"""

from __future__ import annotations

from contextlib import suppress

from diagnostics.collectors.windows.events import ask_events
from diagnostics.collectors.windows.gathered import ask, filetime_unix_s, number
from diagnostics.machine import windows_commands as commands
from diagnostics.machine.interface import Machine, Unreadable
from diagnostics.system_observations import BackupMark, Backups


def read_backups(machine: Machine) -> Backups:
    marks = []
    with suppress(Unreadable):  # File History was never switched on
        for row in ask(machine, commands.BACKUPS).rows("fileHistory"):
            until = filetime_unix_s(number(row, "ProtectedUpToTime") or 0)
            if until is not None:
                marks.append(BackupMark("File History", "user", until))
    with suppress(Unreadable):  # no Windows Backup here, or its log is for administrators
        ended = [event.at_unix_s for event in ask_events(machine, commands.BACKUP_EVENTS) if event.number == 4]
        if ended:
            marks.append(BackupMark("Windows Backup", "system", max(ended)))
    if not marks:
        raise Unreadable("no backup program that we know (File History, Windows Backup) has left a mark here")
    return Backups(tuple(marks))
