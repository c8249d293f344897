"""How much space the folders two steps below the root take; names of people may be in their paths.

[{"path": "/var/lib/docker", "allocated_bytes": 81604378624, "files": 120311, "complete": true}]
"""

from __future__ import annotations

from diagnostics.collectors.contract import Collector, Cost, Personal
from diagnostics.machine.interface import Machine, Native
from diagnostics.plain_text import printable
from diagnostics.strict_json import decode
from diagnostics.system_observations import FolderSize, FolderSizes


def collect_folder_sizes(machine: Machine) -> FolderSizes:
    folders = decode(tuple[FolderSize, ...], machine.native(Native.FOLDER_SIZES))
    return FolderSizes(
        tuple(FolderSize(printable(it.path, 300), it.allocated_bytes, it.files, it.complete) for it in folders)
    )


FOLDER_SIZES = Collector(
    id="folder-sizes",
    collect=collect_folder_sizes,
    may_contain=frozenset({Personal.FILE_PATHS, Personal.USER_NAMES}),
    cost=Cost.COSTLY,
)
