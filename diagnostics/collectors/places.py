"""How much room known folders take, and on which filesystem. Asked only when a known issue needs it."""

from __future__ import annotations

from diagnostics.collectors.contract import Collector, Cost, Personal
from diagnostics.collectors.filesystems import collect_mounts, mount_holding
from diagnostics.machine.interface import Machine, Place
from diagnostics.observations import PlaceUse
from diagnostics.plain_text import printable


def collect_place(machine: Machine, place: Place) -> PlaceUse:
    size = machine.measure(place)
    mount = mount_holding(size.path, collect_mounts(machine))
    return PlaceUse(printable(size.path, 1024), mount, size.allocated_bytes, size.files, size.complete)


def collect_user_cache(machine: Machine) -> PlaceUse:
    return collect_place(machine, Place.USER_CACHE)


def collect_temporary(machine: Machine) -> PlaceUse:
    return collect_place(machine, Place.TEMPORARY)


def collect_journal(machine: Machine) -> PlaceUse:
    return collect_place(machine, Place.JOURNAL)


_PATHS = frozenset({Personal.FILE_PATHS, Personal.USER_NAMES})

USER_CACHE = Collector(id="user-cache", collect=collect_user_cache, may_contain=_PATHS, cost=Cost.COSTLY)
TEMPORARY = Collector(id="temporary", collect=collect_temporary, may_contain=_PATHS, cost=Cost.COSTLY)
JOURNAL_SIZE = Collector(id="journal-size", collect=collect_journal, may_contain=_PATHS, cost=Cost.COSTLY)
