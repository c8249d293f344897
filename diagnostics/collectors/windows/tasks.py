"""Planned tasks that Windows could not even start, in the words of systemd's timers.

    {"tasks":[{"path":"\\\\Backup nightly","enabled":true,"state":3,"result":-2147024894,"missed":4}]}

Tasks below \\Microsoft are Windows' own and left out: dozens of them end with a number every day and mean nothing. A
result is the scheduler's when it is an HRESULT of a start that failed; what a program itself ends with is its own.
"""

from __future__ import annotations

from collections.abc import Iterable

from diagnostics.collectors.windows.gathered import Row, ask, flag, number, text
from diagnostics.machine import windows_commands as commands
from diagnostics.machine.interface import Machine
from diagnostics.system_observations import Timer, Timers

# Why a start failed: no such file, no such folder, not allowed, wrong password, account locked or without the right,
# name of account unknown, the task's own description broken.
NOT_STARTED = frozenset(
    {0x80070002, 0x80070003, 0x80070005, 0x8007052E, 0x80070533, 0x80070569, 0x80070534, 0x8004130F, 0x8007010B}
)
_DISABLED = 1
_TASKS_MAX = 1_000


def timers_of(rows: Iterable[Row]) -> Timers:
    timers = []
    for row in rows:
        path, result = text(row, "path"), (number(row, "result") or 0) & 0xFFFFFFFF
        if not path or path.startswith("\\Microsoft\\"):
            continue
        disabled = flag(row, "enabled") is False or number(row, "state") == _DISABLED
        failed = result in NOT_STARTED and not disabled
        timers.append(
            Timer(
                name=path,
                description=path.rpartition("\\")[2],
                active_state="failed" if failed else "inactive" if disabled else "active",
                result=f"{result:#010x}" if result else "success",
                enabled="disabled" if disabled else "enabled",
            )
        )
    return Timers(tuple(timers[:_TASKS_MAX]))


def read_timers(machine: Machine) -> Timers:
    return timers_of(ask(machine, commands.TASKS).rows("tasks"))
