"""Is the clock kept right, and how far is it off?

The time server this Mac is set to, /etc/ntp.conf: `server time.apple.com`. Asked as the system itself asks it, `sntp
time.apple.com`; the clock is not set:

    +0.005313 +/- 0.012345 time.apple.com 17.253.14.125

Whether macOS keeps the clock by it, `systemsetup -getusingnetworktime` (root): `Network Time: On`.
"""

from __future__ import annotations

import re
from contextlib import suppress
from typing import Final

from diagnostics.collectors.macos.permissions import told
from diagnostics.machine import macos_commands
from diagnostics.machine.interface import Machine, Unreadable
from diagnostics.system_observations import ClockSync

SETTINGS: Final = "/private/etc/ntp.conf"
_SERVER: Final = re.compile(r"^\s*server\s+(\S{1,253})", re.MULTILINE)
_OFFSET: Final = re.compile(r"^([+-]\d{1,12}\.\d{1,9}) \+/- \d", re.MULTILINE)
_KEPT: Final = re.compile(r"Network Time: (On|Off)")


def parse_server(content: bytes) -> str:
    found = _SERVER.search(content[:65_536].decode("utf-8", "replace"))
    if found is None:
        raise Unreadable("no time server is set on this Mac")
    return found[1].rstrip(".")


def parse_sntp(content: bytes) -> float:
    """Seconds the server is ahead of this clock."""
    found = _OFFSET.search(content[:4096].decode("utf-8", "replace"))
    if found is None:
        raise Unreadable("sntp told the time in an unknown form")
    return float(found[1])


def parse_kept(content: bytes) -> bool | None:
    found = _KEPT.search(content[:4096].decode("utf-8", "replace"))
    return None if found is None else found[1] == "On"


def collect_clock_sync(machine: Machine) -> ClockSync:
    """`synchronised` is what the settings say; a person who may not see them is told by the distance alone."""
    kept = None
    with suppress(Unreadable):  # for administrators only
        kept = parse_kept(told(machine, macos_commands.NETWORK_TIME))
    try:
        server = parse_server(machine.read_file(SETTINGS, max_bytes=65_536))
        offset_s: float | None = parse_sntp(told(machine, macos_commands.time_server(server)))
    except Unreadable:
        if kept is None:
            raise
        offset_s = None  # without a network the setting is what can be said
    return ClockSync("sntp", kept is not False, kept is not False, offset_s)
