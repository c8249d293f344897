"""``limit-crash-dumps`` (risk 2, reversible): a drop-in file tells systemd-coredump to keep at most 500 MB in all.

For a program that crashes again and again: each crash writes its memory to the disk. The next crash obeys already;
nothing is restarted.
"""

from __future__ import annotations

from diagnostics.remedies.edit_file import Edit, by_edit, only_where_missing
from diagnostics.wording import Language, Words

FOLDER = "etc"
PATH = "systemd/coredump.conf.d/60-bellpull.conf"
CONTENT = b"# Made by Bellpull: images of crashed programs were filling the disk.\n[Coredump]\nMaxUse=500M\n"


REMEDY = by_edit(
    "limit-crash-dumps",
    Edit(
        FOLDER,
        find=lambda means, now: PATH,
        change=only_where_missing(CONTENT, "[Coredump] MaxUse=500M"),
        nothing="crash images are limited already",
        from_when={
            Language.ENGLISH: "It counts from the next crash on.",
            Language.RUSSIAN: "Действует со следующего сбоя.",
        },
    ),
    Words(
        "Limit crash images",
        "A program crashes again and again. Images of such crashes may take at most 500 MB in all.",
    ),
    Words(
        "Ограничить отчёты о сбоях",
        "Программа снова и снова завершается со сбоем. Отчёты о сбоях будут занимать не больше 500 МБ.",
    ),
    cures=("program-crashes",),
    needs=("administrator",),
)
