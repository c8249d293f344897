"""Mending in the service: lists remedies, previews one, runs it after the customer has agreed, carries open runs on.

    preview ─► the exact steps ─► the customer agrees to exactly these ─► worker ─► watch ─► settled or rolled back

Consent is to the steps that were shown: if the worker's plan differs when it begins (files came and went), the answer
is no and the customer is shown the new one. The journal's records are written here, before the worker acts. A run that
was cut off (worker killed, service killed, power) is carried on at the next start, by its last record alone.
"""

import asyncio
import json
import os
import sys
import time
from collections.abc import Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from agent.clocks import Clocks
from agent.event_log import EventLog
from agent.mending.policy import BY_POLICY, NEEDS_A_FINDING, MendingPolicy, Raised, may_run_alone
from agent.mending.remedy_process import RemedyProcess, start_remedy_process
from agent.mending.step_journal import Run, StepJournal
from agent.mending.talk import ORDER_TIMEOUT_S, Act, Order, Shown
from agent.proofs.books import Books
from agent.refusal import Refusal
from agent.store.database import NotWritten
from agent.uuid7 import uuid7
from diagnostics.remedies.budget import DAY_S, NotNow, may_run
from diagnostics.remedies.journal import Record, next_after
from diagnostics.remedies.profile import Ending, Profile, profiles
from diagnostics.remedies.profile import Outcome as Cure
from diagnostics.strict_json import decode, dump_json, encode, load_json
from diagnostics.wording import Language
from protocol.journal import JournalWord, Outcome

#: Looks during a watch, and what a crash left lying.
_CARRY_ON_S: Final = 900.0
#: A fix that could do nothing for a finding is not tried alone again for so long.
_TRY_AGAIN_S: Final = 6 * 3600.0
#: A preview that nobody agreed to for so long is shown afresh.
_PREVIEW_S: Final = 900.0
_OUTCOMES: Final[Mapping[Cure, Outcome]] = {
    Cure.SOLVED_MECHANICALLY: Outcome.DONE,
    Cure.CLEARED_BY_ITSELF: Outcome.DONE,
    Cure.SOLVED_BY_A_PERSON: Outcome.DONE,
    Cure.NOT_SOLVED: Outcome.DONE,
    Cure.ROLLED_BACK: Outcome.FAILED,
    Cure.NOT_NEEDED: Outcome.DONE,
    Cure.REFUSED: Outcome.REFUSED,
    Cure.NOT_BEGUN: Outcome.CANCELLED,
}


@dataclass(frozen=True)
class Preview:
    """`id` names exactly these steps: agreeing means agreeing to them. `run`: the run that would do them."""

    id: str
    run: str
    remedy: str
    question: Shown
    fingerprint: str | None
    made_boot_s: float


