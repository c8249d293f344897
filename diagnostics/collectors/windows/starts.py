"""When this Windows started, whether it had gone out by itself, how long starting took.

    Microsoft-Windows-Kernel-General 12     the system started
    Microsoft-Windows-Kernel-Power 41       … without having been shut down before (written some seconds after 12)
    EventLog 6008                           the shutdown before was unexpected: the same, where 41 is missing
    Microsoft-Windows-WER-SystemErrorReporting 1001   a blue screen: param1 `0x0000009f (0x…, …)`, param2 the image
    Microsoft-Windows-Diagnostics-Performance 100     BootTime, MainPathBootTime, BootPostBootTime in ms

With fast start-up Windows mostly wakes instead of starting: such a day has no event 12, and none is missed by it.
"""

from __future__ import annotations

from collections.abc import Iterable

from diagnostics.collectors.windows.events import Event, ask_events
from diagnostics.machine import windows_commands as commands
from diagnostics.machine.interface import Machine, Unreadable
from diagnostics.plain_text import printable
from diagnostics.system_observations import Boot, Boots, StartTime

_STARTED = ("Microsoft-Windows-Kernel-General", 12)
_UNCLEAN = (("Microsoft-Windows-Kernel-Power", 41), ("EventLog", 6008))
_BLUE_SCREEN = ("Microsoft-Windows-WER-SystemErrorReporting", 1001)
# 41 and 6008 follow the start they belong to within the time services need.
_SAME_START_S = 600
# A blue screen stays told as long as an unclean start does.
_PANIC_S = 7 * 86_400


def boots_of(events: Iterable[Event], *, now: int) -> Boots:
    """Oldest first. Raises Unreadable when the log tells of no start at all."""
    boots: list[Boot] = []
    panics: list[str] = []
    for event in events:
        kind = (event.provider, event.number)
        if kind == _STARTED:
            boots.append(Boot(event.at_unix_s, True))
        elif kind in _UNCLEAN:
            if boots and event.at_unix_s - boots[-1].at_unix_s <= _SAME_START_S:
                boots[-1] = Boot(boots[-1].at_unix_s, False)
            else:
                boots.append(Boot(event.at_unix_s, False))
        elif kind == _BLUE_SCREEN and event.at_unix_s > now - _PANIC_S:
            code = event.value("param1", "BugcheckCode", "1").partition(" ")[0]
            panics.append(printable(f"bugcheck {code} {event.value('param2', '2')}".strip(), 100))
    if not boots:
        raise Unreadable("the event log tells of no start within a month (fast start-up, or it was cleared)")
    return Boots(tuple(boots), tuple(panics))


def read_boots(machine: Machine) -> Boots:
    return boots_of(ask_events(machine, commands.START_EVENTS), now=machine.clock().unix_s)


def start_time_of(events: Iterable[Event]) -> StartTime:
    """`kernel`: until the desktop appears; `userspace`: until it is quiet. Raises Unreadable."""
    for event in reversed(list(events)):
        main, post = (event.value(name) for name in ("MainPathBootTime", "BootPostBootTime"))
        if event.number == 100 and main.isdecimal() and post.isdecimal():
            return StartTime({"kernel": int(main) / 1000, "userspace": int(post) / 1000})
    raise Unreadable("Windows measured no start (it does at some starts only)")


def read_start_time(machine: Machine) -> StartTime:
    return start_time_of(ask_events(machine, commands.BOOT_EVENTS))
