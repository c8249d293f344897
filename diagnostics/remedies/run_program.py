"""The family of remedies that run one command of the closed list (`machine/change/programs.py`).

Two kinds, and the dry run says which:

* **with a way back**: the state is read before (`firewall: inactive`), the command changes it, the opposite command
  brings it back. A crash in between is decided by reading the state again.
* **without**: nothing that could be put back (a flushed cache, a restarted service, printed or cancelled paper). It
  either happened or did not; the command's own program keeps it whole. `finishes`: when a worker was killed in the
  middle the same command is run again to its end, because half of it would be worse than all of it.

Before any look after a crash the command of a killed worker is waited for (`wait_for_orphan`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from diagnostics.machine.change.programs import words_of
from diagnostics.machine.interface import ActRefused
from diagnostics.plain_text import printable
from diagnostics.remedies.budget import DAY_S, Budget
from diagnostics.remedies.profile import Risk
from diagnostics.remedies.remedy import CannotGoOn, Means, NotNeeded, Remedy, Undone
from diagnostics.wording import Language, Words


@dataclass(frozen=True, slots=True)
class ProgramPlan:
    """`argument` of the command, `asked` of its reading and of the way back; `before`: the state as it was read."""

    argument: str
    asked: str
    before: str
    shown: str
    way_back: str
    # Written after a manual: it has run on no such system yet.
    unproven: bool = False


@dataclass(frozen=True, slots=True)
class Act:
    """`do`, `undo`, `read` are names of lines. `subject`: the kind of finding that names the argument. `ill(state)`:
    the precondition; `well(state)`: what the command promises. `argument(subject, state)`: when it is more than the
    subject. `unreadable_exit`: a reading may end with another code than 0 and still be an answer."""

    do: str
    undo: str | None = None
    read: str | None = None
    subject: str | None = None
    ill: Callable[[str], bool] = lambda state: True
    well: Callable[[str], bool] = lambda state: True
    argument: Callable[[str, str], str] = lambda subject, state: subject
    nothing: str = "it is already as it should be"
    finishes: bool = False
    any_exit: bool = False
    # States that come and go by themselves and count as one.
    counts_as: Callable[[str], str] = lambda state: state


class RunProgram:
    """The acts; see `Acts`."""

    def __init__(self, act: Act) -> None:
        self._act = act

    def plan(self, means: Means, *, now: int) -> ProgramPlan:
        act = self._act
        programs = means.program_acts()
        subject = "" if act.subject is None else means.subject_of(act.subject)
        # systemd speaks of cups and cups.service alike.
        subject = subject.removesuffix(".service")
        try:
            before = self._state(means, subject)
            if not act.ill(before):
                raise NotNeeded(act.nothing)
            argument = act.argument(subject, before)
            shown = programs.shown(act.do, argument)
            way_back = "" if act.undo is None else programs.shown(act.undo, subject)
        except (ActRefused, CannotGoOn) as error:
            raise NotNeeded(str(error)) from error
        return ProgramPlan(argument, subject, before, shown, way_back, not programs.is_proven)

    def steps(self, plan: ProgramPlan, language: Language) -> Sequence[str]:
        state = printable(plan.before, 300)
        match language:
            case Language.ENGLISH:
                before = [f"It is now: {state}"] if state else []
                back = f"The way back, for 24 hours: {plan.way_back}" if plan.way_back else "This cannot be put back."
                warned = ["This command has not been tried on this kind of system yet."] if plan.unproven else []
                return [*before, f"Run the command: {plan.shown}", *warned, back]
            case Language.RUSSIAN:
                before = [f"Сейчас: {state}"] if state else []
                back = f"Вернуть назад в течение суток: {plan.way_back}" if plan.way_back else "Вернуть это нельзя."
                warned = ["На системах этого вида эта команда ещё не проверена."] if plan.unproven else []
                return [*before, f"Выполнить команду: {plan.shown}", *warned, back]

    def snapshot(self, plan: ProgramPlan, means: Means) -> str:
        """The state before is the snapshot; it must still be that one."""
        state = self._state(means, plan.asked)
        if self._act.read is not None and (not self._act.ill(state) or state != plan.before):
            raise CannotGoOn("it changed by itself meanwhile")
        if self._act.undo is None:
            return "nothing is to be put back, and nothing is promised"
        return f"it is {printable(plan.before, 100)}; the way back is: {plan.way_back}"

    def apply(self, plan: ProgramPlan, means: Means) -> str:
        if means.stop():
            raise CannotGoOn("stopped by a person")
        ran = means.program_acts().run(self._act.do, plan.argument)
        if ran.exit_code != 0:
            raise CannotGoOn(words_of(ran))
        return "the command ended well"

    def check(self, plan: ProgramPlan, means: Means) -> str:
        means.program_acts().wait_for_orphan()
        state = self._state(means, plan.asked)
        if not self._act.well(state):
            raise CannotGoOn(f"it did not help: it is {printable(state, 200) or 'unknown'}")
        return f"it is {printable(state, 200)} now" if state else "nothing speaks against it"

    def settle(self, plan: ProgramPlan, means: Means) -> str:
        means.program_acts().forget()
        return "it stays as it is now"

    def roll_back(self, plan: ProgramPlan, means: Means) -> Undone:
        means.program_acts().wait_for_orphan()
        undone = self._put_back(plan, means)
        means.program_acts().forget()
        return undone

    def _put_back(self, plan: ProgramPlan, means: Means) -> Undone:
        programs = means.program_acts()
        try:
            state = self._state(means, plan.asked)
            if self._act.undo is not None:
                if state == plan.before or not self._act.well(state):
                    return Undone(0)
                line, argument = self._act.undo, plan.asked
            elif not programs.begun(self._act.do):
                return Undone(0)
            elif self._act.finishes and self._act.ill(state):
                line, argument = self._act.do, plan.argument
            else:
                return Undone(0, () if self._same(state, plan) else ("what the command did stays done",))
            ran = programs.run(line, argument)
        except (ActRefused, CannotGoOn) as error:
            return Undone(0, (str(error),))
        if ran.exit_code != 0:
            return Undone(0, (words_of(ran),))
        return Undone(1) if self._act.undo is not None else Undone(0, ("it was finished instead",))

    def _same(self, state: str, plan: ProgramPlan) -> bool:
        return self._act.read is not None and state == plan.before

    def _state(self, means: Means, subject: str) -> str:
        if self._act.read is None:
            return ""
        ran = means.program_acts().run(self._act.read, subject)
        if ran.exit_code != 0 and not self._act.any_exit:
            raise CannotGoOn(words_of(ran))
        return self._act.counts_as(ran.stdout.decode("utf-8", "replace").strip()[:4000])


def by_program(
    remedy_id: str,
    act: Act,
    risk: Risk,
    english: Words,
    russian: Words,
    *,
    cures: tuple[str, ...],
    rests_s: int,
    runs_a_day: int,
    estimated_s: int = 10,
    needs: tuple[str, ...] = (),
) -> Remedy[ProgramPlan]:
    """One line of the catalogue of this family."""
    return Remedy(
        id=remedy_id,
        version=1,
        risk=risk,
        reversible=act.undo is not None,
        needs=needs,
        estimated_s=estimated_s,
        watch_s=DAY_S,
        budget=Budget(cooldown_s=rests_s, runs_a_day=runs_a_day),
        cures_at_settle=False,
        words={Language.ENGLISH: english, Language.RUSSIAN: russian},
        plan_type=ProgramPlan,
        acts=RunProgram(act),
        cures=cures,
    )
