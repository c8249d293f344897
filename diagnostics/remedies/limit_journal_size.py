"""``limit-journal-size`` (risk 2, reversible): a drop-in file tells journald to keep at most 500 MB.

Only where no drop-in of ours is there yet; the administrator's own files are not read and win when their names sort
later. journald takes it up when it starts next: this does not restart it.
"""

from __future__ import annotations

from diagnostics.remedies.edit_file import Edit, by_edit, only_where_missing
from diagnostics.wording import Language, Words

FOLDER = "etc"
PATH = "systemd/journald.conf.d/60-bellpull.conf"
CONTENT = b"# Made by Bellpull: the journal was filling the disk.\n[Journal]\nSystemMaxUse=500M\n"


REMEDY = by_edit(
    "limit-journal-size",
    Edit(
        FOLDER,
        find=lambda means, now: PATH,
        change=only_where_missing(CONTENT, "[Journal] SystemMaxUse=500M"),
        nothing="the journal is limited already",
        from_when={
            Language.ENGLISH: "It counts from the next start of the computer.",
            Language.RUSSIAN: "Действует со следующего включения компьютера.",
        },
    ),
    Words("Limit the system journal", "The system's journal may take at most 500 MB from the next start on."),
    Words(
        "Ограничить системный журнал",
        "Системный журнал будет занимать не больше 500 МБ со следующего включения.",
    ),
    cures=("disk-filling",),
    needs=("administrator",),
)
