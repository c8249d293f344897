"""A remedy as a transaction: every way through it ends finished or rolled back, also when the worker dies.

    precondition → consent (by risk) → snapshot and its proof → apply → verify by re-running the check
      → watch 24 h → settle → record            worse at any look, or a failing act → roll back → record

`begin` runs up to the watch and returns; `carry_on` is called for every open run when the worker starts and from time
to time while a watch lasts. Both write a journal record before and after each step and take the next step from that
journal alone, never from memory.

Nothing here sleeps, reads a clock or talks to a person: time, consent and the check come in as arguments.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, assert_never

from diagnostics.findings import Severity
from diagnostics.machine.interface import ActRefused
from diagnostics.remedies.budget import NotNow
from diagnostics.remedies.journal import Journal, Next, Phase, Record, Step, next_after
from diagnostics.remedies.profile import Ending, Outcome, Risk
from diagnostics.remedies.remedy import CannotGoOn, Means, NotNeeded, Plan, Reading, Remedy
from diagnostics.strict_json import decode, dump_json, encode, load_json
from diagnostics.wording import Language


@dataclass(frozen=True, slots=True)
class Question:
    """What a person is asked: the remedy's own words and the exact steps."""

    remedy: str
    risk: Risk
    title: str
    text: str
    steps: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Answer:
    """``by`` is who decided: the owner's policy, or a person at this machine."""

    yes: bool
    by: str


Ask = Callable[[Question], Answer]
Recheck = Callable[[], Reading]


