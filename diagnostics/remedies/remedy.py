"""What a remedy is: a change that is planned, asked for, proven reversible, made, checked, watched, and undone when it
made things worse. The order of these steps is `transaction`; here are the words for them.

A remedy owns only its plan and four acts (`snapshot`, `apply`, `settle`, `roll_back`), each of which may be called
again after a crash in the middle of itself. It touches the machine through `ChangingMachine` alone: no shell strings,
typed arguments, one allowed root.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

from diagnostics.findings import Severity
from diagnostics.machine.change.interface import ChangingFiles, ChangingProcesses, ChangingPrograms
from diagnostics.machine.interface import ChangingMachine
from diagnostics.remedies.budget import Budget
from diagnostics.remedies.profile import Profile, Risk
from diagnostics.wording import Language, Words


class NotNeeded(Exception):
    """The precondition does not hold: there is nothing this remedy could do here. The reason is for people."""


class CannotGoOn(Exception):
    """An act found the machine other than planned; what was done is rolled back. The reason is for people."""


@dataclass(frozen=True, slots=True)
class Means:
    """What a remedy may use. ``folders`` are allowed roots by name (``user-cache``), ``quarantine`` a folder of the
    agent's own state on the same file system, ``owner_uid`` whose files may be touched (None: not known here).
    ``subject`` is the instance of the finding it is meant to cure (``service:cups.service``), empty without one.
    ``files``, ``programs`` and ``processes`` are None where this system has no such acts."""

    changes: ChangingMachine
    folders: Mapping[str, str]
    quarantine: str
    owner_uid: int | None = None
    stop: Callable[[], bool] = lambda: False
    files: ChangingFiles | None = None
    programs: ChangingPrograms | None = None
    processes: ChangingProcesses | None = None
    subject: str = ""

    def subject_of(self, kind: str) -> str:
        """`cups.service` of `service:cups.service`. Raises NotNeeded when the finding is about something else."""
        found, _, name = self.subject.partition(":")
        if found != kind or not name:
            raise NotNeeded(f"this is meant for a finding about one {kind}; none was named")
        return name

    def folder(self, name: str) -> str:
        """Raises NotNeeded."""
        if name not in self.folders:
            raise NotNeeded("the folder that this would change is not here, or not this user's")
        return self.folders[name]

    def file_acts(self) -> ChangingFiles:
        """Raises NotNeeded where files cannot be changed; a plan is made before any act."""
        if self.files is None:
            raise NotNeeded("settings are not changed on this system in this version")
        return self.files

    def process_acts(self) -> ChangingProcesses:
        """Raises NotNeeded, as `file_acts`."""
        if self.processes is None:
            raise NotNeeded("programs are not ended on this system in this version")
        return self.processes

    def program_acts(self) -> ChangingPrograms:
        """Raises NotNeeded, as `file_acts`."""
        if self.programs is None:
            raise NotNeeded("commands are not run on this system in this version")
        return self.programs


@dataclass(frozen=True, slots=True)
class Reading:
    """The check, run again: how bad its finding is now. None means: not raised."""

    severity: Severity | None

    def is_worse_than(self, before: Reading) -> bool:
        return self.rank > before.rank

    @property
    def rank(self) -> int:
        return -1 if self.severity is None else self.severity.rank


@dataclass(frozen=True, slots=True)
class Undone:
    """What a roll-back has reached. ``left`` are things that could not be put back, each with its reason."""

    restored: int
    left: tuple[str, ...] = ()


Plan = TypeVar("Plan")


class Acts(Protocol, Generic[Plan]):
    """The remedy itself. ``plan`` only reads. All others may be repeated after dying anywhere inside."""

    def plan(self, means: Means, *, now: int) -> Plan:
        """What exactly would be done. Raises NotNeeded."""

    def steps(self, plan: Plan, language: Language) -> Sequence[str]:
        """The dry run: each step with its size, in words for the person who is asked."""

    def snapshot(self, plan: Plan, means: Means) -> str:
        """Make going back possible and prove it; returns the proof in words. Raises CannotGoOn."""

    def apply(self, plan: Plan, means: Means) -> str:
        """Make the change. Returns what was done in words. Raises CannotGoOn."""

    def check(self, plan: Plan, means: Means) -> str:
        """Is the machine in the state that `apply` promises? Raises CannotGoOn."""

    def settle(self, plan: Plan, means: Means) -> str:
        """After the watch: give up the way back."""

    def roll_back(self, plan: Plan, means: Means) -> Undone:
        """Put everything back that can be, wherever `snapshot` or `apply` ended."""


@dataclass(frozen=True, slots=True)
class Remedy(Generic[Plan]):
    """One line of the catalogue. ``cures_at_settle``: the problem can only get better when the watch is over, so an
    earlier improvement was not ours."""

    id: str
    version: int
    risk: Risk
    reversible: bool
    needs: tuple[str, ...]
    estimated_s: int
    watch_s: int
    budget: Budget
    cures_at_settle: bool
    words: Mapping[Language, Words]
    plan_type: type[Plan]
    acts: Acts[Plan]
    # Codes of the findings it is offered for; `offers.py` says the same to those who only look.
    cures: tuple[str, ...] = ()

    @property
    def profile(self) -> Profile:
        return Profile(
            self.id, self.risk, self.reversible, self.needs, self.estimated_s, self.budget, self.words, self.cures
        )
