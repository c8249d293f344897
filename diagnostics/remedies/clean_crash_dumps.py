"""``clean-crash-dumps`` (risk 2, reversible for 24 hours): memory images of programs that crashed a week ago or more.

They help whoever looks into the crash and nobody else, and they hold what the program had in memory. A young one
stays: support may still ask for it.
"""

from __future__ import annotations

from diagnostics.remedies.budget import DAY_S
from diagnostics.remedies.move_aside import Choice, make_room
from diagnostics.wording import Words

FOLDER = "crash-dumps"

CHOICE = Choice(
    FOLDER,
    lambda path, _: "/" not in path and (path.startswith("core.") or path.endswith((".crash", ".core"))),
    7 * DAY_S,
    lambda path: "crash images",
    worth_bytes=20_000_000,
    others_too=True,
)
REMEDY = make_room(
    "clean-crash-dumps",
    CHOICE,
    Words(
        "Clean old crash images",
        "When a program crashes, its memory is written to the disk. Such images older than a week are put aside for a "
        "day and then deleted.",
    ),
    Words(
        "Очистить старые отчёты о сбоях",
        "При сбое память программы записывается на диск. Такие файлы старше недели откладываются на сутки и затем "
        "удаляются.",
    ),
    cures=("disk-space-low", "disk-filling"),
    needs=("administrator",),
)
