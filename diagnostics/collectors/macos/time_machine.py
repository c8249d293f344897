"""When Time Machine last ended a backup.

Its settings, /Library/Preferences/com.apple.TimeMachine.plist (Full Disk Access), know it without the backup disk:

    <dict><key>Destinations</key><array><dict>
      <key>LastKnownVolumeName</key><string>Backups of Anna</string>
      <key>SnapshotDates</key><array><date>2026-11-19T08:00:01Z</date> … </array>
      <key>ReferenceLocalSnapshotDate</key><date>2026-11-20T08:00:01Z</date>
    </dict></array></dict>

`tmutil latestbackup`, with the disk connected; the name is in the machine's own time, a day's difference is none here:

    /Volumes/.timemachine/4D2C…/2026-11-20-080001.backup/2026-11-20-080001.backup
    /Volumes/Backups/Backups.backupdb/Annas Mac/2026-11-20-080001

`tmutil destinationinfo`, where nothing is set up: `tmutil: No destinations configured.`
"""

from __future__ import annotations

import re
from calendar import timegm
from typing import Final

from diagnostics.collectors.macos.permissions import FULL_DISK_ACCESS, told
from diagnostics.collectors.macos.plists import items, mapping, moment, read_plist
from diagnostics.machine import macos_commands
from diagnostics.machine.interface import Machine, Unreadable, UnreadableKind
from diagnostics.system_observations import BackupMark, Backups

SETTINGS: Final = "/Library/Preferences/com.apple.TimeMachine.plist"
PROGRAM: Final = "Time Machine"
_STAMP: Final = re.compile(r"/(\d{4})-(\d\d)-(\d\d)-(\d\d)(\d\d)(\d\d)(?:\.backup)?$")


def parse_settings(value: dict[str, object]) -> int | None:
    dates: list[int] = []
    for destination in items(value.get("Destinations"))[:50]:
        for date in items(mapping(destination).get("SnapshotDates"))[-1_000:]:
            at = moment(date)
            if at is not None:
                dates.append(at)
    return max(dates, default=None)


def parse_latest(content: bytes) -> int | None:
    for line in reversed(content[:65_536].decode("utf-8", "replace").splitlines()):
        found = _STAMP.search(line.strip())
        if found is not None:
            year, month, day, hour, minute, second = (int(part) for part in found.groups())
            if 1 <= month <= 12 and 1 <= day <= 31:
                return timegm((year, month, day, hour, minute, second))
    return None


def collect_backups(machine: Machine) -> Backups:
    denied = False
    newest = None
    try:
        newest = parse_settings(read_plist(machine, SETTINGS))
    except Unreadable as unreadable:
        denied = unreadable.kind is UnreadableKind.DENIED
    if newest is None:
        try:
            newest = parse_latest(told(machine, macos_commands.BACKUP_LATEST))
        except Unreadable as unreadable:
            if unreadable.kind is UnreadableKind.DENIED or denied:
                raise Unreadable(FULL_DISK_ACCESS, UnreadableKind.DENIED) from None
            raise _why(machine) from None
    if newest is None:
        raise _why(machine)
    return Backups((BackupMark(PROGRAM, "system", newest),))


def _why(machine: Machine) -> Unreadable:
    """What to tell where no backup is known: none is set up, or its disk is not connected."""
    try:
        output = machine.run(macos_commands.BACKUP_PLACES)
    except Unreadable as unreadable:
        return unreadable
    if b"No destinations configured" in output.stdout + output.stderr:
        return Unreadable("Time Machine is not set up here")
    return Unreadable("Time Machine's disk is not connected, and when it last ran is not known")
