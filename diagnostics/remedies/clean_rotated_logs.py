"""``clean-rotated-logs`` (risk 2, reversible for 24 hours): old logs that were already closed and renamed.

Only names that logrotate gives (``.1``, ``.2.gz``, ``.old``, ``-20260101.xz``) in the system's log folder, untouched
for 30 days. A log that a program still writes is never one of them. What was removed cannot be searched any more.
"""

from __future__ import annotations

import re

from diagnostics.remedies.budget import DAY_S
from diagnostics.remedies.move_aside import Choice, make_room
from diagnostics.wording import Words

FOLDER = "system-logs"
_ROTATED = re.compile(r".+(\.\d{1,3}|\.old|-\d{8}|\.\d{1,3}\.(gz|xz|bz2|zst)|-\d{8}\.(gz|xz|bz2|zst))")

CHOICE = Choice(
    FOLDER,
    lambda path, _: not path.startswith("journal/") and _ROTATED.fullmatch(path) is not None,
    30 * DAY_S,
    lambda path: path.rsplit("/", 1)[0] if "/" in path else "the log folder",
    worth_bytes=20_000_000,
    others_too=True,  # each service's logs are its own user's
)
REMEDY = make_room(
    "clean-rotated-logs",
    CHOICE,
    Words(
        "Clean old logs",
        "Logs older than a month that are already closed are put aside for a day and then deleted. "
        "Today's logs stay as they are.",
    ),
    Words(
        "Очистить старые журналы",
        "Закрытые журналы старше месяца откладываются на сутки и затем удаляются. Текущие журналы остаются.",
    ),
    cures=("disk-space-low", "disk-filling"),
    needs=("administrator",),
)
