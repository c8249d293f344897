"""How long the last start took: `systemd-analyze time`."""

from __future__ import annotations

import re

from diagnostics.collectors.contract import ALL_PLATFORMS, Collector, Cost
from diagnostics.machine import commands
from diagnostics.machine.interface import Machine, Platform, Unreadable
from diagnostics.plain_text import printable
from diagnostics.system_observations import StartTime

_PART = re.compile(r"(?P<time>(?:\d+(?:\.\d+)?(?:min|ms|h|s) ?)+)\((?P<name>firmware|loader|kernel|initrd|userspace)\)")
_TIME = re.compile(r"(\d+(?:\.\d+)?)(min|ms|h|s)")
_UNIT_S = {"h": 3600.0, "min": 60.0, "s": 1.0, "ms": 0.001}


def parse_start_time(content: bytes) -> StartTime:
    """systemd-analyze(1). Raises Unreadable while the machine still starts.

    Startup finished in 5.123s (firmware) + 2.345s (loader) + 1.234s (kernel) + 1min 12.345s (userspace) = 1min 21.047s
    graphical.target reached after 1min 12.301s in userspace.
    """
    text = content[:4096].decode("utf-8", "replace")
    parts = {
        found["name"]: round(sum(float(number) * _UNIT_S[unit] for number, unit in _TIME.findall(found["time"])), 3)
        for found in _PART.finditer(text)
    }
    if "userspace" not in parts:
        raise Unreadable("systemd does not tell how long the start took (it may not be finished)")
    return StartTime(parts)


def collect_start_time(machine: Machine) -> StartTime:
    if machine.platform is Platform.WINDOWS:
        from diagnostics.collectors.windows.starts import read_start_time

        return read_start_time(machine)
    if machine.platform is Platform.MACOS:
        from diagnostics.collectors.macos.boots import collect_start_time as on_macos

        return on_macos(machine)
    output = machine.run(commands.START_TIME)
    if output.exit_code != 0:
        words = printable(output.stderr.strip().split(b"\n")[0])
        raise Unreadable(words or f"systemd-analyze ended with code {output.exit_code}")
    return parse_start_time(output.stdout)


START_TIME = Collector(
    id="start-time", collect=collect_start_time, may_contain=frozenset(), cost=Cost.MODERATE, platforms=ALL_PLATFORMS
)
