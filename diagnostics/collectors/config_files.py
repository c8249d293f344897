"""Fingerprints of the configuration files that are watched. Their content goes no further than this file."""

from __future__ import annotations

import hashlib

from diagnostics.collectors.contract import ALL_PLATFORMS, Collector, Cost
from diagnostics.machine.interface import EntryKind, Machine, Platform, Unreadable, UnreadableKind
from diagnostics.machine.roots import MACOS_WATCHED_FILES, WATCHED_FILES, WATCHED_FOLDERS
from diagnostics.observations import ConfigFile, ConfigFiles, UnreadSource
from diagnostics.plain_text import printable

FILE_MAX_BYTES = 1024 * 1024
# A folder of drop-ins holds a handful; more is cut, and the same ones each time.
FOLDER_FILES_MAX = 100


def collect_config_files(machine: Machine) -> ConfigFiles:
    """Files that are not there are left out: one that appears later is a change. Those that are there and may not
    be read are named with the reason."""
    if machine.platform is Platform.WINDOWS:
        from diagnostics.collectors.windows.config import read_config_files

        return read_config_files(machine)
    on_macos = machine.platform is Platform.MACOS
    paths = list(MACOS_WATCHED_FILES if on_macos else WATCHED_FILES)
    for folder in () if on_macos else WATCHED_FOLDERS:
        try:
            entries = machine.list_folder(folder)
        except Unreadable:
            continue  # most systems have only some of these folders
        files = [entry.name for entry in entries if entry.kind is EntryKind.FILE and entry.name.isprintable()]
        paths += [f"{folder}/{name}" for name in files[:FOLDER_FILES_MAX]]
    found, unread = [], []
    for path in paths:
        try:
            content = machine.read_file(path, max_bytes=FILE_MAX_BYTES)
        except Unreadable as unreadable:
            if unreadable.kind is not UnreadableKind.ABSENT:
                unread.append(UnreadSource(path, unreadable.reason))
            continue
        found.append(ConfigFile(printable(path, 256), hashlib.sha256(content).hexdigest(), len(content)))
    if not found:
        raise Unreadable(unread[0].reason if unread else "none of the watched configuration files is here")
    return ConfigFiles(tuple(found), tuple(unread))


CONFIG_FILES = Collector(
    id="config-files",
    collect=collect_config_files,
    may_contain=frozenset(),
    cost=Cost.CHEAP,
    platforms=ALL_PLATFORMS,
)
