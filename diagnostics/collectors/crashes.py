"""Which programs crashed: the names of the memory images that were kept. The images themselves are never opened.

/var/lib/systemd/coredump/core.gnome-shell.1000.<boot id>.2210.1794990000000000.zst    systemd-coredump(8)
/var/crash/_usr_bin_gnome-shell.1000.crash                                            apport
"""

from __future__ import annotations

import re

from diagnostics.collectors.contract import ALL_PLATFORMS, Collector, Cost, Personal
from diagnostics.machine.interface import Machine, Platform, Unreadable
from diagnostics.plain_text import printable
from diagnostics.system_observations import Crash, Crashes

COREDUMPS, APPORT = "/var/lib/systemd/coredump", "/var/crash"
CRASHES_MAX = 1_000
# core.COMM.UID.BOOT-ID.PID.MICROSECONDS, perhaps compressed; COMM may hold dots.
_COREDUMP = re.compile(r"core\.(?P<name>.+)\.\d+\.[0-9a-f]{32}\.\d+\.(?P<us>\d{10,20})(?:\.(?:zst|xz|lz4))?")
_APPORT = re.compile(r"_(?P<path>.+)\.\d+\.crash")


def crash_of(name: str, modified_unix_s: int) -> Crash | None:
    """None for a file that is no memory image."""
    if found := _COREDUMP.fullmatch(name):
        digits = found["us"]
        # Seconds before systemd 229, microseconds since.
        at = int(digits) // 1_000_000 if len(digits) > 12 else int(digits)
        return Crash(printable(found["name"].replace("\\x2f", "/"), 64), at)
    if found := _APPORT.fullmatch(name):
        return Crash(printable(found["path"].rpartition("_")[2], 64), modified_unix_s)
    return None


def collect_crashes(machine: Machine) -> Crashes:
    if machine.platform is Platform.WINDOWS:
        from diagnostics.collectors.windows.crashes import read_crashes

        return read_crashes(machine)
    if machine.platform is Platform.MACOS:
        from diagnostics.collectors.macos.reports import collect_crashes as on_macos

        return on_macos(machine)
    crashes, looked = [], False
    for folder in (COREDUMPS, APPORT):
        try:
            entries = machine.list_folder(folder)
        except Unreadable:
            continue  # this system keeps none there
        looked = True
        crashes += [crash for entry in entries if (crash := crash_of(entry.name, entry.modified_unix_s)) is not None]
    if not looked:
        raise Unreadable("this system keeps no memory images of crashed programs")
    crashes.sort(key=lambda crash: (crash.at_unix_s, crash.program))
    return Crashes(tuple(crashes[-CRASHES_MAX:]))


CRASHES = Collector(
    id="crashes",
    collect=collect_crashes,
    may_contain=frozenset({Personal.INSTALLED_SOFTWARE}),
    cost=Cost.CHEAP,
    platforms=ALL_PLATFORMS,
)
