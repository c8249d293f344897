"""The open questions: put to the person, kept with their clock, ended by exactly one answer.

    visit ── ask(facts) ──► frozen? ─ the owner's policy? ─► may ask? ──► persisted ──► pending ──► a surface shows it
    visit ◄── Yes | No ───────────────────────────── decide(id, …) ◄── window, approval page, terminal, command
                                                     or 120 s pass, or the technician leaves: no

A surface carries an answer and the hash of the text it showed; whether that answer counts is decided by policy.py.
Who may answer (never a process of a session) is checked at the socket before `decide` is reached.
"""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final

from agent.clocks import Clocks
from agent.consent.policy import Answer, CoolDown, fault_of_yes, may_ask
from agent.consent.prompt_text import LANGUAGE, PromptFacts, PromptText, write_prompt
from agent.consent.tables import PromptStore
from agent.consent.unattended import Policies
from agent.refusal import Refusal
from protocol.actions.scopes import Scope
from protocol.grants import ConsentMethod, ConsentTranscript
from protocol.limits import CONSENT_TIMEOUT_S, HOUR_S, REFUSAL_COOLDOWN_S
from protocol.visit import RefusalReason

# How often the gate looks at the clock that counts suspend; an answer is judged by that clock in any case.
_LOOK_S: Final = 1.0


@dataclass(frozen=True)
class Yes:
    """The customer allows these scopes for these minutes; `transcript` says how they said so."""

    scopes: tuple[Scope, ...]
    minutes: int
    transcript: ConsentTranscript


@dataclass(frozen=True)
class No:
    reason: RefusalReason


Decision = Yes | No


@dataclass
class PendingPrompt:
    """One open question. `id` is short enough to type."""

    id: str
    number: int
    facts: PromptFacts
    text: PromptText
    asked_boot_s: float
    asked_at: int
    first_shown_boot_s: float | None = None
    answer: "asyncio.Future[Decision]" = field(repr=False, kw_only=True)

    def expires_in_s(self, boot_s: float) -> int:
        return max(0, int(CONSENT_TIMEOUT_S - (boot_s - self.asked_boot_s)))


