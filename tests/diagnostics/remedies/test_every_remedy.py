"""Every remedy of the catalogue, by one set of rules: killed anywhere it ends whole, it can be put back, it helps.

Death is simulated in the process: an exception no code here catches, before or after each journal record and each act
on the machine. What the dead worker wrote stays; a new worker with new means carries on. One remedy is killed for real,
by SIGKILL, in `test_killed_worker`.
"""

from __future__ import annotations

import contextlib
import itertools
import os
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from diagnostics.checks.catalogue import code_rules
from diagnostics.findings import RemedyOffer
from diagnostics.knowledge.issue import own_issues
from diagnostics.machine.change.interface import Ran
from diagnostics.machine.change.programs import LINES
from diagnostics.remedies.catalogue import REMEDIES
from diagnostics.remedies.journal import Phase, Record, Step
from diagnostics.remedies.move_aside import MoveAside
from diagnostics.remedies.offers import OFFERS
from diagnostics.remedies.profile import Ending, Outcome
from diagnostics.remedies.remedy import Means, NotNeeded, Reading
from diagnostics.remedies.run_program import RunProgram
from diagnostics.remedies.transaction import Answer, Question, Transaction
from diagnostics.wording import Language
from tests.diagnostics.remedies.benches import LEFT, TAKEN, WORLDS, Bench, bench
from tests.diagnostics.remedies.scratch import DAY_S, NOW, TROUBLED, WELL, WORSE

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="acts are written for Linux")
RUN = "run-1"
ALL = sorted(REMEDIES)
SOAK = os.environ.get("BELLPULL_SOAK") == "1"


class Died(BaseException):
    """The worker is gone. Not an Exception: nothing may catch it on the way."""


class Fuse:
    def __init__(self, at: int) -> None:
        self.left = at
        self.passed: list[str] = []

    def point(self, where: str) -> None:
        self.passed.append(where)
        self.left -= 1
        if self.left == 0:
            raise Died

    def around(self, real: Any) -> Any:
        """The same object, with a point before and after each call."""
        fuse = self

        class Fused:
            def __getattr__(self, name: str) -> Callable[..., object]:
                act = getattr(real, name)

                def call(*arguments: object, **more: object) -> object:
                    fuse.point("act")
                    result = act(*arguments, **more)
                    fuse.point("act")
                    return result

                return call

        return None if real is None else Fused()


class Memory:
    """A journal whose records survive the worker."""

    def __init__(self, records: list[Record], fuse: Fuse) -> None:
        self._records = records
        self._fuse = fuse

    def append(self, record: Record) -> None:
        self._fuse.point("journal")
        self._records.append(record)
        self._fuse.point("journal")

    def records(self, run: str) -> list[Record]:
        return [record for record in self._records if record.run == run]

    def open_runs(self) -> list[str]:
        return sorted({record.run for record in self._records})


def yes(question: Question) -> Answer:
    return Answer(True, "anna")


def fused(means: Means, fuse: Fuse) -> Means:
    return replace(
        means,
        changes=fuse.around(means.changes),
        files=fuse.around(means.files),
        programs=fuse.around(means.programs),
        processes=fuse.around(means.processes),
    )


class Life:
    """One run over two days, in as many workers as it takes. `worse`: what the check says from the change on."""

    def __init__(self, place: Bench, *, worse: bool = False) -> None:
        self.place = place
        self.records: list[Record] = []
        self.clock = NOW
        self._worse = worse

    def _reading(self) -> Reading:
        if not any((record.step, record.phase) == (Step.APPLY, Phase.DONE) for record in self.records):
            return TROUBLED
        settled = any((record.step, record.phase) == (Step.SETTLE, Phase.BEGUN) for record in self.records)
        return WORSE if self._worse and not settled else TROUBLED if self.place.remedy.cures_at_settle else WELL

    def worker(self, fuse: Fuse) -> Ending:
        transaction: Transaction[Any] = Transaction(
            self.place.remedy, fused(self.place.means(), fuse), Memory(self.records, fuse), self._reading
        )
        ending = None
        if not self.records:
            ending = transaction.begin(RUN, now=self.clock, ask=yes)
        for at in (NOW + 60, NOW + 3600, NOW + DAY_S + 7200):
            self.clock = at
            if ending is None or ending.outcome is None:
                ending = transaction.carry_on(RUN, now=at)
        assert ending is not None
        return ending


