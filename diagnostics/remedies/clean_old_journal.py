"""``clean-old-journal`` (risk 2, reversible for 24 hours): archived files of systemd's journal.

What ``journalctl --vacuum-time=14d`` deletes at once is moved aside first: archived files (``NAME@….journal``, and
``…journal~`` of a crash). Active ones (``system.journal``) have no ``@`` and stay. The journal needs no restart: it
looks at its folder anew for each search.
"""

from __future__ import annotations

import re

from diagnostics.remedies.budget import DAY_S
from diagnostics.remedies.move_aside import Choice, make_room
from diagnostics.wording import Words

FOLDER = "system-logs"
_ARCHIVED = re.compile(r"journal/[0-9a-f]{32}(\.[A-Za-z0-9_-]+)?/(system|user-\d+|[a-z-]+)@[0-9a-f-]+\.journal~?")

CHOICE = Choice(
    FOLDER,
    lambda path, _: _ARCHIVED.fullmatch(path) is not None,
    14 * DAY_S,
    lambda path: "the journal",
    others_too=True,
)
REMEDY = make_room(
    "clean-old-journal",
    CHOICE,
    Words(
        "Clean the old system journal",
        "The system's journal of more than two weeks ago is put aside for a day and then deleted.",
    ),
    Words(
        "Очистить старый системный журнал",
        "Записи системного журнала старше двух недель откладываются на сутки и затем удаляются.",
    ),
    cures=("disk-space-low", "disk-filling"),
    needs=("administrator",),
)
