"""``clean-temporary-files`` (risk 2, reversible for 24 hours): old files of this user in the system's folder for
temporary files.

30 days, as systemd keeps /var/tmp. A program that still has such a file open goes on with it: it is moved, not
emptied. Sockets and pipes are no regular files and stay.
"""

from __future__ import annotations

from diagnostics.remedies.budget import DAY_S
from diagnostics.remedies.move_aside import Choice, make_room
from diagnostics.wording import Words

FOLDER = "temporary"
# Private folders of services and snaps: their owners clean them.
_PRIVATE = ("systemd-private-", "snap-private-tmp", "snap.")

CHOICE = Choice(
    FOLDER, lambda path, _: not path.startswith(_PRIVATE), 30 * DAY_S, lambda path: path.split("/", 1)[0], tidy=False
)
REMEDY = make_room(
    "clean-temporary-files",
    CHOICE,
    Words(
        "Clean old temporary files",
        "Temporary files that no program touched for a month are put aside for a day and then deleted.",
    ),
    Words(
        "Очистить старые временные файлы",
        "Временные файлы, которые не менялись месяц, откладываются на сутки и затем удаляются.",
    ),
    cures=("disk-space-low", "disk-filling", "inodes-low"),
)
