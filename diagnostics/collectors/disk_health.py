"""What disks say of themselves (SMART), by `smartctl --json`. Sleeping disks are left asleep (`-n standby`).

ATA: {"device":{"name":"/dev/sda","protocol":"ATA"},"model_name":"ST1000DM003","smart_status":{"passed":true},
  "ata_smart_attributes":{"table":[{"id":5,"name":"Reallocated_Sector_Ct","value":100,"worst":100,"thresh":36,
  "when_failed":"","raw":{"value":8,"string":"8"}}]}}
NVMe: {"device":{"name":"/dev/nvme0","protocol":"NVMe"},"model_name":"…","nvme_smart_health_information_log":
  {"critical_warning":0,"available_spare":100,"available_spare_threshold":10,"percentage_used":3,"media_errors":0}}
smartctl(8): of the exit code bit 0 and 1 mean that nothing was read (bit 1 also for a disk asleep); the others are
the disk's own news, and are in the JSON.
"""

from __future__ import annotations

import json

from diagnostics.collectors.contract import ALL_PLATFORMS, Collector, Cost, Personal, Privilege
from diagnostics.collectors.disk_activity import parse_diskstats
from diagnostics.hardware_observations import AtaHealth, DiskHealth, NvmeHealth
from diagnostics.machine import commands
from diagnostics.machine.interface import Machine, Platform, Unreadable
from diagnostics.observations import UnreadSource
from diagnostics.plain_text import printable

# Each asks for up to 10 s; a server with more has a tool of its own.
DISKS_MAX = 8
_NOT_READ = 0b11
# ATA: the scale runs to 253, and a limit of 254 or 255 is for tests of makers. A limit of 0 means that there is none,
# but for the scales that count a life down to nothing.
_SCALE_MAX, _LIMIT_MAX = 253, 253
_LIVES = ("177", "202", "231", "233")


def _mapping(value: object) -> dict[str, object]:
    return value if isinstance(value, dict) else {}


def _number(value: object) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) else 0


def parse_smartctl(content: bytes, device: str) -> AtaHealth | NvmeHealth:
    """Raises Unreadable when the disk told nothing that is known here."""
    try:
        value = _mapping(json.loads(content))
    except (ValueError, RecursionError):
        raise Unreadable("smartctl gave no JSON (its version is older than 7.0)") from None
    model = printable(str(value.get("model_name", "")), 80)
    log = _mapping(value.get("nvme_smart_health_information_log"))
    if log:
        return NvmeHealth(
            device,
            model,
            _number(log.get("critical_warning")),
            _number(log.get("available_spare")) / 100,
            _number(log.get("available_spare_threshold")) / 100,
            _number(log.get("percentage_used")) / 100,
            _number(log.get("media_errors")),
        )
    table = _mapping(value.get("ata_smart_attributes")).get("table")
    passed = _mapping(value.get("smart_status")).get("passed")
    if not isinstance(table, list):
        messages = _mapping(value.get("smartctl")).get("messages")
        first = _mapping(messages[0]).get("string") if isinstance(messages, list) and messages else ""
        raise Unreadable(printable(str(first), 200) or "the disk tells nothing of its health")
    rows = [_mapping(row) for row in table]
    raw = {str(_number(row.get("id"))): _number(_mapping(row.get("raw")).get("value")) for row in rows}
    above = {number: left for row in rows for number, left in _above(row)}
    return AtaHealth(device, model, passed if isinstance(passed, bool) else None, raw, above)


def _above(row: dict[str, object]) -> list[tuple[str, int]]:
    """How far one attribute's scale is above its limit; empty when one of the two is not told."""
    number, value, limit = str(_number(row.get("id"))), _number(row.get("value")), row.get("thresh")
    if not isinstance(limit, int) or not 0 < value <= _SCALE_MAX or not 0 <= limit <= _LIMIT_MAX:
        return []
    return [(number, value - limit)] if limit or number in _LIVES else []


def collect_disk_health(machine: Machine) -> DiskHealth:
    if machine.platform is Platform.WINDOWS:
        from diagnostics.collectors.windows.disks import read_disk_health

        return read_disk_health(machine)
    if machine.platform is Platform.MACOS:
        from diagnostics.collectors.macos.disk_health import collect_disk_health as on_macos

        return on_macos(machine)
    names = [disk.name for disk in parse_diskstats(machine.read_file("/proc/diskstats"))]
    ata, nvme, unread = [], [], []
    for name in names[:DISKS_MAX]:
        try:
            output = machine.run(commands.smart(name))
            if output.exit_code & _NOT_READ:
                parse_smartctl(output.stdout, name)  # its message says why
                raise Unreadable("the disk sleeps, or may not be asked by this user")
            health = parse_smartctl(output.stdout, name)
        except Unreadable as unreadable:
            unread.append(UnreadSource(name, unreadable.reason))
            continue
        if isinstance(health, NvmeHealth):
            nvme.append(health)
        else:
            ata.append(health)
    if not ata and not nvme:
        raise Unreadable(unread[0].reason if unread else "no disk here tells of its health")
    return DiskHealth(tuple(ata), tuple(nvme), tuple(unread))


DISK_HEALTH = Collector(
    id="disk-health",
    collect=collect_disk_health,
    may_contain=frozenset({Personal.SERIAL_NUMBERS}),
    cost=Cost.COSTLY,
    privilege=Privilege.ADMINISTRATOR,
    platforms=ALL_PLATFORMS,
)
