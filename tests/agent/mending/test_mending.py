"""A fix from preview to end with the real worker: agreed steps only, every record kept first, never half."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from agent.mending.mending import Mending
from agent.mending.step_journal import StepJournal
from agent.refusal import Refusal
from agent.store.database import Database, NotWritten
from diagnostics.remedies.journal import Phase, Record, Step
from diagnostics.remedies.profile import Outcome
from tests.agent.doubles import HandClocks, MemoryLog
from tests.agent.visit_rig import Rig
from tests.making import NOW

REMEDY = "clean-user-cache"
MONTHS_AGO = NOW - 90 * 86_400
#: Enough to be worth it (50 MB), in real blocks that nobody has to write.
SIZE_BYTES = 20_000_000


class Workshop:
    def __init__(self, folder: Path, cache: Path, *, rig: Rig | None = None) -> None:
        self.cache = cache
        self.folder = folder
        self.database = Database(folder / "agent.db")
        self.clocks = HandClocks()
        self.log = MemoryLog()
        self.journal = StepJournal(self.database)
        self.solved: list[str] = []
        self.mending = Mending(
            self.journal,
            None if rig is None else rig.books,
            self.clocks,
            folder=folder / "mending",
            check_of=lambda fingerprint: None,
            solved=self.solved.append,
            log=self.log,
        )

    def fill(self, count: int = 3) -> None:
        place = self.cache / "pip" / "http"
        place.mkdir(parents=True, exist_ok=True)
        for number in range(count):
            file = place / f"old {number}"
            with file.open("wb") as opened:
                os.posix_fallocate(opened.fileno(), 0, SIZE_BYTES)
            os.utime(file, (MONTHS_AGO, MONTHS_AGO))
        fresh = place / "new"
        fresh.write_bytes(b"x" * 100_000)
        os.utime(fresh, (NOW, NOW))

    def files(self) -> list[str]:
        return sorted(path.name for path in self.cache.rglob("*") if path.is_file())

    def quarantined(self) -> list[str]:
        return sorted(path.name for path in (self.folder / "mending").rglob("*") if path.is_file())

    def steps(self, run: str) -> list[tuple[Step, Phase]]:
        return [(record.step, record.phase) for record in self.journal.records(run)]

    async def run(self) -> str:
        preview = await self.mending.preview(REMEDY, None)
        ending = await self.mending.run(preview.id, "anna")
        return ending.run


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    place = tmp_path / "cache"
    place.mkdir()
    monkeypatch.setenv("XDG_CACHE_HOME", str(place))
    return place


@pytest.fixture
def workshop(tmp_path: Path, cache: Path) -> Iterator[Workshop]:
    shop = Workshop(tmp_path, cache)
    shop.fill()
    yield shop
    shop.database.close()


async def test_a_preview_changes_nothing_and_names_every_step(workshop: Workshop) -> None:
    before = workshop.files()
    preview = await workshop.mending.preview(REMEDY, None)
    assert workshop.files() == before
    assert "Move 3 files of pip aside" in " ".join(preview.question.steps)
    assert workshop.database.query("SELECT 1 FROM mending_steps") == []


async def test_what_was_agreed_is_done_and_can_be_put_back(workshop: Workshop) -> None:
    run = await workshop.run()
    assert workshop.files() == ["new"]
    assert workshop.quarantined() == ["old 0", "old 1", "old 2"]
    assert workshop.journal.open_runs() == [run]
    ending = await workshop.mending.undo(run)
    assert ending.outcome is Outcome.ROLLED_BACK
    assert workshop.files() == ["new", "old 0", "old 1", "old 2"]
    assert workshop.quarantined() == []
    assert workshop.journal.open_runs() == []


async def test_after_the_watch_it_is_settled_for_good(workshop: Workshop) -> None:
    run = await workshop.run()
    workshop.clocks.pass_s(25 * 3600)
    found = workshop.journal.run(run)
    assert found is not None
    ending = await workshop.mending._carry_on(found)
    assert ending.outcome is Outcome.NOT_NEEDED  # nothing was raised before, so nothing was cured: said honestly
    assert workshop.files() == ["new"]
    assert workshop.quarantined() == []
    with pytest.raises(Refusal):
        await workshop.mending.undo(run)


async def test_steps_that_changed_since_they_were_shown_are_not_done(workshop: Workshop) -> None:
    preview = await workshop.mending.preview(REMEDY, None)
    extra = workshop.cache / "pip" / "http" / "came later"
    extra.write_bytes(b"y" * SIZE_BYTES)
    os.utime(extra, (MONTHS_AGO, MONTHS_AGO))
    ending = await workshop.mending.run(preview.id, "anna")
    assert ending.outcome is Outcome.REFUSED
    assert "steps had changed" in ending.detail
    assert len(workshop.files()) == 5
    assert workshop.quarantined() == []


async def test_a_preview_is_agreed_to_once_and_in_time(workshop: Workshop) -> None:
    preview = await workshop.mending.preview(REMEDY, None)
    workshop.clocks.pass_s(16 * 60)
    with pytest.raises(Refusal, match="preview is over"):
        await workshop.mending.run(preview.id, "anna")
    with pytest.raises(Refusal, match="preview is over"):
        await workshop.mending.run("01890a5d-ac96-7745-bcce-b302099a8057", "anna")
    assert workshop.quarantined() == []


async def test_with_nothing_to_do_it_says_so(tmp_path: Path, cache: Path) -> None:
    shop = Workshop(tmp_path, cache)
    with pytest.raises(Refusal, match="nothing to do here"):
        await shop.mending.preview(REMEDY, None)
    shop.database.close()


async def test_an_unknown_fix_is_refused(workshop: Workshop) -> None:
    with pytest.raises(Refusal, match="no such fix"):
        await workshop.mending.preview("format-the-disk", None)


CHANGING = [
    (Step.SNAPSHOT, Phase.BEGUN),
    (Step.SNAPSHOT, Phase.DONE),
    (Step.APPLY, Phase.BEGUN),
    (Step.APPLY, Phase.DONE),
    (Step.VERIFY, Phase.BEGUN),
    (Step.VERIFY, Phase.DONE),
    (Step.WATCH, Phase.BEGUN),
]
BEFORE = [(Step.PLAN, Phase.BEGUN), (Step.PLAN, Phase.DONE), (Step.CONSENT, Phase.BEGUN), (Step.CONSENT, Phase.DONE)]


@pytest.mark.parametrize(("step", "phase"), [*BEFORE, *CHANGING])
async def test_a_worker_that_is_killed_at_any_record_leaves_nothing_half(
    workshop: Workshop, monkeypatch: pytest.MonkeyPatch, step: Step, phase: Phase
) -> None:
    real = workshop.journal.append

    def kept_and_killed(record: Record) -> None:
        real(record)
        if (record.step, record.phase) == (step, phase):
            assert workshop.mending._worker is not None
            workshop.mending._worker.process.kill()

    with monkeypatch.context() as patched:
        patched.setattr(workshop.journal, "append", kept_and_killed)
        try:
            await workshop.run()
        except Refusal as refusal:
            assert refusal.what == "the fix was cut off"  # noqa: PT017 - it may also have got through to its end
    (run_id,) = [row["run"] for row in workshop.database.query("SELECT DISTINCT run FROM mending_steps")]
    run = workshop.journal.run(run_id)
    assert run is not None
    ending = await workshop.mending._carry_on(run)
    if ending.outcome is None:  # it had been done, and is watched
        assert (workshop.files(), len(workshop.quarantined())) == (["new"], 3)
    else:
        assert ending.outcome in (Outcome.NOT_BEGUN, Outcome.ROLLED_BACK)
        assert (len(workshop.files()), workshop.quarantined()) == (4, [])


async def test_a_record_that_cannot_be_kept_stops_the_worker(
    workshop: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = workshop.journal.append

    def full(record: Record) -> None:
        if record.step is Step.APPLY:
            raise NotWritten("nothing could be written", got="disk full")
        real(record)

    with monkeypatch.context() as patched:
        patched.setattr(workshop.journal, "append", full)
        with pytest.raises(Refusal, match="cut off"):
            await workshop.run()
    assert len(workshop.files()) == 4  # the snapshot's one file went there and back; nothing was applied
    (run_id,) = workshop.journal.open_runs()
    run = workshop.journal.run(run_id)
    assert run is not None
    assert (await workshop.mending._carry_on(run)).outcome is Outcome.ROLLED_BACK


async def test_it_rests_after_a_run(workshop: Workshop) -> None:
    run = await workshop.run()
    remedy = next(each for each in workshop.mending.remedies() if each["id"] == REMEDY)
    assert remedy["not_now"] == "an earlier run of this remedy is not finished yet"
    await workshop.mending.undo(run)
    workshop.clocks.pass_s(3600)
    preview = await workshop.mending.preview(REMEDY, None)
    ending = await workshop.mending.run(preview.id, "anna")
    assert ending.outcome is Outcome.NOT_BEGUN


async def test_the_devices_journal_and_the_log_hear_of_it(tmp_path: Path, cache: Path) -> None:
    rig = Rig(tmp_path / "rig")
    shop = Workshop(tmp_path, cache, rig=rig)
    shop.fill()
    run = await shop.run()
    await shop.mending.undo(run)
    assert rig.desk.words == ["remedy-started", "remedy-ended"]
    assert rig.books.journal.check() == 2
    shop.database.close()
    rig.close()
