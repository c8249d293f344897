"""``disable-startup-item`` (risk 2, reversible): the newest program that starts with this user's session no more does.

    ~/.config/autostart/NAME.desktop:   Hidden=true        (XDG autostart: as if it were not there)

The newest of the last seven days, because that is what the finding is about; the dry run names it. Neither the program
nor its other starters are touched.
"""

from __future__ import annotations

from diagnostics.machine.interface import ActRefused, EntryKind
from diagnostics.remedies.budget import DAY_S
from diagnostics.remedies.edit_file import Edit, by_edit
from diagnostics.remedies.remedy import Means, NotNeeded
from diagnostics.wording import Language, Words

FOLDER = "autostart"
NEW_S = 7 * DAY_S
_GROUP = b"[Desktop Entry]"


def hide(content: bytes) -> tuple[bytes, tuple[str, ...]] | None:
    """`Hidden=true` in the entry's own group, in the place of any other `Hidden`. None: it is hidden, or no entry."""
    lines = content.splitlines()
    if _GROUP not in [line.strip() for line in lines]:
        return None
    begin = next(number for number, line in enumerate(lines) if line.strip() == _GROUP) + 1
    end = next((n for n in range(begin, len(lines)) if lines[n].startswith(b"[")), len(lines))
    for number in range(begin, end):
        key, equals, value = lines[number].partition(b"=")
        if equals and key.strip() == b"Hidden":
            if value.strip() == b"true":
                return None
            lines[number] = b"Hidden=true"
            return b"\n".join(lines) + b"\n", ("Hidden=false → Hidden=true",)
    lines.insert(begin, b"Hidden=true")
    return b"\n".join(lines) + b"\n", ("+ Hidden=true",)


def _newest(means: Means, now: int) -> str:
    root = means.folder(FOLDER)
    files = means.file_acts()
    try:
        listed = means.changes.list_tree(root, max_entries=1000)
        new = [
            (entry.modified_unix_s, path)
            for path, entry in listed
            if "/" not in path
            and path.endswith(".desktop")
            and entry.kind is EntryKind.FILE
            and now - entry.modified_unix_s <= NEW_S
            and (found := files.read(root, path)) is not None
            and hide(found.content) is not None
        ]
    except ActRefused as error:
        raise NotNeeded(f"what starts by itself cannot be read: {error}") from error
    if not new:
        raise NotNeeded("nothing of this user's own has come within a week to what starts by itself")
    return max(new)[1]


def _change(content: bytes | None, means: Means) -> tuple[bytes, tuple[str, ...]] | None:
    return None if content is None else hide(content)


REMEDY = by_edit(
    "disable-startup-item",
    Edit(
        FOLDER,
        find=_newest,
        change=_change,
        nothing="it does not start by itself any more",
        from_when={
            Language.ENGLISH: "It counts from the next sign-in; what runs now goes on.",
            Language.RUSSIAN: "Действует со следующего входа; то, что уже запущено, продолжит работать.",
        },
    ),
    Words(
        "Switch off a start-up program",
        "The program that came last to those that start by themselves is not started any more. It stays installed.",
    ),
    Words(
        "Отключить программу автозапуска",
        "Программа, последней добавленная в автозапуск, больше не будет запускаться сама. Она остаётся установленной.",
    ),
    cures=("startup-items-changed", "boot-slow"),
)
