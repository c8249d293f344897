"""Is the clock kept right: `w32tm /query /status /verbose`. Its words are translated, the order of its lines is not.

    Leap Indicator: 0(no warning)                                   3: not synchronised
    Stratum: 4 (secondary reference - syncd by (S)NTP)              0: unspecified
    Precision: -23 (119.209ns per tick)
    Root Delay: 0.0401234s
    Root Dispersion: 7.7712345s
    ReferenceId: 0xC0A80101 (source IP:  192.168.1.1)
    Last Successful Sync Time: 11/21/2026 8:12:44 PM
    Source: time.windows.com,0x8
    Poll Interval: 10 (1024s)

    Phase Offset: 0.0012345s
    …

Read by position: the first line's number, the second's, and the first line behind the empty one. A service that does
not run ends it with 0x80070426 among translated words: outside of a domain Windows starts it once a week and stops it
again, so that only a disabled one does not keep the clock.
"""

from __future__ import annotations

import re
from itertools import pairwise

from diagnostics.collectors.services import parse_windows_services
from diagnostics.machine import windows_commands as commands
from diagnostics.machine.interface import Machine, Native, Unreadable
from diagnostics.plain_text import printable
from diagnostics.system_observations import ClockSync

_LEADING = re.compile(r"[^:]+:\s*(-?\d{1,3})\b")
_SECONDS = re.compile(r"[^:]+:\s*(-?\d{1,9}[.,]\d{1,9})s\s*")
_NOT_SYNCHRONISED, _NOT_RUNNING = 3, "0x80070426"


def parse_w32tm(content: bytes) -> ClockSync:
    """Raises Unreadable on anything of another form."""
    text = content.decode("utf-8", "replace")
    lines = text.strip().splitlines()
    numbers = [_LEADING.match(line) for line in lines[:2]]
    if len(numbers) < 2 or numbers[0] is None or numbers[1] is None:
        raise Unreadable("w32tm told of the clock in an unknown form")
    kept = int(numbers[0][1]) != _NOT_SYNCHRONISED and int(numbers[1][1]) > 0
    offset = None
    for before, line in pairwise(lines):
        if not before.strip() and (found := _SECONDS.fullmatch(line.strip())):
            offset = float(found[1].replace(",", "."))
            break
    return ClockSync("w32tm", kept, True, offset if kept else None)


def _is_disabled(machine: Machine) -> bool:
    return any(
        service.name.lower() == "w32time" and service.enabled == "disabled"
        for service in parse_windows_services(machine.native(Native.SERVICES))
    )


def read_clock_sync(machine: Machine) -> ClockSync:
    output = machine.run(commands.CLOCK)
    told = output.stdout + output.stderr
    if _NOT_RUNNING.encode() in told:
        if _is_disabled(machine):
            return ClockSync("w32tm", False, False, None)
        raise Unreadable("the time service does not run just now: Windows starts it now and then to set the clock")
    if output.exit_code != 0:
        words = printable((output.stderr or output.stdout).strip().split(b"\n")[0], 200)
        raise Unreadable(words or f"w32tm ended with code {output.exit_code}")
    return parse_w32tm(output.stdout)
