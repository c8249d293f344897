"""Open files of the processes this user may look into."""

from __future__ import annotations

from dataclasses import replace

from diagnostics.collectors.contract import Collector, Cost, Personal
from diagnostics.machine.interface import Machine
from diagnostics.plain_text import printable
from diagnostics.system_observations import OpenFiles


def collect_open_files(machine: Machine) -> OpenFiles:
    return OpenFiles(tuple(replace(item, name=printable(item.name, 64)) for item in machine.open_files()))


OPEN_FILES = Collector(
    id="open-files",
    collect=collect_open_files,
    may_contain=frozenset({Personal.INSTALLED_SOFTWARE}),
    cost=Cost.MODERATE,
)
