"""The order of a remedy, and what each way through it is counted as."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from diagnostics.machine.interface import FileIdentity
from diagnostics.remedies.budget import NotNow
from diagnostics.remedies.catalogue import REMEDIES
from diagnostics.remedies.journal import NEXT_AFTER, Next, Phase, Step, next_after
from diagnostics.remedies.profile import Outcome, Risk, policy_allows
from diagnostics.remedies.remedy import Reading
from diagnostics.remedies.transaction import Answer, Question, Transaction
from diagnostics.wording import Language
from tests.diagnostics.remedies.journal_file import JournalFile
from tests.diagnostics.remedies.scratch import (
    DAY_S,
    NOW,
    OLD,
    TROUBLED,
    WELL,
    WORSE,
    make_tree,
    means_for,
    picture,
    remedy,
)

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="acts by directory handles are POSIX")
RUN = "run-1"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    make_tree(tmp_path / "m")
    return tmp_path / "m"


@pytest.fixture
def journal(tmp_path: Path) -> JournalFile:
    return JournalFile(tmp_path / "journal")


Make = Callable[..., Transaction]  # type: ignore[type-arg]


@pytest.fixture
def make(folder: Path, journal: JournalFile) -> Make:
    def build(*readings: Reading) -> Transaction:  # type: ignore[type-arg]
        """Each look of the check gives the next reading; the last one stays."""
        left = list(readings)

        def recheck() -> Reading:
            return left.pop(0) if len(left) > 1 else left[0]

        return Transaction(remedy(), means_for(folder), journal, recheck)

    return build


def yes(question: Question) -> Answer:
    return Answer(True, "the person at the machine")


def words(journal: JournalFile) -> list[str]:
    return [f"{record.step} {record.phase}" for record in journal.records(RUN)]


def test_dry_run_says_every_step_with_sizes_and_changes_nothing(make: Make, folder: Path, journal: JournalFile) -> None:
    before = picture(folder)
    plan, question = make(TROUBLED).preview(now=NOW)
    assert picture(folder) == before
    assert journal.everything() == []
    assert {file.path for file in plan.files} == set(OLD)
    assert question.risk is Risk.ASKS
    shown = "\n".join(question.steps)
    assert "Move 1 files of mozilla aside (74 KB)." in shown
    assert "Move 2 files of pip aside" in shown
    assert str(folder / "cache") in shown
    assert "for 24 hours" in shown
    assert "cannot be put back" in shown


def test_dry_run_speaks_russian(folder: Path, journal: JournalFile) -> None:
    transaction = Transaction(remedy(), means_for(folder), journal, lambda: TROUBLED, Language.RUSSIAN)
    assert "Затем удалить" in "\n".join(transaction.preview(now=NOW)[1].steps)


def test_run_that_helps_is_journalled_step_by_step(make: Make, folder: Path, journal: JournalFile) -> None:
    transaction = make(TROUBLED, TROUBLED, TROUBLED, TROUBLED, WELL)
    watching = transaction.begin(RUN, now=NOW, ask=yes)
    assert watching.outcome is None
    assert watching.watch_until_unix_s == NOW + DAY_S
    assert not (folder / "cache/pip/http/a/one").exists()
    assert (folder / "quarantine/pip/http/a/one").exists()
    ending = transaction.carry_on(RUN, now=NOW + DAY_S)
    assert ending.outcome is Outcome.SOLVED_MECHANICALLY
    assert "5 files deleted" in ending.detail
    assert words(journal) == [
        "plan begun", "plan done", "consent begun", "consent done", "snapshot begun", "snapshot done", "apply begun",
        "apply done", "verify begun", "verify done", "watch begun", "watch done", "settle begun", "settle done",
        "record done",
    ]  # fmt: skip
    assert journal.open_runs() == []


def test_only_old_files_of_known_caches_go(make: Make, folder: Path) -> None:
    before = picture(folder)
    transaction = make(TROUBLED)
    transaction.begin(RUN, now=NOW, ask=yes)
    transaction.carry_on(RUN, now=NOW + DAY_S)
    after = picture(folder)
    assert set(before) - set(after) == {f"cache/{path}" for path in OLD}
    assert {name: before[name] for name in after} == after


def test_refusal_changes_nothing(make: Make, folder: Path, journal: JournalFile) -> None:
    before = picture(folder)
    ending = make(TROUBLED).begin(RUN, now=NOW, ask=lambda question: Answer(False, "anna"))
    assert ending.outcome is Outcome.REFUSED
    assert picture(folder) == before
    assert words(journal)[-2:] == ["consent done", "record done"]


def test_nothing_to_clean_is_not_needed_and_asks_nobody(make: Make, folder: Path) -> None:
    asked: list[Question] = []

    def ask(question: Question) -> Answer:
        asked.append(question)
        return Answer(True, "nobody")

    ending = make(TROUBLED).begin(RUN, now=NOW - 60 * DAY_S, ask=ask)
    assert ending.outcome is Outcome.NOT_NEEDED
    assert asked == []


def test_budget_stops_before_the_plan(make: Make, folder: Path) -> None:
    ending = make(TROUBLED).begin(RUN, now=NOW, ask=yes, not_now=NotNow("it rests", NOW + 60))
    assert ending.outcome is Outcome.NOT_BEGUN
    assert ending.detail == "it rests"


def test_worse_at_once_is_rolled_back_byte_for_byte(make: Make, folder: Path) -> None:
    before = picture(folder)
    ending = make(TROUBLED, WORSE).begin(RUN, now=NOW, ask=yes)
    assert ending.outcome is Outcome.ROLLED_BACK
    assert picture(folder) == before


def test_worse_during_the_watch_is_rolled_back_byte_for_byte(make: Make, folder: Path) -> None:
    before = picture(folder)
    transaction = make(TROUBLED, TROUBLED, TROUBLED, WORSE)
    assert transaction.begin(RUN, now=NOW, ask=yes).outcome is None
    ending = transaction.carry_on(RUN, now=NOW + 3600)
    assert ending.outcome is Outcome.ROLLED_BACK
    assert picture(folder) == before


def test_person_may_undo_until_the_watch_is_over(make: Make, folder: Path) -> None:
    before = picture(folder)
    transaction = make(TROUBLED)
    transaction.begin(RUN, now=NOW, ask=yes)
    ending = transaction.carry_on(RUN, now=NOW + 3600, roll_back="anna misses a file")
    assert ending.outcome is Outcome.ROLLED_BACK
    assert ending.detail == "anna misses a file"
    assert picture(folder) == before


def test_watch_goes_on_until_its_time(make: Make) -> None:
    transaction = make(TROUBLED)
    transaction.begin(RUN, now=NOW, ask=yes)
    assert transaction.carry_on(RUN, now=NOW + DAY_S - 1).outcome is None
    assert transaction.carry_on(RUN, now=NOW + DAY_S).outcome is not None


def test_what_cleared_before_anything_was_freed_is_not_our_success(make: Make) -> None:
    transaction = make(TROUBLED, TROUBLED, TROUBLED, WELL)
    transaction.begin(RUN, now=NOW, ask=yes)
    assert transaction.carry_on(RUN, now=NOW + DAY_S).outcome is Outcome.CLEARED_BY_ITSELF


def test_what_is_still_there_is_counted_as_not_solved(make: Make) -> None:
    transaction = make(TROUBLED)
    transaction.begin(RUN, now=NOW, ask=yes)
    assert transaction.carry_on(RUN, now=NOW + DAY_S).outcome is Outcome.NOT_SOLVED


def test_stop_in_the_middle_puts_everything_back(folder: Path, journal: JournalFile) -> None:
    before = picture(folder)
    asked = iter([False, False, True])
    means = replace(means_for(folder), stop=lambda: next(asked))
    ending = Transaction(remedy(), means, journal, lambda: TROUBLED).begin(RUN, now=NOW, ask=yes)
    assert ending.outcome is Outcome.ROLLED_BACK
    assert ending.detail == "stopped by a person"
    assert picture(folder) == before


def test_quarantine_on_another_file_system_is_found_out_by_the_proof(
    folder: Path, journal: JournalFile, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = picture(folder)

    def crosses(*arguments: object, **more: object) -> None:
        raise OSError(18, "Invalid cross-device link")

    monkeypatch.setattr(os, "rename", crosses)
    ending = Transaction(remedy(), means_for(folder), journal, lambda: TROUBLED).begin(RUN, now=NOW, ask=yes)
    assert ending.outcome is Outcome.ROLLED_BACK
    assert "another file system" in ending.detail
    monkeypatch.undo()
    assert picture(folder) == before


def test_file_that_changed_between_question_and_act_is_left_alone(folder: Path, journal: JournalFile) -> None:
    def ask(question: Question) -> Answer:
        (folder / "cache/mozilla/p/cache2/entries/E1").write_bytes(b"in use now" * 999)
        return Answer(True, "anna")

    transaction = Transaction(remedy(), means_for(folder), journal, lambda: TROUBLED)
    transaction.begin(RUN, now=NOW, ask=ask)
    transaction.carry_on(RUN, now=NOW + DAY_S)
    assert (folder / "cache/mozilla/p/cache2/entries/E1").read_bytes() == b"in use now" * 999


def test_link_planted_between_question_and_act_is_not_followed(folder: Path, journal: JournalFile) -> None:
    letter = folder / "outside/letter.txt"

    def ask(question: Question) -> Answer:
        target = folder / "cache/pip/http/a/one"
        target.unlink()
        target.symlink_to(letter)
        return Answer(True, "anna")

    transaction = Transaction(remedy(), means_for(folder), journal, lambda: TROUBLED)
    transaction.begin(RUN, now=NOW, ask=ask)
    transaction.carry_on(RUN, now=NOW + DAY_S)
    assert letter.read_bytes() == b"never touched" * 1000
    assert (folder / "cache/pip/http/a/one").is_symlink()


def test_new_file_in_the_place_of_a_moved_one_is_not_overwritten_by_roll_back(make: Make, folder: Path) -> None:
    transaction = make(TROUBLED)
    transaction.begin(RUN, now=NOW, ask=yes)
    (folder / "cache/pip/http/a/one").write_bytes(b"fetched again")
    ending = transaction.carry_on(RUN, now=NOW + 60, roll_back="asked")
    assert ending.outcome is Outcome.ROLLED_BACK
    assert "pip/http/a/one" in ending.detail
    assert (folder / "cache/pip/http/a/one").read_bytes() == b"fetched again"
    assert (folder / "cache/pip/http/a/two").exists()


class Broken:
    """A disk that fails at one act; everything else is the real machine."""

    def __init__(self, folder: Path, fails_at: int) -> None:
        self._real = means_for(folder).changes
        self._left = fails_at

    def __getattr__(self, name: str) -> object:
        return getattr(self._real, name)

    def quarantine(self, root: str, relative: str, seen: FileIdentity, into: str) -> None:
        self._left -= 1
        if self._left == 0:
            raise OSError(5, "Input/output error")
        self._real.quarantine(root, relative, seen, into)


@pytest.mark.parametrize("fails_at", [1, 2, 4, 6])
def test_failing_disk_ends_rolled_back(folder: Path, journal: JournalFile, fails_at: int) -> None:
    before = picture(folder)
    means = replace(means_for(folder), changes=Broken(folder, fails_at))  # type: ignore[arg-type]
    ending = Transaction(remedy(), means, journal, lambda: TROUBLED).begin(RUN, now=NOW, ask=yes)
    assert ending.outcome is Outcome.ROLLED_BACK
    assert "Input/output error" in ending.detail
    assert picture(folder) == before


class FullJournal(JournalFile):
    def __init__(self, path: Path, room: int) -> None:
        super().__init__(path)
        self.room = room

    def append(self, record: object) -> None:
        self.room -= 1
        if self.room == 0:
            raise OSError(28, "No space left on device")
        super().append(record)  # type: ignore[arg-type]


@pytest.mark.parametrize("room", range(1, 12))
def test_journal_that_cannot_be_written_stops_the_worker_and_a_later_one_ends_it(
    folder: Path, tmp_path: Path, room: int
) -> None:
    before = picture(folder)
    full = FullJournal(tmp_path / "journal", room)
    with pytest.raises(OSError, match="No space left"):
        Transaction(remedy(), means_for(folder), full, lambda: TROUBLED).begin(RUN, now=NOW, ask=yes)
    later = Transaction(remedy(), means_for(folder), JournalFile(tmp_path / "journal"), lambda: TROUBLED)
    if room == 1:
        assert list(full.everything()) == []
        assert picture(folder) == before
        return
    ending = later.carry_on(RUN, now=NOW + 60, roll_back="the disk was full")
    assert ending.outcome in (Outcome.NOT_BEGUN, Outcome.ROLLED_BACK)
    assert picture(folder) == before


def test_ended_run_tells_its_outcome_again_and_does_nothing(make: Make, folder: Path) -> None:
    transaction = make(TROUBLED, WORSE)
    first = transaction.begin(RUN, now=NOW, ask=yes)
    before = picture(folder)
    assert transaction.carry_on(RUN, now=NOW + 60) == first
    assert picture(folder) == before


def test_run_is_begun_once(make: Make) -> None:
    transaction = make(TROUBLED)
    transaction.begin(RUN, now=NOW, ask=yes)
    with pytest.raises(ValueError, match="use carry_on"):
        transaction.begin(RUN, now=NOW, ask=yes)


def test_plan_survives_the_journal_exactly(make: Make, journal: JournalFile) -> None:
    transaction = make(TROUBLED)
    plan, _ = transaction.preview(now=NOW)
    transaction.begin(RUN, now=NOW, ask=yes)
    kept = next(
        json.loads(record.detail)
        for record in journal.records(RUN)
        if record.detail != "{}" and "plan" in record.detail
    )
    assert [file["path"] for file in kept["plan"]["files"]] == [file.path for file in plan.files]


def every_place() -> Iterator[tuple[Step, Phase]]:
    for step in Step:
        for phase in Phase:
            if (step, phase) != (Step.RECORD, Phase.BEGUN):  # the record is one line: it is there or not
                yield step, phase


def test_table_of_what_follows_is_complete_and_never_acts_after_nothing() -> None:
    assert set(NEXT_AFTER) == set(every_place())
    assert next_after([]) is Next.NOTHING
    for (step, phase), follows in NEXT_AFTER.items():
        if step in (Step.PLAN, Step.CONSENT):
            assert follows is Next.CLOSE, (step, phase)
        if step is Step.SETTLE:
            assert follows is not Next.ROLL_BACK


def test_policy_never_lets_a_risk_that_asks_run_alone() -> None:
    assert policy_allows(Risk.ALONE, alone_up_to=Risk.ALONE)
    assert not policy_allows(Risk.ALONE, alone_up_to=Risk.GUIDE)
    assert not policy_allows(Risk.ASKS, alone_up_to=Risk.ASKS_AND_RESTARTS)


def test_catalogue_entries_are_whole() -> None:
    for name, entry in REMEDIES.items():
        assert entry.id == name
        assert set(entry.words) == set(Language)
        assert entry.watch_s >= DAY_S or entry.risk is Risk.GUIDE
        assert entry.budget.runs_a_day >= 1
