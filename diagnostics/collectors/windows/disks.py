"""What disks say of their health, and how much each works.

    "physical": [{"DeviceId":"0","FriendlyName":"Samsung SSD 980 1TB","MediaType":4,"BusType":17,"HealthStatus":0,
                  "OperationalStatus":[2]}]      MSFT_PhysicalDisk: BusType 17 NVMe, 11 SATA, 7 USB; health 0 healthy,
                                                 1 warning, 2 unhealthy; operation 2 OK, 5 predictive failure
    "reliability": [{"DeviceId":"0","Wear":3,"ReadErrorsUncorrected":0,"WriteErrorsUncorrected":0,"Temperature":41}]
    "drives": [{"Index":1,"PNPDeviceID":"SCSI\\\\DISK&VEN_&PROD_ST1000DM003\\\\4&1F2E&0&000000"}]
    "predictions": [{"InstanceName":"SCSI\\\\DISK&VEN_&PROD_ST1000DM003\\\\4&1F2E&0&000000_0","PredictFailure":false}]
    "attributes": [{"InstanceName":"…_0","Bytes":"10-00-05-33-00-64-64-08-00-00-00-00-00-00-…"}]

ATA attributes are the drive's own table of 512 bytes: from the third on, twelve for each: number, two of flags, value,
worst, six of raw value, one unused. All but `physical` and `drives` are for administrators. Windows tells neither an
NVMe drive's spare blocks nor its alarm bits: unhealthy and a foretold failure stand for the alarm.

    Win32_PerfRawData_PerfDisk_PhysicalDisk {"Name":"0 C:","DiskTransfersPersec":812345,"PercentDiskTime":912345678901,
        "PercentIdleTime":…,"PercentIdleTime_Base":…}: counts and hundreds of nanoseconds since the start, not shares
"""

from __future__ import annotations

from collections.abc import Iterable

from diagnostics.collectors.windows.gathered import Gathered, Row, ask, flag, hex_bytes, number, text
from diagnostics.hardware_observations import AtaHealth, DiskActivities, DiskActivity, DiskHealth, NvmeHealth
from diagnostics.machine import windows_commands as commands
from diagnostics.machine.interface import Machine, Unreadable
from diagnostics.observations import UnreadSource

_NVME, _ATA = 17, frozenset({3, 11})
_UNHEALTHY, _PREDICTED = 2, 5
# NVM Express base specification, log page 02h: bit 2, reliability degraded.
_DEGRADED = 0b100
_DISKS_MAX = 32
_TICKS_PER_MS = 10_000


def smart_attributes(table: bytes) -> dict[str, int]:
    """Raw values by attribute number; empty when this is no such table."""
    raw = {}
    for start in range(2, min(len(table), 362) - 11, 12):
        if table[start]:
            raw[str(table[start])] = int.from_bytes(table[start + 5 : start + 11], "little")
    return raw


def _by_instance(rows: Iterable[Row], drives: Iterable[Row]) -> dict[str, Row]:
    """Rows of WMI's storage drivers by disk number: their name is the drive's own and `_0`."""
    numbers = {text(drive, "PNPDeviceID", 400).lower(): str(number(drive, "Index")) for drive in drives}
    found = {}
    for row in rows:
        name = text(row, "InstanceName", 400).lower().rpartition("_")[0]
        if name in numbers:
            found[numbers[name]] = row
    return found


def disk_health_of(gathered: Gathered) -> DiskHealth:
    """Raises Unreadable when no disk tells anything."""
    drives = gathered.rows_or_none("drives")
    predictions = _by_instance(gathered.rows_or_none("predictions"), drives)
    tables = _by_instance(gathered.rows_or_none("attributes"), drives)
    reliability = {text(row, "DeviceId"): row for row in gathered.rows_or_none("reliability")}
    try:
        gathered.rows("reliability")
        silent = Unreadable("the disk tells nothing of its health")
    except Unreadable as unreadable:
        silent = unreadable
    ata: list[AtaHealth] = []
    nvme: list[NvmeHealth] = []
    unread: list[UnreadSource] = []
    for disk in gathered.rows("physical")[:_DISKS_MAX]:
        place, model = text(disk, "DeviceId", 40), text(disk, "FriendlyName", 80)
        name, counters = f"Disk {place}", reliability.get(place, {})
        status = disk.get("OperationalStatus")
        states = status if isinstance(status, list) else [status]
        health = number(disk, "HealthStatus")
        failing = health == _UNHEALTHY or _PREDICTED in states or flag(predictions.get(place, {}), "PredictFailure")
        bus = number(disk, "BusType")
        if bus == _NVME and (counters or failing):
            nvme.append(
                NvmeHealth(
                    name,
                    model,
                    _DEGRADED if failing else 0,
                    None,
                    None,
                    (number(counters, "Wear") or 0) / 100,
                    (number(counters, "ReadErrorsUncorrected") or 0)
                    + (number(counters, "WriteErrorsUncorrected") or 0),
                )
            )
        elif bus in _ATA and (failing or place in tables or place in predictions):
            raw = smart_attributes(hex_bytes(tables.get(place, {}), "Bytes"))
            ata.append(AtaHealth(name, model, not failing, raw))
        else:
            unread.append(UnreadSource(name, silent.reason))
    if not ata and not nvme:
        raise silent if unread else Unreadable("no disk here tells of its health")
    return DiskHealth(tuple(ata), tuple(nvme), tuple(unread))


def read_disk_health(machine: Machine) -> DiskHealth:
    return disk_health_of(ask(machine, commands.DISKS))


def disk_activities_of(rows: Iterable[Row]) -> DiskActivities:
    """Time busy is the time that passed without the time idle: only its rise means something."""
    disks = []
    for row in rows:
        name = text(row, "Name", 60)
        values = [
            number(row, it)
            for it in ("DiskTransfersPersec", "PercentDiskTime", "PercentIdleTime", "PercentIdleTime_Base")
        ]
        requests, waited, idle, passed = values
        if name in ("", "_Total") or requests is None or waited is None or idle is None or passed is None:
            continue
        disks.append(DiskActivity(name, requests, waited // _TICKS_PER_MS, max(0, passed - idle) // _TICKS_PER_MS))
    if not disks:
        raise Unreadable("Windows' counters of disks are switched off, or hold none")
    return DiskActivities(tuple(disks[:_DISKS_MAX]))


def read_disk_activity(machine: Machine) -> DiskActivities:
    return disk_activities_of(ask(machine, commands.COUNTERS).rows("disks"))
