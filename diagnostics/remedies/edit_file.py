"""The family of remedies that change one small settings file, or make one, and can put it back.

    read ─► what would it be? ─► (asked) ─► copy aside, read back ─► new content by one rename ─► copy dropped

The plan holds sums of the file before and after, not its content: settings may hold passwords, and the plan is kept in
the journal. Whoever changes the file in between wins: it is then no longer the one of either sum, and is left alone.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from diagnostics.machine.change.files import sha256_of
from diagnostics.machine.interface import ActRefused
from diagnostics.remedies.budget import DAY_S, Budget
from diagnostics.remedies.profile import Risk
from diagnostics.remedies.remedy import CannotGoOn, Means, NotNeeded, Remedy, Undone
from diagnostics.wording import Language, Words


@dataclass(frozen=True, slots=True)
class EditPlan:
    """`before` is None when the file is made anew. `shown` are its lines before and after, fit to be read by people
    (no passwords)."""

    root: str
    quarantine: str
    path: str
    before: str | None
    after: str
    mode: int
    shown: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Edit:
    """`find` names the file below the folder, or raises NotNeeded. `change(content, means)` gives the new content and
    what people are shown of the difference; None as content: there is no file; None as answer: nothing is to be done.
    It must give the same for the same content: it is asked again after a crash."""

    folder: str
    find: Callable[[Means, int], str]
    change: Callable[[bytes | None, Means], tuple[bytes, tuple[str, ...]] | None]
    nothing: str
    # Why the change counts only later, for people: "from the next sign-in on".
    from_when: dict[Language, str]


class EditFile:
    """The acts; see `Acts`."""

    def __init__(self, edit: Edit) -> None:
        self._edit = edit

    def plan(self, means: Means, *, now: int) -> EditPlan:
        files = means.file_acts()
        root = means.folder(self._edit.folder)
        path = self._edit.find(means, now)
        try:
            found = files.read(root, path)
        except ActRefused as error:
            raise NotNeeded(f"the settings cannot be read: {error}") from error
        changed = self._edit.change(None if found is None else found.content, means)
        if changed is None:
            raise NotNeeded(self._edit.nothing)
        content, shown = changed
        before = None if found is None else sha256_of(found.content)
        mode = 0o644 if found is None else found.mode
        return EditPlan(root, means.quarantine, path, before, sha256_of(content), mode, shown)

    def steps(self, plan: EditPlan, language: Language) -> Sequence[str]:
        name = f"{plan.root}/{plan.path}"
        match language:
            case Language.ENGLISH:
                first = f"Make the file {name}:" if plan.before is None else f"Keep a copy of {name}, then change it:"
                last = "For 24 hours this can be put back as it was; after that the copy is deleted."
            case Language.RUSSIAN:
                first = f"Создать файл {name}:" if plan.before is None else f"Сохранить копию {name} и изменить его:"
                last = "В течение суток всё можно вернуть; затем копия удаляется."
        return [first, *plan.shown, self._edit.from_when[language], last]

    def snapshot(self, plan: EditPlan, means: Means) -> str:
        if plan.before is None:
            return "there is no such file yet; the way back is to remove it"
        means.file_acts().keep_copy(plan.root, plan.path, plan.before, plan.quarantine)
        return f"a copy was written and read back; its sum is {plan.before[:16]}"

    def apply(self, plan: EditPlan, means: Means) -> str:
        files = means.file_acts()
        if means.stop():
            raise CannotGoOn("stopped by a person")
        found = files.read(plan.root, plan.path)
        changed = self._edit.change(None if found is None else found.content, means)
        if changed is None or sha256_of(changed[0]) != plan.after:
            raise CannotGoOn("the file was changed meanwhile")
        files.write(plan.root, plan.path, changed[0], instead_of=plan.before, mode=plan.mode)
        return "the file was changed"

    def check(self, plan: EditPlan, means: Means) -> str:
        found = means.file_acts().read(plan.root, plan.path)
        if found is None or sha256_of(found.content) != plan.after:
            raise CannotGoOn("the file does not hold what was written")
        return "the file holds what was written"

    def settle(self, plan: EditPlan, means: Means) -> str:
        means.file_acts().drop_copy(plan.path, plan.quarantine)
        return "the file stays changed; the copy was deleted"

    def roll_back(self, plan: EditPlan, means: Means) -> Undone:
        files = means.file_acts()
        try:
            found = files.read(plan.root, plan.path)
            now = None if found is None else sha256_of(found.content)
            if now == plan.before:
                restored = 0
            elif now != plan.after:
                # Somebody's later will counts more than our earlier state.
                return Undone(0, (f"{plan.path}: it was changed by somebody else since; the copy is kept aside",))
            elif plan.before is None:
                files.remove(plan.root, plan.path, plan.after)
                restored = 1
            else:
                files.put_back(plan.root, plan.path, plan.before, plan.quarantine, plan.after)
                restored = 1
        except ActRefused as error:
            return Undone(0, (str(error),))
        files.drop_copy(plan.path, plan.quarantine)
        return Undone(restored)


def only_where_missing(
    content: bytes, shown: str
) -> Callable[[bytes | None, Means], tuple[bytes, tuple[str, ...]] | None]:
    """The change of a drop-in file: it is made whole, and one that is there already is left alone."""

    def change(found: bytes | None, means: Means) -> tuple[bytes, tuple[str, ...]] | None:
        return (content, (shown,)) if found is None else None

    return change


def by_edit(
    remedy_id: str, edit: Edit, english: Words, russian: Words, *, cures: tuple[str, ...], needs: tuple[str, ...] = ()
) -> Remedy[EditPlan]:
    """One line of the catalogue of this family. A setting is changed once: a second time within a day is a quarrel
    with somebody who sets it back."""
    return Remedy(
        id=remedy_id,
        version=1,
        risk=Risk.ASKS,
        reversible=True,
        needs=needs,
        estimated_s=2,
        watch_s=DAY_S,
        budget=Budget(cooldown_s=DAY_S, runs_a_day=1),
        cures_at_settle=False,
        words={Language.ENGLISH: english, Language.RUSSIAN: russian},
        plan_type=EditPlan,
        acts=EditFile(edit),
        cures=cures,
    )
