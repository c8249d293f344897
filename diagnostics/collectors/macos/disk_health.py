"""What disks say of themselves, by `diskutil`: SMART's verdict, and of NVMe drives their own counters.

`diskutil list -plist physical`: {"WholeDisks": ["disk0", "disk4"], …}. `diskutil info -plist disk0`:

    <dict>
      <key>BusProtocol</key><string>Apple Fabric</string>          PCI-Express, SATA, USB
      <key>MediaName</key><string>APPLE SSD AP0512Z</string>
      <key>SMARTStatus</key><string>Verified</string>              Failing, Not Supported, About to Fail
      <key>SMARTDeviceSpecificKeysMayVaryNotGuaranteed</key><dict>
        <key>AVAILABLE_SPARE</key><integer>100</integer>
        <key>AVAILABLE_SPARE_THRESHOLD</key><integer>99</integer>
        <key>CRITICAL_WARNING</key><integer>0</integer>
        <key>MEDIA_ERRORS_0</key><integer>0</integer>              low half of a 128-bit number
        <key>PERCENTAGE_USED</key><integer>3</integer>
        <key>TEMPERATURE</key><integer>306</integer>               kelvin
      </dict>
    </dict>

Apple's own drives name 99 % as the threshold of their spare: taken at its word, the first block in use would be an
alarm. So the threshold that other makers use counts, and the drive's own critical warning above all. The attributes of
ATA disks need `smartctl`, which is no part of macOS and lies where any user may put another: only the verdict is read.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from diagnostics.collectors.macos.permissions import told
from diagnostics.collectors.macos.plists import items, mapping, number, parse_plist, words
from diagnostics.hardware_observations import AtaHealth, DiskHealth, NvmeHealth, Temperature
from diagnostics.machine import macos_commands
from diagnostics.machine.interface import Machine, Unreadable
from diagnostics.observations import UnreadSource

DISKS_MAX: Final = 8
_SPARE_THRESHOLD: Final = 0.10
_KEYS: Final = "SMARTDeviceSpecificKeysMayVaryNotGuaranteed"
_VERDICTS: Final = {"verified": True, "failing": False, "about to fail": False}
_KELVIN_AT_ZERO_C: Final = 273.15


@dataclass(frozen=True, slots=True)
class Disk:
    """One physical disk. `counters` is empty where it is no NVMe drive, or its controller does not tell."""

    name: str
    model: str
    passed: bool | None
    counters: dict[str, int]

    @property
    def celsius(self) -> float | None:
        kelvin = self.counters.get("TEMPERATURE")
        return None if kelvin is None or not 250 <= kelvin <= 450 else round(kelvin - _KELVIN_AT_ZERO_C, 1)


def parse_disk(content: bytes, name: str) -> Disk:
    value = mapping(parse_plist(content, f"what diskutil tells of {name}"))
    told_keys = {
        str(key): found for key, item in mapping(value.get(_KEYS)).items() if (found := number(item)) is not None
    }
    verdict = words(value.get("SMARTStatus")).lower()
    return Disk(name, words(value.get("MediaName"), 80).strip(), _VERDICTS.get(verdict), told_keys)


def read_disks(machine: Machine) -> tuple[tuple[Disk, ...], tuple[UnreadSource, ...]]:
    listed = mapping(parse_plist(told(machine, macos_commands.DISKS), "diskutil's list of disks"))
    names = [words(name, 16) for name in items(listed.get("WholeDisks"))]
    disks, unread = [], []
    for name in names[:DISKS_MAX]:
        try:
            disks.append(parse_disk(told(machine, macos_commands.disk(name)), name))
        except Unreadable as unreadable:
            unread.append(UnreadSource(name, unreadable.reason))
    return tuple(disks), tuple(unread)


def health_of(disks: tuple[Disk, ...], unread: tuple[UnreadSource, ...]) -> DiskHealth:
    """Raises Unreadable when no disk tells anything: behind USB most do not."""
    ata, nvme = [], []
    silent = list(unread)
    for disk in disks:
        if "PERCENTAGE_USED" in disk.counters or "AVAILABLE_SPARE" in disk.counters:
            nvme.append(_nvme(disk))
        elif disk.passed is not None:
            ata.append(AtaHealth(disk.name, disk.model, disk.passed, {}))
        else:
            silent.append(UnreadSource(disk.name, "its controller does not tell SMART's verdict"))
    if not ata and not nvme:
        raise Unreadable(silent[0].reason if silent else "no disk here tells of its health")
    return DiskHealth(tuple(ata), tuple(nvme), tuple(silent))


def _nvme(disk: Disk) -> NvmeHealth:
    warning = disk.counters.get("CRITICAL_WARNING", 0)
    if disk.passed is False:
        warning |= 0b100  # "reliability is degraded": the verdict, where the bits themselves are not told
    return NvmeHealth(
        disk.name,
        disk.model,
        warning,
        disk.counters.get("AVAILABLE_SPARE", 100) / 100,
        min(_SPARE_THRESHOLD, disk.counters.get("AVAILABLE_SPARE_THRESHOLD", 10) / 100),
        disk.counters.get("PERCENTAGE_USED", 0) / 100,
        disk.counters.get("MEDIA_ERRORS_0", 0),
    )


def collect_disk_health(machine: Machine) -> DiskHealth:
    return health_of(*read_disks(machine))


def disk_temperatures(machine: Machine) -> tuple[Temperature, ...]:
    disks, _ = read_disks(machine)
    return tuple(Temperature(f"nvme {disk.name}", disk.celsius, None) for disk in disks if disk.celsius is not None)