@dataclass(frozen=True, slots=True)
class Transaction(Generic[Plan]):
    """One remedy on one machine. ``recheck`` runs the check that raised the finding and says how bad it is now."""

    remedy: Remedy[Plan]
    means: Means
    journal: Journal
    recheck: Recheck
    language: Language = Language.ENGLISH

    def preview(self, *, now: int) -> tuple[Plan, Question]:
        """The dry run: changes nothing, journals nothing. Raises NotNeeded."""
        plan = self.remedy.acts.plan(self.means, now=now)
        return plan, self._question(plan)

    def begin(self, run: str, *, now: int, ask: Ask, not_now: NotNow | None = None) -> Ending:
        """A new run, up to its watch. ``not_now`` is what `budget.may_run` said."""
        if self.journal.records(run):
            raise ValueError(f"expected a new run, {run} has records; use carry_on")
        before = self.recheck()
        self._write(run, Step.PLAN, Phase.BEGUN, now, {"version": self.remedy.version})
        if not_now is not None:
            return self._record(run, now, Outcome.NOT_BEGUN, not_now.reason)
        try:
            plan = self.remedy.acts.plan(self.means, now=now)
        except NotNeeded as reason:
            return self._record(run, now, Outcome.NOT_NEEDED, str(reason))
        self._write(run, Step.PLAN, Phase.DONE, now, {"plan": encode(plan), "before": _reading_out(before)})
        if self.remedy.risk is Risk.GUIDE:
            return self._record(run, now, Outcome.SOLVED_BY_A_PERSON, "shown as a guide; nothing was changed")
        self._write(run, Step.CONSENT, Phase.BEGUN, now)
        answer = ask(self._question(plan))
        self._write(run, Step.CONSENT, Phase.DONE, now, {"yes": answer.yes, "by": answer.by})
        if not answer.yes:
            return self._record(run, now, Outcome.REFUSED, f"refused by {answer.by}")
        # A journal that cannot be written raises through all of this: the worker goes no further, and the next one
        # decides by what is on the disk.
        for step, act, word in (
            (Step.SNAPSHOT, self.remedy.acts.snapshot, "proof"),
            (Step.APPLY, self.remedy.acts.apply, "done"),
        ):
            self._write(run, step, Phase.BEGUN, now)
            try:
                told = act(plan, self.means)
            except (CannotGoOn, ActRefused, OSError) as error:
                return self._roll_back(run, plan, now, str(error))
            self._write(run, step, Phase.DONE, now, {word: told})
        return self._verify(run, plan, now)

    def carry_on(self, run: str, *, now: int, roll_back: str | None = None) -> Ending:
        """Take an open run on from its last record; ``roll_back`` gives a person's reason to undo it instead, which
        counts until the settling has begun."""
        records = self.journal.records(run)
        step = next_after(records)
        if roll_back is not None and step in (Next.VERIFY, Next.WATCH):
            step = Next.ROLL_BACK
        match step:
            case Next.NOTHING:
                return _ended(run, records)
            case Next.CLOSE:
                return self._record(run, now, Outcome.NOT_BEGUN, "the worker ended before anything was changed")
            case Next.ROLL_BACK:
                reason = roll_back or _told(records, Step.ROLL_BACK, "reason") or "the worker ended in the middle"
                return self._roll_back(run, self._plan_of(records), now, reason)
            case Next.VERIFY:
                return self._verify(run, self._plan_of(records), now)
            case Next.WATCH:
                return self._watch(run, self._plan_of(records), now)
            case Next.SETTLE:
                return self._settle(run, self._plan_of(records), now)
            case Next.RECORD:
                return self._conclude(run, records, now)
            case _:
                assert_never(step)

    def _verify(self, run: str, plan: Plan, now: int) -> Ending:
        """The acts did what they promise, and the check does not find it worse than before."""
        self._write(run, Step.VERIFY, Phase.BEGUN, now)
        try:
            found = self.remedy.acts.check(plan, self.means)
        except (CannotGoOn, ActRefused, OSError) as error:
            return self._roll_back(run, plan, now, str(error))
        reading = self.recheck()
        before = self._before(run)
        if reading.is_worse_than(before):
            return self._roll_back(run, plan, now, "the check found it worse than before")
        self._write(run, Step.VERIFY, Phase.DONE, now, {"found": found, "after": _reading_out(reading)})
        until = now + self.remedy.watch_s
        self._write(run, Step.WATCH, Phase.BEGUN, now, {"until_unix_s": until})
        return self._watch(run, plan, now)

    def _watch(self, run: str, plan: Plan, now: int) -> Ending:
        """One look. The watch is over by time alone; it is cut short only by getting worse."""
        until = _number(self.journal.records(run), Step.WATCH, "until_unix_s")
        if until is None:  # died between "verify done" and "watch begun"
            until = now + self.remedy.watch_s
            self._write(run, Step.WATCH, Phase.BEGUN, now, {"until_unix_s": until})
        reading = self.recheck()
        if reading.is_worse_than(self._before(run)):
            return self._roll_back(run, plan, now, "it got worse during the watch")
        if now < until:
            return Ending(run, None, "watching", until)
        self._write(run, Step.WATCH, Phase.DONE, now, {"after": _reading_out(reading)})
        return self._settle(run, plan, now)

    def _settle(self, run: str, plan: Plan, now: int) -> Ending:
        # A second worker may find "settle begun": the acts can be repeated.
        self._write(run, Step.SETTLE, Phase.BEGUN, now)
        told = self.remedy.acts.settle(plan, self.means)
        self._write(run, Step.SETTLE, Phase.DONE, now, {"done": told, "after": _reading_out(self.recheck())})
        return self._conclude(run, self.journal.records(run), now)

    def _roll_back(self, run: str, plan: Plan, now: int, reason: str) -> Ending:
        self._write(run, Step.ROLL_BACK, Phase.BEGUN, now, {"reason": reason})
        undone = self.remedy.acts.roll_back(plan, self.means)
        self._write(run, Step.ROLL_BACK, Phase.DONE, now, {"restored": undone.restored, "left": list(undone.left[:50])})
        return self._conclude(run, self.journal.records(run), now)

    def _conclude(self, run: str, records: Sequence[Record], now: int) -> Ending:
        """Which outcome the records speak of."""
        undone = _detail(records, Step.ROLL_BACK, Phase.DONE)
        if undone is not None:
            reason = _told(records, Step.ROLL_BACK, "reason")
            left = undone.get("left")
            rest = f"; could not be put back: {', '.join(map(str, left))}" if isinstance(left, list) and left else ""
            return self._record(run, now, Outcome.ROLLED_BACK, f"{reason}{rest}")
        settled = _detail(records, Step.SETTLE, Phase.DONE) or {}
        watched = _detail(records, Step.WATCH, Phase.DONE) or {}
        done = str(settled.get("done", ""))
        before, after = self._before(run), _reading_in(settled.get("after"))
        cleared_early = _reading_in(watched.get("after")).severity is None
        if before.severity is None:
            return self._record(run, now, Outcome.NOT_NEEDED, f"nothing was raised before; {done}")
        if after.severity is not None:
            return self._record(run, now, Outcome.NOT_SOLVED, f"the finding is still there; {done}")
        if self.remedy.cures_at_settle and cleared_early:
            return self._record(run, now, Outcome.CLEARED_BY_ITSELF, f"it was gone before this could help; {done}")
        return self._record(run, now, Outcome.SOLVED_MECHANICALLY, done)

    def _record(self, run: str, now: int, outcome: Outcome, detail: str) -> Ending:
        self._write(run, Step.RECORD, Phase.DONE, now, {"outcome": outcome.value, "detail": detail})
        return Ending(run, outcome, detail)

    def _question(self, plan: Plan) -> Question:
        words = self.remedy.words[self.language]
        steps = tuple(self.remedy.acts.steps(plan, self.language))
        return Question(self.remedy.id, self.remedy.risk, words.title, words.text, steps)

    def _plan_of(self, records: Sequence[Record]) -> Plan:
        detail = _detail(records, Step.PLAN, Phase.DONE)
        if detail is None:
            raise ValueError("expected a plan in the journal of a run that has begun to act, found none")
        return decode(self.remedy.plan_type, detail["plan"])

    def _before(self, run: str) -> Reading:
        detail = _detail(self.journal.records(run), Step.PLAN, Phase.DONE) or {}
        return _reading_in(detail.get("before"))

    def _write(self, run: str, step: Step, phase: Phase, now: int, detail: dict[str, object] | None = None) -> None:
        self.journal.append(Record(run, self.remedy.id, step, phase, now, dump_json(detail or {})))


def _detail(records: Sequence[Record], step: Step, phase: Phase) -> dict[str, object] | None:
    for record in reversed(records):
        if record.step is step and record.phase is phase:
            value = load_json(record.detail)
            return value if isinstance(value, dict) else {}
    return None


def _told(records: Sequence[Record], step: Step, key: str) -> str:
    detail = _detail(records, step, Phase.BEGUN) or {}
    return str(detail.get(key, ""))


def _number(records: Sequence[Record], step: Step, key: str) -> int | None:
    value = (_detail(records, step, Phase.BEGUN) or {}).get(key)
    return value if isinstance(value, int) else None


def _ended(run: str, records: Sequence[Record]) -> Ending:
    detail = _detail(records, Step.RECORD, Phase.DONE)
    if detail is None:
        raise KeyError(f"no run {run} in the journal")
    return Ending(run, Outcome(str(detail["outcome"])), str(detail["detail"]))


def _reading_out(reading: Reading) -> str | None:
    return None if reading.severity is None else reading.severity.value


def _reading_in(value: object) -> Reading:
    return Reading(Severity(value) if isinstance(value, str) else None)
