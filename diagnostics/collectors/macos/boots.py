"""When this Mac started, whether it had been shut down before, and how long the last start took.

`last reboot shutdown`, newest first; there is no year, and the time is the machine's own. Since macOS 13, and before:

    reboot time                                Fri Nov 20 08:15
    shutdown time                              Fri Nov 20 08:15
    reboot    ~                         Mon Nov 16 07:58

    wtmp begins Mon Aug 12 09:00

A start without a shutdown since the start before it: the power went, or the kernel died; panics are named by their
reports. The zone is what lies between the newest start and the time the kernel itself gives for it.

How long it took, from the kernel's start until someone could sign in, in the unified log:

    loginwindow … Login Window Application Started
"""

from __future__ import annotations

import re
from calendar import timegm
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from diagnostics.collectors.macos.permissions import told
from diagnostics.collectors.macos.reports import panic_names, read_reports
from diagnostics.collectors.macos.unified_log import parse_ndjson
from diagnostics.machine import macos_commands
from diagnostics.machine.interface import Machine, Unreadable
from diagnostics.system_observations import Boot, Boots, StartTime

BOOTS_MAX: Final = 100
PANICS_S: Final = 30 * 86_400
_LINE: Final = re.compile(
    r"(?P<kind>reboot|shutdown)(?: time|\s+~)\s+[A-Z][a-z]{2} "
    r"(?P<month>[A-Z][a-z]{2}) {1,2}(?P<day>\d{1,2}) (?P<hour>\d\d):(?P<minute>\d\d)"
)
_MONTHS: Final = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_QUARTER_S: Final = 900
_STARTED: Final = "Login Window Application Started"
# A start that took longer is told as this long.
START_MAX_S: Final = 1_800


@dataclass(frozen=True, slots=True)
class Line:
    """`local_s`: the machine's own time, as if it were UTC."""

    is_start: bool
    local_s: int


def parse_last(content: bytes, *, now: int) -> tuple[Line, ...]:
    """Newest first, as printed: each line is of the same year as the one above it, or of an earlier one."""
    found: list[Line] = []
    # A day's room: the clock of the zone may be ahead.
    latest = now + 86_400
    year = datetime.fromtimestamp(latest, UTC).year
    for line in content[:262_144].decode("utf-8", "replace").splitlines():
        match = _LINE.match(line)
        if match is None or match["month"] not in _MONTHS:
            continue
        month, (day, hour, minute) = _MONTHS.index(match["month"]) + 1, map(int, match.group("day", "hour", "minute"))
        at = timegm((year, month, day, hour, minute, 0))
        while at > latest and year > 1970:
            year -= 1
            at = timegm((year, month, day, hour, minute, 0))
        found.append(Line(match["kind"] == "reboot", at))
        latest = at
    return tuple(found)


def boots_of(lines: tuple[Line, ...], *, boot_unix_s: int | None) -> tuple[Boot, ...]:
    """Oldest first. Minutes are all that is told: what was before what is the order of the lines."""
    boots: list[Boot] = []
    shut_down = False
    for line in reversed(lines):
        if line.is_start:
            # Of the oldest one nobody knows what was before, unless its shutdown is still there.
            boots.append(Boot(line.local_s, shut_down if boots or shut_down else None))
        shut_down = not line.is_start
    if not boots or boot_unix_s is None:
        return tuple(boots[-BOOTS_MAX:])
    shift = round((boots[-1].at_unix_s - boot_unix_s) / _QUARTER_S) * _QUARTER_S
    return tuple(Boot(boot.at_unix_s - shift, boot.clean) for boot in boots[-BOOTS_MAX:])


def collect_boots(machine: Machine) -> Boots:
    clock = machine.clock()
    lines = parse_last(told(machine, macos_commands.BOOTS), now=clock.unix_s)
    boots = boots_of(lines, boot_unix_s=clock.boot_unix_s)
    if not boots:
        raise Unreadable("`last` knows of no start of this Mac")
    panics: tuple[str, ...] = ()
    with suppress(Unreadable):  # a person who may not see the reports still sees the starts
        panics = panic_names(read_reports(machine), since_unix_s=clock.unix_s - PANICS_S)
    return Boots(boots, panics)


def collect_start_time(machine: Machine) -> StartTime:
    boot = machine.clock().boot_unix_s
    if boot is None:
        raise Unreadable("macOS does not tell when it started")
    command = macos_commands.log_show(boot, boot + START_MAX_S, process="loginwindow")
    for line in parse_ndjson(told(machine, command)):
        if _STARTED in line.text and line.at_unix_s >= boot:
            return StartTime({"userspace": float(line.at_unix_s - boot)})
    raise Unreadable("the log does not tell when someone could sign in after the last start")