class Mending:
    """One for the service. `solved(fingerprint)` hears of a finding that a remedy has cured."""

    def __init__(
        self,
        journal: StepJournal,
        books: Books | None,
        clocks: Clocks,
        *,
        folder: Path,
        check_of: Callable[[str], str | None],
        solved: Callable[[str], None],
        log: EventLog,
        raised: Callable[[], Sequence[Raised]] = lambda: (),
        administrator: bool | None = None,
        minute_of_day: Callable[[int], int] = lambda now: time.localtime(now).tm_hour * 60 + time.localtime(now).tm_min,
    ) -> None:
        self._journal = journal
        self._books = books
        self._clocks = clocks
        self._folder = folder
        self._check_of = check_of
        self._solved = solved
        self._log = log
        self._raised = raised
        self._administrator = _is_root() if administrator is None else administrator
        self._minute_of_day = minute_of_day
        self._tried: dict[tuple[str, str], float] = {}
        self._previews: dict[str, Preview] = {}
        self._worker: RemedyProcess | None = None
        self._one_at_a_time = asyncio.Lock()
        self._orphaned: set[asyncio.Task[Ending]] = set()  # their visit was stopped; they end as they may

    # --- looking -------------------------------------------------------------------------------------------------

    def remedies(self) -> list[dict[str, object]]:
        """Every remedy with whether it may run now, and its runs."""
        return [self._remedy_value(remedy) for remedy in profiles().values()]

    def _remedy_value(self, remedy: Profile) -> dict[str, object]:
        not_now = self._not_now(remedy)
        raised = [each for each in self._raised() if each.code in remedy.cures]
        return {
            "id": remedy.id,
            "title": remedy.words[Language.ENGLISH].title,
            "text": remedy.words[Language.ENGLISH].text,
            "risk": int(remedy.risk),
            "reversible": remedy.reversible,
            "estimated_s": remedy.estimated_s,
            "not_now": None if not_now is None else not_now.reason,
            "again_at": None if not_now is None else not_now.again_unix_s,
            # Findings shown now that it is meant for, and why it does not begin by itself: None where it would.
            "findings": [each.fingerprint for each in raised],
            "waits": None if not raised or not_now is not None else self._waits(remedy, raised[0]),
            "needs_finding": remedy.id in NEEDS_A_FINDING,
            "runs": [self._run_value(run) for run in self._journal.runs(remedy.id)],
        }

    def _waits(self, remedy: Profile, raised: Raised) -> str | None:
        now = self._clocks.wall()
        not_now = may_run_alone(
            self._journal.policy(),
            remedy,
            raised,
            minute_of_day=self._minute_of_day(now),
            ran_alone=self._journal.ran_alone(now - DAY_S, BY_POLICY),
            administrator=self._administrator,
        )
        return None if not_now is None else not_now.reason

    def _run_value(self, run: Run) -> dict[str, object]:
        records = self._journal.records(run.run)
        watch = next((_detail(r, "until_unix_s") for r in reversed(records) if r.step.value == "watch"), None)
        ended = next((r for r in records if (r.step.value, r.phase.value) == ("record", "done")), None)
        return {
            "run": run.run,
            "asked_at": run.asked_at,
            "finding": run.fingerprint,
            "next": next_after(records).value,
            "watch_until": watch if ended is None else None,
            "outcome": None if ended is None else _detail(ended, "outcome"),
            "detail": "" if ended is None else str(_detail(ended, "detail") or ""),
            "ended_at": None if ended is None else ended.at_unix_s,
        }

    def _not_now(self, remedy: Profile) -> NotNow | None:
        open_here = [run for run in self._journal.open_runs() if self._remedy_of(run) == remedy.id]
        return may_run(
            remedy.budget,
            self._journal.changed_at(remedy.id),
            now=self._clocks.wall(),
            stopped=self._journal.policy().stop,
            another_runs=bool(open_here) or self._one_at_a_time.locked(),
        )

    def _remedy_of(self, run: str) -> str | None:
        found = self._journal.run(run)
        return None if found is None else found.remedy

    async def preview(self, remedy_id: str, fingerprint: str | None) -> Preview:
        """The exact steps, changing nothing. Refusal when there is nothing it could do here."""
        preview = await self._look(remedy_id, fingerprint)
        self._previews = {preview.id: preview}  # one screen at a time
        return preview

    async def _look(self, remedy_id: str, fingerprint: str | None) -> Preview:
        remedy = _known(remedy_id)
        run = uuid7()
        # The quarantine stands in the steps: the same as in the run that would follow.
        order = Order(
            Act.PREVIEW, remedy.id, run, self._clocks.wall(), str(self._quarantine(run)), fingerprint=fingerprint
        )
        answer = await self._order(order, steps=None)
        if "not_needed" in answer:
            raise Refusal(
                "there is nothing to do here", expected=remedy.words[Language.ENGLISH].title, got=answer["not_needed"]
            )
        return Preview(uuid7(), run, remedy.id, decode(Shown, answer["preview"]), fingerprint, self._clocks.boot())

    def previewed(self, preview_id: str) -> Preview:
        """What was previewed last, if it is this."""
        preview = self._previews.get(preview_id)
        if preview is None:
            raise _preview_is_over(preview_id)
        return preview

    def run_value(self, run_id: str) -> tuple[str, dict[str, object]]:
        """The remedy of a run, and how the run stands."""
        run = self._journal.run(run_id)
        if run is None:
            raise Refusal("there is no such run", expected="one of `remedies`", got=run_id[:40])
        return run.remedy, self._run_value(run)

    # --- doing ---------------------------------------------------------------------------------------------------

    async def run_in_visit(self, preview_id: str, by: str) -> Ending:
        """As `run`, for a visit. Cancelled: the worker finishes the file in hand and puts everything back, or has
        finished; that goes on here, whatever becomes of the visit."""
        return await self._outliving(self.run(preview_id, by))

    async def undo_in_visit(self, run_id: str) -> Ending:
        """As `undo`. A way back that has begun is always gone to its end."""
        return await self._outliving(self.undo(run_id), stops=False)

    async def _outliving(self, work: Coroutine[Any, Any, Ending], *, stops: bool = True) -> Ending:
        task = asyncio.create_task(work)
        try:
            return await asyncio.shield(task)
        except asyncio.CancelledError:
            self._orphaned.add(task)
            task.add_done_callback(self._orphan_ended)
            if stops and self._worker is not None:
                self._worker.ask_to_stop()
            raise

    def _orphan_ended(self, task: asyncio.Task[Ending]) -> None:
        self._orphaned.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            # Its journal stays open: the next look carries it on.
            self._log.warning("remedy-waits", reason=error.what if isinstance(error, Refusal) else type(error).__name__)

    async def run(self, preview_id: str, local_user: str) -> Ending:
        """Run what was previewed, up to its watch. The customer has agreed to exactly those steps."""
        preview = self._previews.pop(preview_id, None)
        if preview is None or self._clocks.boot() - preview.made_boot_s > _PREVIEW_S:
            raise _preview_is_over(preview_id)
        return await self._run(preview, local_user)

    async def _run(self, preview: Preview, local_user: str) -> Ending:
        remedy = _known(preview.remedy)
        not_now = self._not_now(remedy)
        check = None if preview.fingerprint is None else self._check_of(preview.fingerprint)
        run = Run(preview.run, remedy.id, preview.fingerprint, check, self._clocks.wall(), local_user)
        self._journal.begin(run)
        self._book(JournalWord.REMEDY_STARTED, remedy, None)
        order = Order(
            Act.BEGIN,
            remedy.id,
            run.run,
            self._clocks.wall(),
            str(self._quarantine(run.run)),
            fingerprint=run.fingerprint,
            check=run.check,
            not_now=None if not_now is None else not_now.reason,
        )
        answer = await self._order(order, steps=preview.question.steps, by=local_user)
        return self._ended(run, remedy, decode(Ending, answer["ending"]))

    async def undo(self, run_id: str) -> Ending:
        """Put a run back that is still watched. Refusal when it is over."""
        run = self._journal.run(run_id)
        if run is None or run_id not in self._journal.open_runs():
            raise Refusal(
                "this cannot be undone any more",
                expected="a run that is still being watched",
                got=run_id[:40],
                hint="bellpull-agent mend list shows them.",
            )
        return await self._carry_on(run, Act.ROLL_BACK)

    async def _carry_on(self, run: Run, act: Act = Act.CARRY_ON) -> Ending:
        remedy = _known(run.remedy)
        order = Order(
            act,
            run.remedy,
            run.run,
            self._clocks.wall(),
            str(self._quarantine(run.run)),
            records=tuple(self._journal.records(run.run)),
            fingerprint=run.fingerprint,
            check=run.check,
        )
        answer = await self._order(order, steps=None)
        return self._ended(run, remedy, decode(Ending, answer["ending"]))

    def _ended(self, run: Run, remedy: Profile, ending: Ending) -> Ending:
        if ending.outcome is None:
            return ending
        self._book(JournalWord.REMEDY_ENDED, remedy, _OUTCOMES[ending.outcome])
        if ending.outcome is Cure.SOLVED_MECHANICALLY and run.fingerprint is not None:
            self._solved(run.fingerprint)
        quarantine = self._quarantine(run.run)
        if quarantine.is_dir() and not any(quarantine.iterdir()):
            quarantine.rmdir()
        self._log.info("remedy-ended", remedy=remedy.id, outcome=ending.outcome.value)
        return ending

    def _book(self, word: JournalWord, remedy: Profile, outcome: Outcome | None) -> None:
        """The device's journal and the server's log, where this device has an organisation. No names, no paths."""
        if self._books is not None:
            self._books.remedy(word, remedy.id, int(remedy.risk), outcome)

    def _quarantine(self, run: str) -> Path:
        return self._folder / run

    # --- the worker ----------------------------------------------------------------------------------------------

    async def _order(self, order: Order, *, steps: tuple[str, ...] | None, by: str = "") -> dict[str, Any]:
        """One worker for one order; its last word. `steps`: what the customer agreed to, word for word."""
        async with self._one_at_a_time:
            worker = await start_remedy_process()
            self._worker = worker
            try:
                async with asyncio.timeout(ORDER_TIMEOUT_S):
                    return await self._talk(worker.process, order, steps, by)
            except TimeoutError:
                raise Refusal(
                    "the fix did not finish in time",
                    expected=f"within {ORDER_TIMEOUT_S:g} s",
                    got="no end",
                    hint="It is put back or finished at the next look.",
                ) from None
            finally:
                self._worker = None
                await worker.end()

    async def _talk(
        self, process: asyncio.subprocess.Process, order: Order, steps: tuple[str, ...] | None, by: str
    ) -> dict[str, Any]:
        assert process.stdin is not None and process.stdout is not None and process.stderr is not None  # noqa: S101, PT018
        _say(process.stdin, encode(order))
        while line := await process.stdout.readline():
            said = load_json(line)
            if not isinstance(said, dict):
                break
            if "record" in said:
                self._keep(process.stdin, decode(Record, said["record"]))
            elif "question" in said:
                question = decode(Shown, said["question"])
                same = steps is not None and question.steps == steps
                why = by or "a person at this computer"
                _say(process.stdin, {"yes": same, "by": why if same else "nobody: the steps had changed meanwhile"})
            else:
                return said
        words = (await process.stderr.read(4096)).decode("utf-8", "replace").strip().splitlines()
        raise Refusal(
            "the fix was cut off",
            expected="its last word",
            got=words[-1][:300] if words else "none",
            hint="It is put back or finished at the next look.",
        )

    def _keep(self, worker: asyncio.StreamWriter, record: Record) -> None:
        try:
            self._journal.append(record)
        except NotWritten as error:
            self._log.warning("remedy-record-not-kept", reason=error.got)
            _say(worker, {"kept": False})
        else:
            _say(worker, {"kept": True})

    # --- life ----------------------------------------------------------------------------------------------------

    async def run_for_ever(self) -> None:
        """End what a crash left lying, and look at what is being watched; until cancelled."""
        while True:
            for run_id in self._journal.open_runs():
                run = self._journal.run(run_id)
                if run is None or run.remedy not in profiles() or self._one_at_a_time.locked():
                    continue
                try:
                    await self._carry_on(run)
                except Refusal as error:
                    self._log.warning("remedy-waits", remedy=run.remedy, reason=error.got)
            await self.mend_alone()
            await asyncio.sleep(_CARRY_ON_S)

    async def mend_alone(self) -> None:
        """One look at what is shown now: run what the owner's policy lets run without asking, one after the other."""
        for raised in self._raised():
            for remedy in profiles().values():
                now, tried = self._clocks.wall(), (remedy.id, raised.fingerprint)
                not_now = may_run_alone(
                    self._journal.policy(),
                    remedy,
                    raised,
                    minute_of_day=self._minute_of_day(now),
                    ran_alone=self._journal.ran_alone(now - DAY_S, BY_POLICY),
                    administrator=self._administrator,
                )
                rested = self._clocks.boot() - self._tried.get(tried, -_TRY_AGAIN_S) >= _TRY_AGAIN_S
                if not_now is not None or not rested or self._not_now(remedy) is not None:
                    continue
                self._tried[tried] = self._clocks.boot()
                try:
                    await self._run(await self._look(remedy.id, raised.fingerprint), BY_POLICY)
                except Refusal as error:
                    self._log.info("remedy-not-alone", remedy=remedy.id, reason=error.got)

    def policy(self) -> MendingPolicy:
        return self._journal.policy()

    def set_policy(self, policy: MendingPolicy) -> None:
        """The owner's word. Raises NotWritten."""
        self._journal.set_policy(policy)
        self._log.info("remedy-policy", alone=policy.alone, stopped=policy.stop)

    def outcomes(self) -> Mapping[str, int]:
        return self._journal.outcomes()


def _is_root() -> bool:
    if sys.platform == "win32":
        return False
    return os.geteuid() == 0


def _preview_is_over(preview_id: str) -> Refusal:
    return Refusal(
        "this preview is over",
        expected="the steps as they were shown last",
        got=preview_id[:40],
        hint="Look at the steps again, then agree to them.",
    )


def _known(remedy: str) -> Profile:
    if remedy not in profiles():
        raise Refusal("there is no such fix", expected=", ".join(profiles()), got=remedy[:60])
    return profiles()[remedy]


def _detail(record: Record, key: str) -> Any:
    value = json.loads(record.detail)
    return value.get(key) if isinstance(value, dict) else None


def _say(worker: asyncio.StreamWriter, value: object) -> None:
    worker.write((dump_json(value) + "\n").encode())
