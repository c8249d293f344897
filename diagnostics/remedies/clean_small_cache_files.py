"""``clean-small-cache-files`` (risk 2, reversible for 24 hours): thousands of tiny old cache files free inodes.

The same folders and age as `clean_user_cache`, and just the files that one leaves: below one block they free no room,
but each takes one of the file system's entries.
"""

from __future__ import annotations

from diagnostics.machine.interface import FolderEntry
from diagnostics.remedies.clean_user_cache import AGE_MIN_S, FOLDER, SIZE_MIN_BYTES, is_known_cache
from diagnostics.remedies.move_aside import Choice, make_room
from diagnostics.wording import Words


def _may_go(path: str, entry: FolderEntry) -> bool:
    return is_known_cache(path) and entry.size_bytes < SIZE_MIN_BYTES


# Fewer than a thousand of some hundred thousand entries change nothing.
CHOICE = Choice(FOLDER, _may_go, AGE_MIN_S, lambda path: path.split("/", 1)[0], worth_bytes=0, worth_files=1000)
REMEDY = make_room(
    "clean-small-cache-files",
    CHOICE,
    Words(
        "Clean small old cache files",
        "A disk can hold only so many files. Thousands of tiny copies that programs can fetch again are put aside for "
        "a day and then deleted.",
    ),
    Words(
        "Очистить мелкие старые файлы кэша",
        "Число файлов на диске ограничено. Тысячи мелких копий, которые программы могут загрузить снова, "
        "откладываются на сутки и затем удаляются.",
    ),
    cures=("inodes-low",),
)
