"""``end-program`` (risk 2, not reversible): the heaviest program of the finding's name is asked to end.

    finding `process:soffice` ─► the one that holds most memory, of this user ─► TERM, 10 s, KILL

Exactly the one of the dry run, known by its number and its start: a later program with the same number is never hit
(`machine/change/processes.py`). Services, the agent, and other users' programs are spared. What was not saved is lost,
and the dry run says so. Starting it again is the user's part.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from diagnostics.machine.interface import ActRefused, ProcessNumbers
from diagnostics.plain_text import printable
from diagnostics.remedies.budget import DAY_S, Budget
from diagnostics.remedies.profile import Risk
from diagnostics.remedies.remedy import CannotGoOn, Means, NotNeeded, Remedy, Undone
from diagnostics.wording import Language, Words, show_bytes


@dataclass(frozen=True, slots=True)
class EndPlan:
    """`started_ms` after boot: with `pid` it names one program for as long as the computer runs. `boot_unix_s`: of
    that start of the computer."""

    pid: int
    started_ms: int
    boot_unix_s: int
    name: str
    rss_bytes: int


class EndProgram:
    """The acts; see `Acts`."""

    def plan(self, means: Means, *, now: int) -> EndPlan:
        processes = means.process_acts()
        name = means.subject_of("process")
        try:
            found = [each for each in processes.running() if each.name == name and processes.why_not(each) == ""]
            boot = processes.boot_unix_s()
        except ActRefused as error:
            raise NotNeeded(str(error)) from error
        if not found:
            raise NotNeeded("no such program of this user runs now")
        heaviest = max(found, key=lambda each: (each.rss_bytes, -each.pid))
        # Rounded: memory that moves by some kilobytes must not make another question of it.
        rounded = round(heaviest.rss_bytes / 100_000_000) * 100_000_000
        return EndPlan(heaviest.pid, _started_ms(heaviest), boot, name, rounded)

    def steps(self, plan: EndPlan, language: Language) -> Sequence[str]:
        name, size = printable(plan.name, 60), show_bytes(plan.rss_bytes, language)
        match language:
            case Language.ENGLISH:
                return [
                    f"Ask the program {name} (number {plan.pid}, about {size} of memory) to end.",
                    "If it has not ended after 10 seconds, end it by force.",
                    "What was not saved in it is lost. This cannot be put back.",
                ]
            case Language.RUSSIAN:
                return [
                    f"Попросить программу {name} (номер {plan.pid}, около {size} памяти) завершиться.",
                    "Если через 10 секунд она не завершится, завершить её принудительно.",
                    "Несохранённое в ней пропадёт. Вернуть это нельзя.",
                ]

    def snapshot(self, plan: EndPlan, means: Means) -> str:
        if not self._runs(plan, means):
            raise CannotGoOn("it has ended by itself meanwhile")
        return "nothing can be put back, and nothing is promised"

    def apply(self, plan: EndPlan, means: Means) -> str:
        if means.stop():
            raise CannotGoOn("stopped by a person")
        return means.process_acts().end(plan.pid, plan.started_ms)

    def check(self, plan: EndPlan, means: Means) -> str:
        if self._runs(plan, means):
            raise CannotGoOn("it still runs")
        return "it does not run any more"

    def settle(self, plan: EndPlan, means: Means) -> str:
        return "it was ended"

    def roll_back(self, plan: EndPlan, means: Means) -> Undone:
        return Undone(0) if self._runs(plan, means) else Undone(0, (f"{printable(plan.name, 60)} stays ended",))

    def _runs(self, plan: EndPlan, means: Means) -> bool:
        processes = means.process_acts()
        if abs(processes.boot_unix_s() - plan.boot_unix_s) > 60:
            return False  # the computer was started anew since
        return any((each.pid, _started_ms(each)) == (plan.pid, plan.started_ms) for each in processes.running())


def _started_ms(process: ProcessNumbers) -> int:
    return round(process.started_s * 1000)


REMEDY = Remedy(
    id="end-program",
    version=1,
    risk=Risk.ASKS,
    reversible=False,
    needs=(),
    estimated_s=12,
    watch_s=DAY_S,
    budget=Budget(cooldown_s=300, runs_a_day=8),
    cures_at_settle=False,
    words={
        Language.ENGLISH: Words(
            "End a program",
            "A program takes so much of this computer that others suffer. It is asked to end. Save your work in it "
            "first.",
        ),
        Language.RUSSIAN: Words(
            "Завершить программу",
            "Программа занимает столько ресурсов, что страдают остальные. Её попросят завершиться. Сначала сохраните "
            "в ней свою работу.",
        ),
    },
    plan_type=EndPlan,
    acts=EndProgram(),
    cures=("process-cpu-hog", "process-memory-leak", "process-open-files-high"),
)
