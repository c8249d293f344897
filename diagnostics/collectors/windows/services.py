"""What the service manager wrote about services that ended by themselves or did not start.

    7031, 7034  a service ended unexpectedly: param1 its shown name, param2 how often since the manager runs
    7023, 7024  it ended with an error: param1, param2 `%%126` or a number of its own
    7000, 7009, 7022, 7038   it did not start: param1 (7009: param2) its shown name

A service that shall run by itself, does not, and has such an event, has failed; one that merely is not running was
stopped by somebody, or runs when it is needed. Names are shown names, in Windows' language: they are held against the
service list. `Binary` of 7031 and 7034 is the real name in UTF-16: `Spooler/1`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace

from diagnostics.collectors.windows.events import Event, ask_events
from diagnostics.machine import windows_commands as commands
from diagnostics.machine.interface import Machine, Unreadable
from diagnostics.observations import Service

_CRASHED, _ENDED, _NOT_STARTED = frozenset({7031, 7034}), frozenset({7023, 7024}), frozenset({7000, 7009, 7022, 7038})
_CODE = re.compile(r"%{0,2}(\d{1,10})")


def _names(event: Event) -> set[str]:
    """Every name this event gives its service."""
    names = {event.value("param2" if event.number == 7009 else "param1", "1")}
    try:
        names.add(bytes.fromhex(event.value("Binary")).decode("utf-16-le").rstrip("\0").rpartition("/")[0])
    except ValueError:
        names.discard("")  # another form: the shown name has to do
    return {name for name in names if name}


def with_events(services: Iterable[Service], events: Iterable[Event], *, since_unix_s: int = 0) -> tuple[Service, ...]:
    """Pure. The same services, in the words of systemd: failed ones, and how often each was started again. What
    happened before `since_unix_s`, the last start, is past."""
    read = [
        event for event in events if event.provider == "Service Control Manager" and event.at_unix_s >= since_unix_s
    ]
    told = []
    for service in services:
        own = [event for event in read if _names(event) & {service.name, service.description}]
        if not own:
            told.append(service)
            continue
        last = own[-1]
        restarts = [
            int(count)
            for event in own
            if event.number in _CRASHED and (count := event.value("param2", "2")).isdecimal()
        ]
        service = replace(service, restarts=restarts[-1] if restarts else 0)
        if service.active_state == "inactive" and service.enabled == "automatic":
            code = _CODE.fullmatch(last.value("param2", "2")) if last.number in _ENDED | {7000} else None
            service = replace(
                service,
                active_state="failed",
                sub_state="failed",
                result="start-failed" if last.number in _NOT_STARTED else "exit-code",
                exit_status=int(code[1]) if code else 0,
                changed_unix_s=last.at_unix_s,
            )
        told.append(service)
    return tuple(told)


def read_services(machine: Machine, services: tuple[Service, ...]) -> tuple[Service, ...]:
    """Where the event log cannot be read, services are shown as they are and none is called failed."""
    try:
        events = ask_events(machine, commands.SERVICE_EVENTS)
    except Unreadable:
        return services
    return with_events(services, events, since_unix_s=machine.clock().boot_unix_s or 0)
