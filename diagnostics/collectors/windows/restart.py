"""Does this Windows wait for a restart? Marks in the registry.

    {"restart":[{"servicing":true,"updates":true,"renames":2,"renamed":false}]}

`servicing`: Component Based Servicing\\RebootPending; `updates`: WindowsUpdate\\Auto Update\\RebootRequired; `renamed`:
the computer got a new name. `renames`, files to be replaced at the next start, are only told beside another mark:
updaters of browsers leave some all the time.
"""

from __future__ import annotations

from diagnostics.collectors.windows.gathered import Row, ask, flag, number
from diagnostics.collectors.windows.system import operating_system_of
from diagnostics.machine import windows_commands as commands
from diagnostics.machine.interface import Machine
from diagnostics.system_observations import RestartNeeded


def restart_needed_of(marks: Row, running: str) -> RestartNeeded:
    names = {"servicing": "Windows components", "updates": "Windows Update", "renamed": "the computer's new name"}
    waiting = [words for name, words in names.items() if flag(marks, name)]
    required = bool(waiting)
    if required and (number(marks, "renames") or 0) > 0:
        waiting.append(f"{number(marks, 'renames')} files to replace")
    return RestartNeeded(required, tuple(waiting), running, None)


def read_restart_needed(machine: Machine) -> RestartNeeded:
    gathered = ask(machine, commands.SYSTEM)
    return restart_needed_of(gathered.first("restart"), operating_system_of(gathered.first("windows")).kernel)
