"""What starts by itself besides services: programs of the desktop session and planned jobs. Names and dates only.

/etc/xdg/autostart, ~/.config/autostart     programs started with a desktop session (XDG autostart)
/etc/cron.d, cron.hourly … cron.monthly     planned jobs
/etc/systemd/system                         units put there by an administrator or a program's installer
/Library/LaunchAgents, /Library/LaunchDaemons, ~/Library/LaunchAgents    the same on macOS, for sessions and the system
"""

from __future__ import annotations

from diagnostics.collectors.contract import ALL_PLATFORMS, Collector, Cost, Personal
from diagnostics.machine.interface import EntryKind, Machine, Platform, Unreadable
from diagnostics.machine.roots import MACOS_STARTUP_FOLDERS, STARTUP_FOLDERS
from diagnostics.observations import StartupItem, StartupItems
from diagnostics.plain_text import printable

ITEMS_MAX = 1_000
# People with a home folder; a machine with more is a server without desktop sessions.
HOMES_MAX = 20


def _homes(machine: Machine) -> tuple[str, ...]:
    homes, below = ("/Users", "Library/LaunchAgents") if on_macos(machine) else ("/home", ".config/autostart")
    try:
        entries = machine.list_folder(homes)
    except Unreadable:
        return ()  # no homes here, or not for this user
    names = [entry.name for entry in entries if entry.kind is EntryKind.FOLDER and entry.name.isprintable()]
    return tuple(f"{homes}/{name}/{below}" for name in names[:HOMES_MAX])


def on_macos(machine: Machine) -> bool:
    return machine.platform is Platform.MACOS


def collect_startup_items(machine: Machine) -> StartupItems:
    if machine.platform is Platform.WINDOWS:
        from diagnostics.collectors.windows.startup import read_startup_items

        return read_startup_items(machine)
    items, looked = [], 0
    folders = MACOS_STARTUP_FOLDERS if on_macos(machine) else STARTUP_FOLDERS
    for folder in (*folders, *_homes(machine)):
        try:
            entries = machine.list_folder(folder)
        except Unreadable:
            continue  # not on this system, or another person's
        looked += 1
        for entry in entries:
            if entry.kind in (EntryKind.FILE, EntryKind.LINK) and not entry.name.startswith("."):
                name = printable(entry.name, 128)
                items.append(StartupItem(printable(folder, 256), name, entry.size_bytes, entry.modified_unix_s))
    if not looked:
        raise Unreadable("none of the folders of programs that start by themselves is here")
    return StartupItems(tuple(items[:ITEMS_MAX]))


STARTUP_ITEMS = Collector(
    id="startup-items",
    collect=collect_startup_items,
    may_contain=frozenset({Personal.INSTALLED_SOFTWARE, Personal.FILE_PATHS, Personal.USER_NAMES}),
    cost=Cost.CHEAP,
    platforms=ALL_PLATFORMS,
)
