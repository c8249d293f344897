"""Which folders remedies may change on this machine, by the names that remedies know them by.

    user-cache    $XDG_CACHE_HOME or ~/.cache             trash       $XDG_DATA_HOME/Trash or ~/.local/share/Trash
    home, ssh     ~ and ~/.ssh                            autostart   $XDG_CONFIG_HOME/autostart or ~/.config/autostart
    etc           /etc                                    temporary   the first of $TMPDIR, /var/tmp, /tmp on this disk
    system-logs   /var/log                                crash-dumps, package-cache   the first that is there

A folder that is not there is left out, and its remedies say so. On macOS the user's cache is the only
one, on Windows there is none.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence

from diagnostics.machine.change.linux import user_cache_root
from diagnostics.machine.interface import ActRefused, FileIdentity, FolderEntry

_PACKAGE_CACHES = ("/var/cache/apt/archives", "/var/cache/pacman/pkg", "/var/cache/dnf", "/var/cache/libdnf5")
_CRASH_DUMPS = ("/var/lib/systemd/coredump", "/var/crash")


def changeable_folders(quarantine: str) -> Mapping[str, str]:
    """Name to absolute folder. `quarantine`: temporary files are moved there, so their folder must share its disk."""
    if sys.platform == "win32":
        return {}
    if sys.platform != "linux":
        return {"user-cache": user_cache_root()} if os.path.isdir(user_cache_root()) else {}
    home = os.path.expanduser("~")
    wanted = {
        "user-cache": user_cache_root(),
        "trash": f"{_chosen('XDG_DATA_HOME', f'{home}/.local/share')}/Trash",
        "autostart": f"{_chosen('XDG_CONFIG_HOME', f'{home}/.config')}/autostart",
        "home": home,
        "ssh": f"{home}/.ssh",
        "etc": "/etc",
        "system-logs": "/var/log",
        "temporary": _first(_on_one_disk((_chosen("TMPDIR", ""), "/var/tmp", "/tmp"), quarantine)),  # noqa: S108
        "package-cache": _first(_PACKAGE_CACHES),
        "crash-dumps": _first(_CRASH_DUMPS),
    }
    return {name: folder for name, folder in wanted.items() if folder and os.path.isdir(folder)}


def _chosen(variable: str, otherwise: str) -> str:
    value = os.environ.get(variable, "")
    return value if value.startswith("/") else otherwise


def _first(folders: Sequence[str]) -> str:
    return next((folder for folder in folders if folder and os.path.isdir(folder)), "")


def _on_one_disk(folders: Sequence[str], quarantine: str) -> list[str]:
    place = quarantine
    while not os.path.isdir(place) and place != os.path.dirname(place):
        place = os.path.dirname(place)
    here = os.stat(place).st_dev
    return [folder for folder in folders if folder and os.path.isdir(folder) and os.stat(folder).st_dev == here]


class NothingToChange:
    """Implements `ChangingMachine` where files are not moved: each act is refused."""

    def list_tree(self, root: str, *, max_entries: int) -> tuple[tuple[str, FolderEntry], ...]:
        raise ActRefused("files are not moved on this system in this version")

    def quarantine(self, root: str, relative: str, seen: FileIdentity, into: str) -> None:
        raise ActRefused("files are not moved on this system in this version")

    def restore(self, root: str, relative: str, seen: FileIdentity, out_of: str) -> None:
        raise ActRefused("files are not moved on this system in this version")

    def remove_file(self, root: str, relative: str, seen: FileIdentity) -> None:
        raise ActRefused("files are not moved on this system in this version")

    def remove_empty_folders(self, root: str) -> int:
        raise ActRefused("files are not moved on this system in this version")
