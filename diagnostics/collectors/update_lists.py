"""When the list of available updates was last fetched: the newest date in the package manager's own folder.

    /var/lib/apt/lists/deb.example.org_debian_dists_bookworm_InRelease      apt
    /var/cache/dnf/fedora-0123456789abcdef                                 dnf
    /var/lib/pacman/sync/core.db                                           pacman

Dates only: asking a package manager which updates wait takes seconds, and locks, and sometimes the network.
"""

from __future__ import annotations

from diagnostics.collectors.contract import ALL_PLATFORMS, Collector, Cost
from diagnostics.machine.interface import Machine, Platform, Unreadable
from diagnostics.system_observations import UpdateLists

FOLDERS = (("apt", "/var/lib/apt/lists"), ("dnf", "/var/cache/dnf"), ("pacman", "/var/lib/pacman/sync"))
# Made when the system was installed, and locks that are touched by every reader.
_NOT_LISTS = frozenset({"lock", "partial", "auxfiles"})


def collect_update_lists(machine: Machine) -> UpdateLists:
    if machine.platform is Platform.WINDOWS:
        from diagnostics.collectors.windows.updates import read_updates

        return read_updates(machine)
    if machine.platform is Platform.MACOS:
        from diagnostics.collectors.macos.updates import collect_update_lists as on_macos

        return on_macos(machine)
    for manager, folder in FOLDERS:
        try:
            entries = machine.list_folder(folder)
        except Unreadable:
            continue  # another family of distributions
        dates = [entry.modified_unix_s for entry in entries if entry.name not in _NOT_LISTS]
        if dates:
            return UpdateLists(manager, max(dates))
    raise Unreadable("no package manager that we know (apt, dnf, pacman) keeps a list of updates here")


UPDATE_LISTS = Collector(
    id="update-lists", collect=collect_update_lists, may_contain=frozenset(), cost=Cost.CHEAP, platforms=ALL_PLATFORMS
)
