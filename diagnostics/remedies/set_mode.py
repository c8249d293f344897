"""The family of remedies that correct permission bits. The plan remembers the old ones; going back sets them again."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from diagnostics.machine.interface import ActRefused
from diagnostics.remedies.budget import DAY_S, Budget
from diagnostics.remedies.profile import Risk
from diagnostics.remedies.remedy import CannotGoOn, Means, NotNeeded, Remedy, Undone
from diagnostics.wording import Language, Words


@dataclass(frozen=True, slots=True)
class Bits:
    """One file or folder. `inode`: what it must still be."""

    path: str
    inode: int
    before: int
    after: int


@dataclass(frozen=True, slots=True)
class ModePlan:
    root: str
    bits: tuple[Bits, ...]


class SetMode:
    """The acts; see `Acts`. `find` names paths below the folder; `wanted(path, mode)` gives the bits it should have."""

    def __init__(
        self, folder: str, find: Callable[[Means, str], Sequence[str]], wanted: Callable[[str, int], int]
    ) -> None:
        self._folder = folder
        self._find = find
        self._wanted = wanted

    def plan(self, means: Means, *, now: int) -> ModePlan:
        files = means.file_acts()
        root = means.folder(self._folder)
        bits = []
        try:
            for path in self._find(means, root):
                inode, mode, owner = files.mode(root, path)
                wanted = self._wanted(path, mode)
                if wanted != mode and owner == means.owner_uid:
                    bits.append(Bits(path, inode, mode, wanted))
        except ActRefused as error:
            raise NotNeeded(f"the rights cannot be read: {error}") from error
        if not bits:
            raise NotNeeded("the rights are as they should be")
        return ModePlan(root, tuple(bits))

    def steps(self, plan: ModePlan, language: Language) -> Sequence[str]:
        match language:
            case Language.ENGLISH:
                last = "For 24 hours the old rights can be set again."
                word = "Change the rights of"
            case Language.RUSSIAN:
                last = "В течение суток прежние права можно вернуть."
                word = "Изменить права:"
        return [*(f"{word} {plan.root}/{each.path}: {each.before:04o} → {each.after:04o}" for each in plan.bits), last]

    def snapshot(self, plan: ModePlan, means: Means) -> str:
        """The plan is the snapshot; the proof is that this user may set the bits: to what they are now."""
        first = plan.bits[0]
        means.file_acts().set_mode(plan.root, first.path, first.inode, first.before)
        return f"the old rights of {len(plan.bits)} files are in the plan, and this user may set them"

    def apply(self, plan: ModePlan, means: Means) -> str:
        for each in plan.bits:
            if means.stop():
                raise CannotGoOn("stopped by a person")
            means.file_acts().set_mode(plan.root, each.path, each.inode, each.after)
        return f"the rights of {len(plan.bits)} files were changed"

    def check(self, plan: ModePlan, means: Means) -> str:
        wrong = [each.path for each in plan.bits if means.file_acts().mode(plan.root, each.path)[1] != each.after]
        if wrong:
            raise CannotGoOn(f"{len(wrong)} files do not have the new rights")
        return "all of them have the new rights"

    def settle(self, plan: ModePlan, means: Means) -> str:
        return "the new rights stay"

    def roll_back(self, plan: ModePlan, means: Means) -> Undone:
        left = []
        restored = 0
        for each in plan.bits:
            try:
                inode, mode, _ = means.file_acts().mode(plan.root, each.path)
                if (inode, mode) == (each.inode, each.after):
                    means.file_acts().set_mode(plan.root, each.path, each.inode, each.before)
                    restored += 1
                elif (inode, mode) != (each.inode, each.before):
                    left.append(f"{each.path}: it was changed by somebody else since")
            except ActRefused as error:
                left.append(str(error))
        return Undone(restored, tuple(left))


def by_mode(
    remedy_id: str, acts: SetMode, english: Words, russian: Words, *, cures: tuple[str, ...]
) -> Remedy[ModePlan]:
    """One line of the catalogue of this family."""
    return Remedy(
        id=remedy_id,
        version=1,
        risk=Risk.ASKS,
        reversible=True,
        needs=(),
        estimated_s=1,
        watch_s=DAY_S,
        budget=Budget(cooldown_s=3600, runs_a_day=3),
        cures_at_settle=False,
        words={Language.ENGLISH: english, Language.RUSSIAN: russian},
        plan_type=ModePlan,
        acts=acts,
        cures=cures,
    )
