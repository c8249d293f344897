"""When Windows last looked for updates, which ones wait, and which ones fail again and again.

    {"searches":[{"searched":"\\/Date(1794990000000)\\/","installed":"\\/Date(1794300000000)\\/"}],
     "waiting":[{"title":"2026-11 Cumulative Update for Windows 11 Version 24H2 (KB5068861)"}]}

    Microsoft-Windows-WindowsUpdateClient 20    updateTitle, errorCode 0x800f0922: not installed
    Microsoft-Windows-WindowsUpdateClient 19    updateTitle: installed, what failed before is past

Windows Update's own times are UTC. The list of waiting ones is what it found last: nothing is asked over the network.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from diagnostics.collectors.windows.events import Event, ask_events
from diagnostics.collectors.windows.gathered import ask, text, unix_s
from diagnostics.machine import windows_commands as commands
from diagnostics.machine.interface import Machine, Unreadable
from diagnostics.plain_text import printable
from diagnostics.system_observations import FailedUpdate, UpdateLists

_TITLES_MAX = 50
# Virus signatures come with another version in their title each day, and always with the same number.
_NUMBER = re.compile(r"KB\d{5,9}")


def failed_updates(events: Iterable[Event]) -> tuple[FailedUpdate, ...]:
    """Those whose last try failed, with how often since they were last installed."""
    failed: dict[str, FailedUpdate] = {}
    for event in events:
        title = printable(event.value("updateTitle", "1"), 200)
        if event.provider != "Microsoft-Windows-WindowsUpdateClient" or not title:
            continue
        found = _NUMBER.search(title)
        key = found[0] if found else title
        if event.number == 19:
            failed.pop(key, None)
        elif event.number == 20:
            before = failed.get(key)
            code = printable(event.value("errorCode", "2"), 20)
            failed[key] = FailedUpdate(title, code, before.times + 1 if before else 1)
    return tuple(failed.values())[:_TITLES_MAX]


def read_updates(machine: Machine) -> UpdateLists:
    gathered = ask(machine, commands.UPDATES)
    searched = unix_s(gathered.first("searches").get("searched"))
    if searched is None:
        raise Unreadable("Windows Update does not tell when it last looked for updates")
    try:
        failed = failed_updates(ask_events(machine, commands.UPDATE_EVENTS))
    except Unreadable:
        failed = ()  # the log is for others, or cleared: when it looked is still known
    waiting = tuple(text(row, "title", 200) for row in gathered.rows_or_none("waiting"))[:_TITLES_MAX]
    return UpdateLists("Windows Update", searched, waiting, failed)
