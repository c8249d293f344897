"""How filesystems are meant to be mounted: /etc/fstab."""

from __future__ import annotations

from diagnostics.collectors.contract import LINUX_ONLY, Collector, Cost, Personal
from diagnostics.machine.interface import Machine
from diagnostics.system_observations import Fstab


def parse_fstab(content: bytes) -> dict[str, tuple[str, ...]]:
    """fstab(5): device, mount point, kind, options; spaces in names as \\040.

    UUID=5d2c0e1a / ext4 errors=remount-ro 0 1
    """
    found = {}
    for line in content.decode("utf-8", "replace").splitlines():
        fields = line.split()
        if len(fields) >= 4 and not fields[0].startswith("#") and fields[1].startswith("/"):
            found[fields[1].replace("\\040", " ")] = tuple(fields[3].split(","))
    return found


def collect_fstab(machine: Machine) -> Fstab:
    return Fstab(parse_fstab(machine.read_file("/etc/fstab")))


FSTAB = Collector(
    id="fstab",
    collect=collect_fstab,
    may_contain=frozenset({Personal.FILE_PATHS}),
    cost=Cost.CHEAP,
    platforms=LINUX_ONLY,
)
