"""When macOS last looked for updates, which of them need a restart, and how old its virus signatures are.

/Library/Preferences/com.apple.SoftwareUpdate.plist (binary): LastSuccessfulDate, LastFullSuccessfulDate,
LastSuccessfulBackgroundMSUScanDate (LastSuccessfulMSUScanDate from macOS 26 on), LastBackgroundSuccessfulDate.

`softwareupdate --list --no-scan`, what the system's own last search found:

    Software Update Tool

    Software Update found the following new or updated software:
    * Label: macOS Sequoia 15.7.2-24G325
        Title: macOS Sequoia 15.7.2, Version: 15.7.2, Size: 1823412KiB, Recommended: YES, Action: restart,
    * Label: Safari26.1SequoiaAuto-26.1
        Title: Safari, Version: 26.1, Size: 170342KiB, Recommended: YES,

XProtect is macOS' own scanner; its signatures come as updates named XProtectPlistConfigData, and the history of
installations dates them.
"""

from __future__ import annotations

import re
from typing import Final

from diagnostics.collectors.macos.packages import HISTORY, parse_history
from diagnostics.collectors.macos.permissions import told
from diagnostics.collectors.macos.plists import moment, read_plist
from diagnostics.collectors.macos.system import collect_operating_system
from diagnostics.machine import macos_commands
from diagnostics.machine.interface import Machine, Unreadable
from diagnostics.plain_text import printable
from diagnostics.system_observations import Antivirus, RestartNeeded, UpdateLists

SETTINGS: Final = "/Library/Preferences/com.apple.SoftwareUpdate.plist"
_SEARCHED: Final = (
    "LastSuccessfulDate",
    "LastFullSuccessfulDate",
    "LastSuccessfulBackgroundMSUScanDate",
    "LastSuccessfulMSUScanDate",
    "LastBackgroundSuccessfulDate",
)
_LABEL: Final = re.compile(r"^\s*\* (?:Label: )?(.{1,200})$")
_VERSION: Final = re.compile(r"Version: (\d{1,3})")
_RESTARTS: Final = re.compile(r"Action: restart|\[restart\]")
_SIGNATURES: Final = ("XProtectPlistConfigData", "XProtectCloudKitUpdate")
UPDATES_MAX: Final = 100


def collect_update_lists(machine: Machine) -> UpdateLists:
    settings = read_plist(machine, SETTINGS)
    dates = [at for name in _SEARCHED if (at := moment(settings.get(name))) is not None]
    if not dates:
        raise Unreadable("macOS does not tell when it last looked for updates")
    return UpdateLists("softwareupdate", max(dates))


def parse_updates(content: bytes, *, running: str) -> tuple[str, ...]:
    """Labels of the updates that need a restart. Another version of macOS than the `running` one is an upgrade: whether
    to take it is its owner's choice, and nothing waits for it."""
    found: list[str] = []
    label = ""
    for line in content.decode("utf-8", "replace").splitlines():
        if matched := _LABEL.match(line):
            label = printable(matched[1].strip(), 100)
        elif label and _RESTARTS.search(line):
            version = _VERSION.search(line)
            upgrade = label.startswith("macOS") and version is not None and version[1] != running.partition(".")[0]
            found += [] if upgrade else [label]
            label = ""
    return tuple(dict.fromkeys(found))[:UPDATES_MAX]


def collect_restart_needed(machine: Machine) -> RestartNeeded:
    """macOS installs while it restarts: nothing runs in an old version beside a new one, updates only wait."""
    running = collect_operating_system(machine).version
    waiting = parse_updates(told(machine, macos_commands.UPDATES), running=running)
    return RestartNeeded(False, (), "", None, waiting)


def collect_antivirus(machine: Machine) -> Antivirus:
    dates = [action.at_unix_s for action in parse_history(machine.read_file(HISTORY)) if action.name in _SIGNATURES]
    if not dates:
        raise Unreadable("the history of installations tells of no signatures of XProtect")
    return Antivirus("XProtect", max(dates))
