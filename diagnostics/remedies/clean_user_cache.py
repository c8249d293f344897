"""``clean-user-cache`` (risk 2, reversible for 24 hours): old files of the user's cache make room on a full disk.

What really happens, because it decides what may be promised:

1. Old files of known caches are **moved** into a quarantine of the agent on the same file system. A rename frees
   nothing; it shows for a day whether anybody misses the files, and going back is one rename each.
2. After the watch they are **deleted**. Only now the disk has more room, so only an improvement after this moment is
   counted as this remedy's success. From here there is no way back.

So the numbers in the dry run are what *will* be freed tomorrow. The quarantine is not compressed: that would free
half of it today, at the price of reading and writing everything on a disk that is already full.

Which files: only below the user's cache folder (XDG Base Directory: programs must survive its loss), only in the
folders of `CACHES`, regular files with one name, of this user, untouched for 30 days, at least 4 KiB. Links are never
followed and never moved. At most 5 000 files in one run, the largest first.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from diagnostics.machine.interface import ActRefused, EntryKind, FileIdentity, FolderEntry
from diagnostics.plain_text import printable
from diagnostics.remedies.budget import DAY_S, Budget
from diagnostics.remedies.remedy import CannotGoOn, Means, NotNeeded, Remedy, Risk, Undone
from diagnostics.wording import Language, Words, show_bytes, show_duration

ID = "clean-user-cache"
FOLDER = "user-cache"
# Caches that refill by themselves and whose loss costs a download or a thumbnail, nothing a person has made.
CACHES = frozenset(
    (
        "BraveSoftware",
        "chromium",
        "electron",
        "go-build",
        "google-chrome",
        "mesa_shader_cache",
        "mesa_shader_cache_db",
        "microsoft-edge",
        "mozilla",
        "node-gyp",
        "nvidia",
        "pip",
        "radv_builtin_shaders64",
        "spotify",
        "thumbnails",
        "typescript",
        "vivaldi",
        "vscode-cpptools",
        "yarn",
    )
)
# Used in the last month means wanted; caches do not always touch the access time, so the modification counts.
AGE_MIN_S = 30 * DAY_S
# Below one block nothing is gained.
SIZE_MIN_BYTES = 4096
FILES_MAX = 5_000
LISTED_MAX = 200_000
# Less is not worth a question.
WORTH_MIN_BYTES = 50 * 1000 * 1000


@dataclass(frozen=True, slots=True)
class OldFile:
    """``path`` below the cache folder; the rest is what it must still be when it is touched."""

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
class CleanPlan:
    root: str
    quarantine: str
    files: tuple[OldFile, ...]
    # More was old than one run takes.
    more_files: int

    @property
    def bytes(self) -> int:
        """What deleting frees: allocated blocks, not apparent sizes."""
        return sum(file.allocated_bytes for file in self.files)


class CleanUserCache:
    """The acts; see `Acts`. `worth_bytes` is lowered in tests only."""

    def __init__(self, *, worth_bytes: int = WORTH_MIN_BYTES) -> None:
        self._worth_bytes = worth_bytes

    def plan(self, means: Means, *, now: int) -> CleanPlan:
        root = means.folders.get(FOLDER)
        if root is None:
            raise NotNeeded("this user has no cache folder that may be cleaned")
        try:
            listed = means.changes.list_tree(root, max_entries=LISTED_MAX)
        except ActRefused as error:
            raise NotNeeded(f"the cache cannot be listed: {error}") from error
        old = [_old_file(path, entry) for path, entry in listed if _may_go(path, entry, now, means.owner_uid)]
        old.sort(key=lambda file: (-file.allocated_bytes, file.path))
        plan = CleanPlan(root, means.quarantine, tuple(old[:FILES_MAX]), max(0, len(old) - FILES_MAX))
        if not plan.files or plan.bytes < self._worth_bytes:
            found = show_bytes(plan.bytes, Language.ENGLISH)
            raise NotNeeded(f"only {found} of old cache files are there; that would not help")
        return plan

    def steps(self, plan: CleanPlan, language: Language) -> Sequence[str]:
        return _STEPS[language](plan)

    def snapshot(self, plan: CleanPlan, means: Means) -> str:
        """The files are their own snapshot, if the way into the quarantine and back is open: try it with the
        smallest one."""
        smallest = plan.files[-1]
        try:
            means.changes.quarantine(plan.root, smallest.path, smallest.identity, plan.quarantine)
            means.changes.restore(plan.root, smallest.path, smallest.identity, plan.quarantine)
        except ActRefused as error:
            raise CannotGoOn(f"files could not be moved aside and back: {error}") from error
        return f"one file of {smallest.size_bytes} bytes was moved into the quarantine and back"

    def apply(self, plan: CleanPlan, means: Means) -> str:
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

    def check(self, plan: CleanPlan, means: Means) -> str:
        """No file of the plan is in both places or half: what is still in the cache was left alone as a whole."""
        still = self._still_there(plan, means)
        if len(still) == len(plan.files):
            raise CannotGoOn("all files are still in the cache")
        return f"{len(plan.files) - len(still)} files are out of the cache"

    def settle(self, plan: CleanPlan, means: Means) -> str:
        freed = removed = 0
        for file in plan.files:
            try:
                means.changes.remove_file(plan.quarantine, file.path, file.identity)
            except ActRefused:
                continue  # removed before a crash, or never moved
            removed += 1
            freed += file.allocated_bytes
        means.changes.remove_empty_folders(plan.quarantine)
        return f"{removed} files deleted, {show_bytes(freed, Language.ENGLISH)} freed"

    def roll_back(self, plan: CleanPlan, means: Means) -> Undone:
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

    def _still_there(self, plan: CleanPlan, means: Means) -> frozenset[str]:
        listed = dict(means.changes.list_tree(plan.root, max_entries=LISTED_MAX))
        return frozenset(
            file.path
            for file in plan.files
            if (entry := listed.get(file.path)) is not None and (entry.device, entry.inode) == (file.device, file.inode)
        )


def _may_go(path: str, entry: FolderEntry, now: int, owner_uid: int | None) -> bool:
    return (
        entry.kind is EntryKind.FILE
        and path.split("/", 1)[0] in CACHES
        and "/" in path
        and entry.links == 1  # with a second name elsewhere nothing would be freed
        and (owner_uid is None or entry.owner_uid == owner_uid)
        and entry.size_bytes >= SIZE_MIN_BYTES
        # A file from the future is a clock that was wrong: its age is not known.
        and now - entry.modified_unix_s >= AGE_MIN_S
    )


def _old_file(path: str, entry: FolderEntry) -> OldFile:
    return OldFile(path, entry.device, entry.inode, entry.size_bytes, entry.modified_unix_s, entry.allocated_bytes)


def _by_cache(plan: CleanPlan) -> list[tuple[str, int, int]]:
    """(cache, files, bytes), largest first."""
    totals: dict[str, tuple[int, int]] = {}
    for file in plan.files:
        cache = file.path.split("/", 1)[0]
        files, size = totals.get(cache, (0, 0))
        totals[cache] = (files + 1, size + file.allocated_bytes)
    return sorted(((cache, files, size) for cache, (files, size) in totals.items()), key=lambda row: (-row[2], row[0]))


def _steps_english(plan: CleanPlan) -> list[str]:
    size = show_bytes(plan.bytes, Language.ENGLISH)
    watch = show_duration(WATCH_S, Language.ENGLISH)
    lines = [f"Look only in {plan.root}, at files untouched for {show_duration(AGE_MIN_S, Language.ENGLISH)}."]
    lines += [
        f"Move {files} files of {cache} aside ({show_bytes(size_, Language.ENGLISH)})."
        for cache, files, size_ in _by_cache(plan)
    ]
    lines.append(f"Keep them in {plan.quarantine} for {watch}; they can be put back all that time.")
    lines.append(f"Then delete them: this frees {size}. From then on they cannot be put back.")
    if plan.more_files:
        lines.append(f"{plan.more_files} more old files are left for another time.")
    return lines


def _steps_russian(plan: CleanPlan) -> list[str]:
    size = show_bytes(plan.bytes, Language.RUSSIAN)
    watch = show_duration(WATCH_S, Language.RUSSIAN)
    lines = [f"Смотреть только в {plan.root}, файлы без изменений {show_duration(AGE_MIN_S, Language.RUSSIAN)}."]
    lines += [
        f"Отложить файлы {cache}: {files}, {show_bytes(size_, Language.RUSSIAN)}."
        for cache, files, size_ in _by_cache(plan)
    ]
    lines.append(f"Хранить их в {plan.quarantine} {watch}: всё это время их можно вернуть.")
    lines.append(f"Затем удалить: освободится {size}. После этого вернуть их нельзя.")
    if plan.more_files:
        lines.append(f"Ещё старых файлов на другой раз: {plan.more_files}.")
    return lines


_STEPS = {Language.ENGLISH: _steps_english, Language.RUSSIAN: _steps_russian}

# Long enough for a working day in which somebody may miss something.
WATCH_S = DAY_S
REMEDY = Remedy(
    id=ID,
    version=1,
    risk=Risk.ASKS,
    reversible=True,
    needs=(),
    estimated_s=30,
    watch_s=WATCH_S,
    # A cache that fills again within days needs another cure than cleaning.
    budget=Budget(cooldown_s=7 * DAY_S, runs_a_day=1),
    cures_at_settle=True,
    words={
        Language.ENGLISH: Words(
            "Clean old cache files",
            "Programs keep copies of things they can fetch again. Old ones are put aside for a day and then deleted. "
            "Nothing that you made yourself is touched.",
        ),
        Language.RUSSIAN: Words(
            "Очистить старые файлы кэша",
            "Программы хранят копии того, что могут загрузить снова. Старые файлы откладываются на сутки и затем "
            "удаляются. То, что создали вы сами, не затрагивается.",
        ),
    },
    plan_type=CleanPlan,
    acts=CleanUserCache(),
)
