"""The family of remedies that make room: files are moved aside, kept for the watch, then deleted.

What really happens, because it decides what may be promised:

1. Chosen files are **moved** into a quarantine of the agent on the same file system. A rename frees nothing; it shows
   for a day whether anybody misses the files, and going back is one rename each.
2. After the watch they are **deleted**. Only now the disk has more room, so only an improvement after this moment is
   counted as the remedy's success. From here there is no way back.

So the numbers in the dry run are what *will* be freed tomorrow. The quarantine is not compressed: that would free
half of it today, at the price of reading and writing everything on a disk that is already full.

Of every choice: only below one allowed folder, regular files with one name. Links are never followed and never moved.
At most 5 000 files in one run, the largest first.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from diagnostics.machine.interface import ActRefused, EntryKind, FileIdentity, FolderEntry
from diagnostics.plain_text import printable
from diagnostics.remedies.budget import DAY_S, Budget
from diagnostics.remedies.profile import Risk
from diagnostics.remedies.remedy import CannotGoOn, Means, NotNeeded, Remedy, Undone
from diagnostics.wording import Language, Words, show_bytes, show_duration

FILES_MAX = 5_000
LISTED_MAX = 200_000
# Less is not worth a question.
WORTH_MIN_BYTES = 50 * 1000 * 1000
# Long enough for a working day in which somebody may miss something.
WATCH_S = DAY_S


@dataclass(frozen=True, slots=True)
class OldFile:
    """``path`` below the folder; the rest is what it must still be when it is touched."""

    path: str
    device: int
    inode: int
    size_bytes: int
    modified_unix_s: int
    allocated_bytes: int

    @property
    def identity(self) -> FileIdentity:
        return FileIdentity(self.device, self.inode, self.size_bytes, self.modified_unix_s)


@dataclass(frozen=True, slots=True)
class MovePlan:
    root: str
    quarantine: str
    files: tuple[OldFile, ...]
    # More was old than one run takes.
    more_files: int

    @property
    def bytes(self) -> int:
        """What deleting frees: allocated blocks, not apparent sizes."""
        return sum(file.allocated_bytes for file in self.files)


@dataclass(frozen=True, slots=True)
class Choice:
    """Which files of one folder. ``may_go(path, entry)``: by name and size; ``age_min_s``: untouched for that long;
    ``others_too``: files of any owner, where the folder is the system's; ``group_of``: what a line of the dry run
    counts together; ``tidy``: folders that became empty go too."""

    folder: str
    may_go: Callable[[str, FolderEntry], bool]
    age_min_s: int
    group_of: Callable[[str], str]
    worth_bytes: int = WORTH_MIN_BYTES
    worth_files: int = 1
    others_too: bool = False
    tidy: bool = False


class MoveAside:
    """The acts; see `Acts`."""

    def __init__(self, choice: Choice) -> None:
        self._choice = choice

    def plan(self, means: Means, *, now: int) -> MovePlan:
        root = means.folder(self._choice.folder)
        try:
            listed = means.changes.list_tree(root, max_entries=LISTED_MAX)
        except ActRefused as error:
            raise NotNeeded(f"the folder cannot be listed: {error}") from error
        old = [_old_file(path, entry) for path, entry in listed if self._may_go(path, entry, now, means.owner_uid)]
        old.sort(key=lambda file: (-file.allocated_bytes, file.path))
        plan = MovePlan(root, means.quarantine, tuple(old[:FILES_MAX]), max(0, len(old) - FILES_MAX))
        if len(plan.files) < self._choice.worth_files or plan.bytes < self._choice.worth_bytes:
            found = show_bytes(plan.bytes, Language.ENGLISH)
            raise NotNeeded(f"only {found} in {len(plan.files)} old files are there; that would not help")
        return plan

    def _may_go(self, path: str, entry: FolderEntry, now: int, owner_uid: int | None) -> bool:
        choice = self._choice
        return (
            entry.kind is EntryKind.FILE
            and entry.links == 1  # with a second name elsewhere nothing would be freed
            and (choice.others_too or owner_uid is None or entry.owner_uid == owner_uid)
            # A file from the future is a clock that was wrong: its age is not known.
            and now - entry.modified_unix_s >= choice.age_min_s
            and choice.may_go(path, entry)
        )

    def steps(self, plan: MovePlan, language: Language) -> Sequence[str]:
        return _STEPS[language](plan, self._choice)

    def snapshot(self, plan: MovePlan, means: Means) -> str:
        """The files are their own snapshot, if the way into the quarantine and back is open: try it with the
        smallest one."""
        smallest = plan.files[-1]
        try:
            means.changes.quarantine(plan.root, smallest.path, smallest.identity, plan.quarantine)
            means.changes.restore(plan.root, smallest.path, smallest.identity, plan.quarantine)
        except ActRefused as error:
            raise CannotGoOn(f"files could not be moved aside and back: {error}") from error
        return f"one file of {smallest.size_bytes} bytes was moved into the quarantine and back"

    def apply(self, plan: MovePlan, means: Means) -> str:
        """Move file by file. One that changed or went meanwhile is in use: left alone, not an error."""
        moved = left = 0
        for file in plan.files:
            if means.stop():
                raise CannotGoOn("stopped by a person")
            try:
                means.changes.quarantine(plan.root, file.path, file.identity, plan.quarantine)
            except ActRefused:
                left += 1
            else:
                moved += 1
        if moved == 0:
            raise CannotGoOn("not one of the files could be moved aside")
        return f"{moved} files moved aside, {left} left alone because they changed meanwhile"

    def check(self, plan: MovePlan, means: Means) -> str:
        """No file of the plan is in both places or half: what is still there was left alone as a whole."""
        still = self._still_there(plan, means)
        if len(still) == len(plan.files):
            raise CannotGoOn("all files are still where they were")
        return f"{len(plan.files) - len(still)} files are out of the folder"

    def settle(self, plan: MovePlan, means: Means) -> str:
        freed = removed = 0
        for file in plan.files:
            try:
                means.changes.remove_file(plan.quarantine, file.path, file.identity)
            except ActRefused:
                continue  # removed before a crash, or never moved
            removed += 1
            freed += file.allocated_bytes
        means.changes.remove_empty_folders(plan.quarantine)
        if self._choice.tidy:
            means.changes.remove_empty_folders(plan.root)
        return f"{removed} files deleted, {show_bytes(freed, Language.ENGLISH)} freed"

    def roll_back(self, plan: MovePlan, means: Means) -> Undone:
        still = self._still_there(plan, means)
        restored = 0
        left: list[str] = []
        for file in plan.files:
            try:
                means.changes.restore(plan.root, file.path, file.identity, plan.quarantine)
            except ActRefused as error:
                if file.path not in still:
                    left.append(f"{printable(file.path, 120)}: {error}")
            else:
                restored += 1
        means.changes.remove_empty_folders(plan.quarantine)
        return Undone(restored, tuple(left))

    def _still_there(self, plan: MovePlan, means: Means) -> frozenset[str]:
        listed = dict(means.changes.list_tree(plan.root, max_entries=LISTED_MAX))
        return frozenset(
            file.path
            for file in plan.files
            if (entry := listed.get(file.path)) is not None and (entry.device, entry.inode) == (file.device, file.inode)
        )


def _old_file(path: str, entry: FolderEntry) -> OldFile:
    return OldFile(path, entry.device, entry.inode, entry.size_bytes, entry.modified_unix_s, entry.allocated_bytes)


def _by_group(plan: MovePlan, choice: Choice) -> list[tuple[str, int, int]]:
    """(group, files, bytes), largest first."""
    totals: dict[str, tuple[int, int]] = {}
    for file in plan.files:
        group = printable(choice.group_of(file.path), 80)
        files, size = totals.get(group, (0, 0))
        totals[group] = (files + 1, size + file.allocated_bytes)
    return sorted(((group, files, size) for group, (files, size) in totals.items()), key=lambda row: (-row[2], row[0]))


def _steps_english(plan: MovePlan, choice: Choice) -> list[str]:
    size = show_bytes(plan.bytes, Language.ENGLISH)
    watch = show_duration(WATCH_S, Language.ENGLISH)
    age = f", at files untouched for {show_duration(choice.age_min_s, Language.ENGLISH)}" if choice.age_min_s else ""
    lines = [f"Look only in {plan.root}{age}."]
    lines += [
        f"Move {files} files of {group} aside ({show_bytes(size_, Language.ENGLISH)})."
        for group, files, size_ in _by_group(plan, choice)
    ]
    lines.append(f"Keep them in {plan.quarantine} for {watch}; they can be put back all that time.")
    lines.append(f"Then delete them: this frees {size}. From then on they cannot be put back.")
    if plan.more_files:
        lines.append(f"{plan.more_files} more old files are left for another time.")
    return lines


def _steps_russian(plan: MovePlan, choice: Choice) -> list[str]:
    size = show_bytes(plan.bytes, Language.RUSSIAN)
    watch = show_duration(WATCH_S, Language.RUSSIAN)
    age = f", файлы без изменений {show_duration(choice.age_min_s, Language.RUSSIAN)}" if choice.age_min_s else ""
    lines = [f"Смотреть только в {plan.root}{age}."]
    lines += [
        f"Отложить файлы {group}: {files}, {show_bytes(size_, Language.RUSSIAN)}."
        for group, files, size_ in _by_group(plan, choice)
    ]
    lines.append(f"Хранить их в {plan.quarantine} {watch}: всё это время их можно вернуть.")
    lines.append(f"Затем удалить: освободится {size}. После этого вернуть их нельзя.")
    if plan.more_files:
        lines.append(f"Ещё старых файлов на другой раз: {plan.more_files}.")
    return lines


_STEPS = {Language.ENGLISH: _steps_english, Language.RUSSIAN: _steps_russian}


def make_room(
    remedy_id: str,
    choice: Choice,
    english: Words,
    russian: Words,
    *,
    cures: tuple[str, ...],
    rests_s: int = 7 * DAY_S,
    needs: tuple[str, ...] = (),
) -> Remedy[MovePlan]:
    """One line of the catalogue of this family. It rests for a week: what fills again within days needs another cure
    than cleaning."""
    return Remedy(
        id=remedy_id,
        version=1,
        risk=Risk.ASKS,
        reversible=True,
        needs=needs,
        estimated_s=30,
        watch_s=WATCH_S,
        budget=Budget(cooldown_s=rests_s, runs_a_day=1),
        cures_at_settle=True,
        words={Language.ENGLISH: english, Language.RUSSIAN: russian},
        plan_type=MovePlan,
        acts=MoveAside(choice),
        cures=cures,
    )
