"""Programs that crashed or hung: events 1000 (Application Error) and 1002 (Application Hang).

<EventData><Data Name='AppName'>OUTLOOK.EXE</Data><Data Name='AppVersion'>16.0.17928.20114</Data>
  <Data Name='ModuleName'>ucrtbase.dll</Data>…        Windows 11; before, the same values in order without names
"""

from __future__ import annotations

from collections.abc import Iterable

from diagnostics.collectors.windows.events import Event, ask_events
from diagnostics.machine import windows_commands as commands
from diagnostics.machine.interface import Machine
from diagnostics.plain_text import printable
from diagnostics.system_observations import Crash, Crashes

_KINDS = frozenset({("Application Error", 1000), ("Application Hang", 1002)})
_CRASHES_MAX = 1_000


def crashes_of(events: Iterable[Event]) -> Crashes:
    found = [
        Crash(printable(event.value("AppName", "1"), 64), event.at_unix_s)
        for event in events
        if (event.provider, event.number) in _KINDS and event.value("AppName", "1")
    ]
    return Crashes(tuple(found[-_CRASHES_MAX:]))


def read_crashes(machine: Machine) -> Crashes:
    return crashes_of(ask_events(machine, commands.CRASH_EVENTS))
