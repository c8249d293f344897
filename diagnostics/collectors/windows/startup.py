"""What starts with Windows: the Run keys, the two start-up folders, and which of them the person switched off.

    "startup":         [{"place":"HKCU:\\SOFTWARE\\…\\Run","name":"OneDrive","command":"C:\\\\Users\\\\… /background"}]
    "startupFolders":  [{"place":"C:\\\\…\\\\Startup","name":"notes.lnk","size":1822,"modified":"\\/Date(…)\\/"}]
    "startupApproved": [{"place":"HKCU:\\…\\StartupApproved\\Run","name":"OneDrive","state":3}]

StartupApproved is the Task Manager's: an odd first byte (3) is switched off, an even one (2, 6) on. What a Run value
starts goes no further than its sum.
"""

from __future__ import annotations

import hashlib

from diagnostics.collectors.windows.gathered import Gathered, ask, number, text, unix_s
from diagnostics.machine import windows_commands as commands
from diagnostics.machine.interface import Machine
from diagnostics.observations import StartupItem, StartupItems

_ITEMS_MAX = 1_000
_SUM_CHARS = 12


def startup_items_of(gathered: Gathered) -> StartupItems:
    """Switched off ones are left out: switching one on is a change."""
    off = {
        text(row, "name", 128).lower()
        for row in gathered.rows_or_none("startupApproved")
        if (number(row, "state") or 0) % 2 == 1
    }
    items = []
    for row in gathered.rows("startup"):
        name, command = text(row, "name", 128), text(row, "command", 4096)
        if name and name.lower() not in off:
            total = hashlib.sha256(command.encode()).hexdigest()[:_SUM_CHARS]
            items.append(StartupItem(text(row, "place"), name, len(command), 0, total))
    for row in gathered.rows_or_none("startupFolders"):
        name = text(row, "name", 128)
        if name and name.lower() not in off and name.lower() != "desktop.ini":
            items.append(
                StartupItem(text(row, "place"), name, number(row, "size") or 0, unix_s(row.get("modified")) or 0)
            )
    return StartupItems(tuple(items[:_ITEMS_MAX]))


def read_startup_items(machine: Machine) -> StartupItems:
    return startup_items_of(ask(machine, commands.SYSTEM))