def _points(passed: list[str]) -> list[int]:
    """Where to die: at every record of the journal; of the points at acts all in a soak, else every fifth."""
    acts = [at for at, where in enumerate(passed, start=1) if where == "act"]
    records = [at for at, where in enumerate(passed, start=1) if where == "journal"]
    return sorted(records + acts[:: 1 if SOAK else 5])


@pytest.fixture
def ground() -> Iterator[Callable[[str], Bench]]:
    """Fresh benches in memory: acts are synced, and a disk would take its time."""
    with tempfile.TemporaryDirectory(dir="/dev/shm" if Path("/dev/shm").is_dir() else None) as folder:
        numbers = itertools.count()
        yield lambda remedy_id: bench(remedy_id, Path(folder) / str(next(numbers)))


@pytest.mark.parametrize("remedy_id", ALL)
def test_dry_run_changes_nothing_and_is_the_same_twice(ground: Callable[[str], Bench], remedy_id: str) -> None:
    place = ground(remedy_id)
    before = place.picture()
    seen = [
        Transaction(place.remedy, place.means(), Memory([], Fuse(0)), lambda: TROUBLED, language).preview(now=NOW)
        for language in (Language.ENGLISH, Language.ENGLISH, Language.RUSSIAN)
    ]
    assert seen[0] == seen[1]
    assert len(seen[0][1].steps) >= 2
    assert any("а" <= letter <= "я" for letter in " ".join(seen[2][1].steps))
    assert "secret" not in " ".join(seen[0][1].steps)
    assert place.picture() == before
    assert place.programs is None or place.programs.ran == []


@pytest.mark.parametrize("remedy_id", ALL)
def test_it_does_what_it_says_and_only_that(ground: Callable[[str], Bench], remedy_id: str) -> None:
    place = ground(remedy_id)
    before = place.picture()
    ending = Life(place).worker(Fuse(0))
    assert ending.outcome in (Outcome.SOLVED_MECHANICALLY, Outcome.NOT_SOLVED), ending
    after = place.picture()
    changed = {name for name in {*before, *after} if before.get(name) != after.get(name)}
    expected = set(TAKEN.get(remedy_id, ())) or {
        "set-dead-proxy-aside": {"etc/environment"},
        "limit-journal-size": {"etc/systemd/journald.conf.d/60-bellpull.conf"},
        "limit-crash-dumps": {"etc/systemd/coredump.conf.d/60-bellpull.conf"},
        "disable-startup-item": {"autostart/miner.desktop"},
        "fix-ssh-permissions": {"home/.ssh/id_ed25519", "rights of ssh"},
        "fix-password-file-permissions": {"home/.netrc"},
    }.get(remedy_id, {"state"})
    assert changed == expected
    assert remedy_id not in TAKEN or set(LEFT) <= set(after)


@pytest.mark.parametrize("remedy_id", ALL)
@pytest.mark.parametrize("worse", [False, True])
def test_worker_that_dies_anywhere_leaves_nothing_half(
    ground: Callable[[str], Bench], remedy_id: str, worse: bool
) -> None:
    whole = ground(remedy_id)
    before = whole.picture()
    fuse = Fuse(0)
    Life(whole, worse=worse).worker(fuse)
    finished = whole.picture()
    died_after = set()
    for at in _points(fuse.passed):
        place = ground(remedy_id)
        life = Life(place, worse=worse)
        with pytest.raises(Died):
            life.worker(Fuse(at))
        died_after.add(f"{life.records[-1].step} {life.records[-1].phase}" if life.records else "nothing")
        with contextlib.suppress(Died):
            life.worker(Fuse(1 + at % 5))  # the second worker dies too, somewhere else
        ending = life.worker(Fuse(0))
        assert ending.outcome is not None
        after = place.picture()
        if not place.remedy.reversible:
            assert after in (before, finished), (at, ending)
        elif ending.outcome in (Outcome.ROLLED_BACK, Outcome.NOT_BEGUN):
            assert after == before, (at, ending)
            assert "could not be put back" not in ending.detail
        else:
            assert after == finished, (at, ending)
        assert not [name for name in after if name.startswith("quarantine/")], at
    steps = ("snapshot", "apply", *(("roll-back",) if worse else ("verify", "watch", "settle")))
    assert {f"{step} {phase}" for step in ("plan", "consent", *steps) for phase in ("begun", "done")} <= died_after


