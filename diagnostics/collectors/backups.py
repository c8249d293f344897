"""When a backup last ended, by what the backup programs leave behind on this machine. Names and dates only.

    ~/.cache/restic/REPOSITORY/snapshots/       a file a snapshot, written when it is made or first seen here
    ~/.cache/borg/REPOSITORY/                   `chunks` and `files` are written anew at the end of each backup
    ~/.cache/deja-dup/REPOSITORY/               duplicity-inc.20261119T080000Z.to.20261120T080000Z.manifest
    /timeshift/snapshots/2026-11-20_08-00-01/   a folder a snapshot

A repository that another machine writes to leaves no mark here; a home folder that may not be entered tells
nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime

from diagnostics.collectors.contract import ALL_PLATFORMS, Collector, Cost, Personal
from diagnostics.machine.interface import EntryKind, FolderEntry, Machine, Platform, Unreadable
from diagnostics.plain_text import printable
from diagnostics.system_observations import BackupMark, Backups

TIMESHIFT_FOLDERS = ("/timeshift/snapshots", "/run/timeshift/backup/timeshift/snapshots")
HOMES_MAX = 20
REPOSITORIES_MAX = 20
_DUPLICITY = re.compile(r"duplicity-(?:full\.|inc\.\d{8}T\d{6}Z\.to\.)(\d{8}T\d{6})Z\.manifest")
_BORG_FILES = ("chunks", "files", "chunks.zst")


def timeshift_times(names: list[str]) -> Iterator[int]:
    """Timeshift names its snapshots by local time; a day's difference does not matter here."""
    for name in names:
        try:
            yield int(datetime.strptime(name, "%Y-%m-%d_%H-%M-%S").replace(tzinfo=UTC).timestamp())
        except ValueError:
            continue  # `latest`, or something else somebody put there


def duplicity_times(names: list[str]) -> Iterator[int]:
    for name in names:
        match = _DUPLICITY.fullmatch(name)
        if match is not None:
            yield int(datetime.strptime(match[1], "%Y%m%dT%H%M%S").replace(tzinfo=UTC).timestamp())


def _list(machine: Machine, path: str) -> tuple[FolderEntry, ...]:
    try:
        return machine.list_folder(path)
    except Unreadable:
        return ()  # this program is not used here, or not for our eyes


def _repositories(machine: Machine, cache: str) -> list[str]:
    return [entry.name for entry in _list(machine, cache) if entry.kind is EntryKind.FOLDER][:REPOSITORIES_MAX]


def _of_home(machine: Machine, home: str, owner: str) -> Iterator[BackupMark]:
    cache = f"{home}/.cache"
    times: dict[str, list[int]] = {"restic": [], "borg": [], "deja-dup": []}
    for name in _repositories(machine, f"{cache}/restic"):
        snapshots = _list(machine, f"{cache}/restic/{name}/snapshots")
        times["restic"] += [entry.modified_unix_s for entry in snapshots]
    for name in _repositories(machine, f"{cache}/borg"):
        files = _list(machine, f"{cache}/borg/{name}")
        times["borg"] += [entry.modified_unix_s for entry in files if entry.name in _BORG_FILES]
    for name in _repositories(machine, f"{cache}/deja-dup"):
        times["deja-dup"] += duplicity_times([entry.name for entry in _list(machine, f"{cache}/deja-dup/{name}")])
    yield from (BackupMark(program, owner, max(found)) for program, found in times.items() if found)


def collect_backups(machine: Machine) -> Backups:
    if machine.platform is Platform.WINDOWS:
        from diagnostics.collectors.windows.backups import read_backups

        return read_backups(machine)
    if machine.platform is Platform.MACOS:
        from diagnostics.collectors.macos.time_machine import collect_backups as on_macos

        return on_macos(machine)
    marks: list[BackupMark] = []
    for folder in TIMESHIFT_FOLDERS:
        found = list(timeshift_times([entry.name for entry in _list(machine, folder)]))
        if found:
            marks.append(BackupMark("timeshift", "system", max(found)))
    marks += _of_home(machine, "/root", "root")
    for home in _list(machine, "/home")[:HOMES_MAX]:
        if home.kind is EntryKind.FOLDER:
            marks += _of_home(machine, f"/home/{home.name}", printable(home.name, 64))
    if not marks:
        raise Unreadable("no backup program that we know (restic, borg, Déjà Dup, Timeshift) has left a mark here")
    return Backups(tuple(marks))


BACKUPS = Collector(
    id="backups",
    collect=collect_backups,
    may_contain=frozenset({Personal.USER_NAMES}),
    cost=Cost.CHEAP,
    platforms=ALL_PLATFORMS,
)