class ConsentGate:
    """One for the service. `local_act_age_s`: seconds since the customer last asked for help here, or None.

    `is_frozen`: abuse was reported, nobody comes in. `policies`: what the owner allows without a person, if anything.
    """

    def __init__(
        self,
        store: PromptStore,
        clocks: Clocks,
        *,
        local_act_age_s: Callable[[], float | None],
        is_frozen: Callable[[], bool] = lambda: False,
        policies: Policies | None = None,
    ) -> None:
        self._store = store
        self._clocks = clocks
        self._local_act_age_s = local_act_age_s
        self._is_frozen = is_frozen
        self._policies = policies
        self._pending: dict[str, PendingPrompt] = {}
        self._listeners: list[Callable[[PendingPrompt], None]] = []
        self._last_no_boot_s: float | None = None

    def when_asked(self, listener: Callable[[PendingPrompt], None]) -> None:
        """`listener` is called for each new question: to open the approval page, to write a line."""
        self._listeners.append(listener)

    @property
    def frozen(self) -> bool:
        """Abuse was reported: nobody is let in, and nobody is asked, until an administrator lifts it."""
        return self._is_frozen()

    def unattended_now(self) -> bool:
        """Whether the owner's policy might let somebody in at this moment, without a question."""
        return self._policies is not None and not self.frozen and self._policies.open_now()

    def obstacle(self) -> CoolDown | None:
        """Why no question may be put now; None when one may."""
        now = self._clocks.wall()
        history = self._store.since(now - max(HOUR_S, REFUSAL_COOLDOWN_S))
        no_age_s = None if self._last_no_boot_s is None else self._clocks.boot() - self._last_no_boot_s
        verdict = may_ask(history, now=now, local_act_age_s=self._local_act_age_s(), last_no_age_s=no_age_s)
        return verdict if isinstance(verdict, CoolDown) else None

    async def ask(self, facts: PromptFacts) -> Decision:
        """Put the question and wait for its one answer. Cancelled: the technician has left, the question goes away."""
        if self.frozen:
            return No(RefusalReason.COOL_DOWN)
        nothing_left = facts.offer.refusal
        if nothing_left is not None:
            return No(nothing_left)
        unattended = None if self._policies is None else self._policies.decide(facts)
        if isinstance(unattended, tuple):
            allowed, transcript = unattended
            return Yes(allowed.scopes, allowed.minutes, transcript)
        if facts.ticket is None:
            return No(RefusalReason.UNKNOWN_TICKET)
        if self.obstacle() is not None:
            return No(RefusalReason.COOL_DOWN)
        prompt = self._open(facts)
        try:
            for listener in self._listeners:
                listener(prompt)
            while not prompt.answer.done():
                await asyncio.wait({prompt.answer}, timeout=_LOOK_S)
                self.expire_due()
            return prompt.answer.result()
        except asyncio.CancelledError:
            self._settle(prompt, Answer.WITHDRAWN, No(RefusalReason.NO_ANSWER))
            raise
        finally:
            self._pending.pop(prompt.id, None)

    def _open(self, facts: PromptFacts) -> PendingPrompt:
        text = write_prompt(facts)
        now = self._clocks.wall()
        number = self._store.asked(now=now, request=facts.request, serial=facts.serial, text=text.text)
        prompt = PendingPrompt(
            str(number),
            number,
            facts,
            text,
            self._clocks.boot(),
            now,
            answer=asyncio.get_running_loop().create_future(),
        )
        self._pending[prompt.id] = prompt
        return prompt

    def pending(self) -> list[PendingPrompt]:
        self.expire_due()
        return [prompt for prompt in self._pending.values() if not prompt.answer.done()]

    def show(self, prompt_id: str) -> PendingPrompt:
        """The question for a surface that is about to show it: its reading time begins now."""
        prompt = self._find(prompt_id)
        if prompt.first_shown_boot_s is None:
            prompt.first_shown_boot_s = self._clocks.boot()
        return prompt

    def approve(
        self,
        prompt_id: str,
        *,
        scopes: Sequence[Scope] | None,
        minutes: int | None,
        text_sha256: bytes,
        method: ConsentMethod,
        local_user: str,
    ) -> Yes:
        """A yes to what is ticked (None: to all that was offered). Raises Refusal when it does not count."""
        prompt = self._find(prompt_id)
        offered = prompt.facts.offer.scopes
        ticked = offered if scopes is None else tuple(dict.fromkeys(scopes))
        allowed_minutes = prompt.facts.minutes if minutes is None else minutes
        boot = self._clocks.boot()
        shown = prompt.first_shown_boot_s
        fault = fault_of_yes(
            prompt.facts.offer,
            prompt.facts.minutes,
            ticked=ticked,
            minutes=allowed_minutes,
            same_text=text_sha256 == prompt.text.sha256,
            open_s=boot - prompt.asked_boot_s,
            shown_s=None if shown is None else boot - shown,
        )
        if fault is not None:
            raise Refusal(
                f"this yes does not count: {fault.value}",
                expected=f"some of {', '.join(offered)}, for at most {prompt.facts.minutes} minutes",
                got=f"{', '.join(ticked) or 'nothing'}, for {allowed_minutes} minutes",
                hint=f"See the question again: bellpull-agent consent show {prompt.id}",
            )
        now = self._clocks.wall()
        transcript = ConsentTranscript(
            text_sha256=prompt.text.sha256,
            language=LANGUAGE,
            ticked=ticked,
            method=method,
            local_user=local_user[:120],
            decided_at=now,
        )
        decision = Yes(ticked, allowed_minutes, transcript)
        self._settle(prompt, Answer.YES, decision)
        return decision

    def refuse(self, prompt_id: str) -> None:
        self._settle(self._find(prompt_id), Answer.NO, No(RefusalReason.CUSTOMER))

    def refuse_all(self) -> int:
        """No to every open question, at once: abuse was reported. How many there were."""
        open_now = self.pending()
        for prompt in open_now:
            self._settle(prompt, Answer.NO, No(RefusalReason.CUSTOMER))
        return len(open_now)

    def said_no_at(self) -> int | None:
        """When, in unix seconds, somebody here last said no within the time that counts."""
        history = self._store.since(self._clocks.wall() - REFUSAL_COOLDOWN_S)
        return max((past.answered_at or 0 for past in history if past.answer is Answer.NO), default=None)

    def expire_due(self) -> None:
        """Questions whose time is over become a no."""
        boot = self._clocks.boot()
        for prompt in list(self._pending.values()):
            if boot - prompt.asked_boot_s > CONSENT_TIMEOUT_S:
                self._settle(prompt, Answer.NONE, No(RefusalReason.NO_ANSWER))

    def _settle(self, prompt: PendingPrompt, answer: Answer, decision: Decision) -> None:
        """The first answer counts. A yes is on the disk before it has any effect; a no has its effect on any disk."""
        if prompt.answer.done():
            return
        if isinstance(decision, Yes):
            self._store.answered(prompt.number, answer, now=self._clocks.wall())
            prompt.answer.set_result(decision)
            return
        prompt.answer.set_result(decision)
        if answer is Answer.NO:
            self._last_no_boot_s = self._clocks.boot()
        self._store.answered(prompt.number, answer, now=self._clocks.wall())

    def _find(self, prompt_id: str) -> PendingPrompt:
        self.expire_due()
        prompt = self._pending.get(prompt_id)
        if prompt is None or prompt.answer.done():
            raise Refusal(
                "there is no such open question",
                expected=f"one of {', '.join(p.id for p in self.pending()) or 'none: nobody is asking now'}",
                got=prompt_id[:40],
                hint="It may have been answered, or 120 seconds have passed. List them: bellpull-agent consent list",
            )
        return prompt
