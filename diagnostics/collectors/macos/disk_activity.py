"""How much each disk worked since it was connected, and what failed: `ioreg -a -r -c IOBlockStorageDriver`.

    <array><dict>
      <key>Statistics</key><dict>
        <key>Operations (Read)</key><integer>2416853</integer>
        <key>Operations (Write)</key><integer>1012953</integer>
        <key>Total Time (Read)</key><integer>658433335156</integer>       nanoseconds of all requests together
        <key>Total Time (Write)</key><integer>67313671632</integer>
        <key>Errors (Read)</key><integer>0</integer>
        <key>Errors (Write)</key><integer>0</integer>
        <key>Retries (Read)</key><integer>0</integer> …
      </dict>
      <key>IORegistryEntryChildren</key><array><dict>
        <key>BSD Name</key><string>disk0</string><key>Whole</key><true/> …

macOS does not count for how long a disk had anything to do at all. `busy_ms` here is the time of all requests together,
which is more than that when several wait at once.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from diagnostics.collectors.macos.permissions import told
from diagnostics.collectors.macos.plists import items, mapping, number, parse_plist, words
from diagnostics.hardware_observations import DiskActivities, DiskActivity
from diagnostics.machine import macos_commands
from diagnostics.machine.interface import Machine, Unreadable

DISKS_MAX: Final = 32
_NS_A_MS: Final = 1_000_000


@dataclass(frozen=True, slots=True)
class Driver:
    """Counters of one disk since it was connected."""

    disk: str
    requests: int
    took_ns: int
    errors: int


def parse_drivers(content: bytes) -> tuple[Driver, ...]:
    found = []
    for entry in items(parse_plist(content, "ioreg's list of disk drivers"))[:DISKS_MAX]:
        driver = mapping(entry)
        names = [
            words(mapping(child).get("BSD Name"), 16) for child in items(driver.get("IORegistryEntryChildren"))[:8]
        ]
        name = next((name for name in names if name), "")
        counted = mapping(driver.get("Statistics"))

        def both(what: str, counted: dict[str, object] = counted) -> int:
            return sum(max(0, number(counted.get(f"{what} ({way})")) or 0) for way in ("Read", "Write"))

        if name and counted:
            found.append(Driver(name, both("Operations"), both("Total Time"), both("Errors")))
    return tuple(found)


def read_drivers(machine: Machine) -> tuple[Driver, ...]:
    return parse_drivers(told(machine, macos_commands.DISK_DRIVERS))


def collect_disk_activity(machine: Machine) -> DiskActivities:
    disks = []
    for driver in read_drivers(machine):
        took_ms = driver.took_ns // _NS_A_MS
        disks.append(DiskActivity(driver.disk, driver.requests, took_ms, took_ms))
    if not disks:
        raise Unreadable("no disk counts its work here")
    return DiskActivities(tuple(disks))