@pytest.mark.parametrize("remedy_id", [name for name in ALL if REMEDIES[name].reversible])
def test_person_may_put_it_back_during_the_watch(ground: Callable[[str], Bench], remedy_id: str) -> None:
    place = ground(remedy_id)
    before = place.picture()
    records: list[Record] = []
    transaction: Transaction[Any] = Transaction(place.remedy, place.means(), Memory(records, Fuse(0)), lambda: TROUBLED)
    assert transaction.begin(RUN, now=NOW, ask=yes).outcome is None
    assert place.picture() != before
    ending = transaction.carry_on(RUN, now=NOW + 60, roll_back="anna misses it")
    assert (ending.outcome, ending.detail) == (Outcome.ROLLED_BACK, "anna misses it")
    assert place.picture() == before


@pytest.mark.parametrize("remedy_id", ALL)
def test_stopped_before_its_act_it_puts_everything_back(ground: Callable[[str], Bench], remedy_id: str) -> None:
    place = ground(remedy_id)
    before = place.picture()
    means = replace(place.means(), stop=lambda: True)
    transaction: Transaction[Any] = Transaction(place.remedy, means, Memory([], Fuse(0)), lambda: TROUBLED)
    ending = transaction.begin(RUN, now=NOW, ask=yes)
    assert (ending.outcome, ending.detail) == (Outcome.ROLLED_BACK, "stopped by a person")
    assert place.picture() == before


@pytest.mark.parametrize("remedy_id", ALL)
def test_where_nothing_is_wrong_it_is_not_needed(ground: Callable[[str], Bench], remedy_id: str) -> None:
    place = ground(remedy_id)
    life = Life(place)
    life.worker(Fuse(0))
    if isinstance(place.remedy.acts, RunProgram) and place.remedy.acts._act.read is None:
        return  # asking anew can be done at any time
    with pytest.raises(NotNeeded):
        place.remedy.acts.plan(place.means(), now=NOW)


@pytest.mark.parametrize("remedy_id", sorted(WORLDS))
def test_command_that_fails_or_does_not_help_is_told_and_undone(
    ground: Callable[[str], Bench], remedy_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = ground(remedy_id)
    assert place.programs is not None
    real = place.programs.run
    act = REMEDIES[remedy_id].acts._act  # type: ignore[attr-defined]

    def fails(line: str, argument: str = "") -> Ran:
        if line == act.do:
            return Ran(4, b"", b"Access denied\nmore")
        return real(line, argument)

    monkeypatch.setattr(place.programs, "run", fails)
    before = place.picture()
    transaction: Transaction[Any] = Transaction(place.remedy, place.means(), Memory([], Fuse(0)), lambda: TROUBLED)
    ending = transaction.begin(RUN, now=NOW, ask=yes)
    assert ending.outcome is Outcome.ROLLED_BACK
    assert ending.detail.startswith("Access denied")
    assert place.picture() == before


def test_family_and_platform_of_each_line() -> None:
    assert len(REMEDIES) >= 20
    used = set()
    for remedy in REMEDIES.values():
        if isinstance(remedy.acts, RunProgram):
            act = remedy.acts._act
            used |= {line for line in (act.do, act.undo, act.read) if line}
            assert (act.undo is not None) == remedy.reversible
            if act.undo is not None:
                assert act.read is not None, "a way back is decided by reading the state"
        elif isinstance(remedy.acts, MoveAside):
            assert remedy.cures_at_settle
    assert used == set(LINES), "a command that no remedy uses must not be on the list"
    assert {name for name, line in LINES.items() if line.windows} >= {"flush-dns", "clock-step", "renew-address"}


def test_offers_are_what_the_catalogue_says() -> None:
    for code, offers in OFFERS.items():
        assert code in code_rules()
        for offer in offers:
            remedy = REMEDIES[offer.id]
            assert code in remedy.cures
            assert offer == RemedyOffer(
                remedy.id, int(remedy.risk), remedy.needs, remedy.reversible, remedy.estimated_s
            )
    offered = {(offer.id, code) for code, offers in OFFERS.items() for offer in offers}
    assert offered == {(remedy.id, code) for remedy in REMEDIES.values() for code in remedy.cures}


def test_known_issues_name_remedies_that_are_there() -> None:
    named = {remedy for issue in own_issues() for remedy in issue.remedies}
    assert len(named) > 5
    assert named <= set(REMEDIES)
