"""How much each disk works, and how long work waits for disks."""

from __future__ import annotations

import re

from diagnostics.collectors.contract import ALL_PLATFORMS, LINUX_ONLY, Collector, Cost
from diagnostics.collectors.memory import parse_pressure
from diagnostics.hardware_observations import DiskActivities, DiskActivity, IoPressure
from diagnostics.machine.interface import Machine, Platform, Unreadable

# Whole disks: partitions count their disk's requests twice, loop devices and memory are no disks.
_WHOLE_DISK = re.compile(r"(?:sd|vd|xvd|hd)[a-z]+|nvme\d+n\d+|mmcblk\d+")


def parse_diskstats(content: bytes) -> tuple[DiskActivity, ...]:
    """/proc/diskstats (kernel.org: admin-guide/iostats): after the name reads, merged, sectors, ms; writes, merged,
    sectors, ms; in flight, ms busy, ms waited.

    259       0 nvme0n1 81234 4021 6123456 41234 91234 51234 8123456 81234 0 91234 132468 0 0 0 0
    259       1 nvme0n1p1 312 0 4123 61 2 0 2 1 0 84 62
    """
    disks = []
    for line in content.decode("ascii", "replace").splitlines():
        fields = line.split()
        if len(fields) < 14 or not _WHOLE_DISK.fullmatch(fields[2]):
            continue
        try:
            numbers = [int(field) for field in fields[3:14]]
        except ValueError:
            continue
        disks.append(DiskActivity(fields[2], numbers[0] + numbers[4], numbers[3] + numbers[7], numbers[9]))
    return tuple(disks)


def collect_disk_activity(machine: Machine) -> DiskActivities:
    if machine.platform is Platform.WINDOWS:
        from diagnostics.collectors.windows.disks import read_disk_activity

        return read_disk_activity(machine)
    if machine.platform is Platform.MACOS:
        from diagnostics.collectors.macos.disk_activity import collect_disk_activity as on_macos

        return on_macos(machine)
    disks = parse_diskstats(machine.read_file("/proc/diskstats"))
    if not disks:
        raise Unreadable("no disk counts its work here (a container, or disks of another kind)")
    return DiskActivities(disks)


def collect_io_pressure(machine: Machine) -> IoPressure:
    pressure = parse_pressure(machine.read_file("/proc/pressure/io"))
    return IoPressure(pressure.some, pressure.full)


DISK_ACTIVITY = Collector(
    id="disk-activity",
    collect=collect_disk_activity,
    may_contain=frozenset(),
    cost=Cost.CHEAP,
    platforms=ALL_PLATFORMS,
)
IO_PRESSURE = Collector(
    id="io-pressure", collect=collect_io_pressure, may_contain=frozenset(), cost=Cost.CHEAP, platforms=LINUX_ONLY
)
