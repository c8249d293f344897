"""``empty-trash`` (risk 2, undoable for 24 hours): what the user has thrown away makes room.

Everything of this user in the home trash (freedesktop.org Trash specification: ``files/`` and ``info/``), by list:
the dry run counts each thing that was thrown away. Trash folders of other disks are left alone.
"""

from __future__ import annotations

from diagnostics.remedies.move_aside import Choice, make_room
from diagnostics.wording import Words

FOLDER = "trash"


def _thing(path: str) -> str:
    """`files/Letters/a.odt` is a part of `Letters`; `info/Letters.trashinfo` its note."""
    part = path.split("/")
    return part[1].removesuffix(".trashinfo") if len(part) > 1 else path


# No age: it is in the trash because somebody put it there.
CHOICE = Choice(
    FOLDER, lambda path, _: path.startswith(("files/", "info/")), 0, _thing, worth_bytes=1_000_000, tidy=True
)
REMEDY = make_room(
    "empty-trash",
    CHOICE,
    Words(
        "Empty the trash",
        "What you have thrown away is put aside for a day and then deleted. Until then it can be put back.",
    ),
    Words(
        "Очистить корзину",
        "Выброшенное вами откладывается на сутки и затем удаляется. До этого его можно вернуть.",
    ),
    cures=("disk-space-low", "disk-filling", "inodes-low"),
)
