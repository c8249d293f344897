"""Whether to ask the customer at all, for what, and what their answer allows. Pure: no clock, no store, no window.

    no answer = no                         after CONSENT_TIMEOUT_S; counts as a question asked, begins no cool-down
    at most PROMPTS_AN_HOUR questions      of this device, whoever asks, kept over restarts
    none for REFUSAL_COOLDOWN_S            after a spoken no
    unless the customer acted here         within LOCAL_ACT_FRESH_S and after their last no (opened a ticket); and then
                                           for PROMPTS_AN_HOUR questions that get no yes, not for a flood of them
    a ticket in the agent's own store      what a server says about tickets is never enough
    revocations older than 72 h            nothing of risk 2 or more is offered, and the question says so

What a person may be offered is narrower than what was asked: only scopes that this computer can serve, never a
terminal unless an administrator of the machine enabled it (this version has no way to enable one).
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from enum import StrEnum

from protocol.actions.catalogue import ACTIONS
from protocol.actions.scopes import MEANINGS, Scope, highest_risk
from protocol.limits import (
    CONSENT_TIMEOUT_S,
    HOUR_S,
    LOCAL_ACT_FRESH_S,
    PROMPTS_AN_HOUR,
    REFUSAL_COOLDOWN_S,
    RISK3_WAIT_S,
)
from protocol.visit import RefusalReason

#: With revocations that may be withheld, only looking is offered.
STALE_RISK_MAX = 1

#: Scopes that at least one action of this version serves; a yes to any other would mean nothing.
SERVED_SCOPES = frozenset(action.scope for action in ACTIONS.values())


class Answer(StrEnum):
    YES = "yes"
    NO = "no"
    NONE = "none"  # nobody answered in time
    WITHDRAWN = "withdrawn"  # the technician left before an answer


@dataclass(frozen=True)
class PastPrompt:
    """One question put to a person at this machine; unix seconds. `answer` None: still open, or lost in a crash."""

    asked_at: int
    answer: Answer | None
    answered_at: int | None


@dataclass(frozen=True)
class MayAsk:
    """Go ahead."""


@dataclass(frozen=True)
class CoolDown:
    """Do not ask. `until`: unix seconds; `why`: for the customer's own status, never for the technician."""

    until: int
    why: str


def may_ask(
    history: Sequence[PastPrompt], *, now: int, local_act_age_s: float | None, last_no_age_s: float | None = None
) -> MayAsk | CoolDown:
    """Whether another question may be put now. `local_act_age_s`: since the customer last asked for help here.

    `last_no_age_s`: since the last no, by the same clock as the local act, when it was given in this run; the history
    knows whole seconds only.
    """
    last_no = max((past.answered_at or 0 for past in history if past.answer is Answer.NO), default=None)
    no_age_s = last_no_age_s if last_no_age_s is not None or last_no is None else now - last_no
    if local_act_age_s is not None and _customer_started_it(local_act_age_s, no_age_s):
        # In whole seconds, and the earlier one: a question put in the second of the act counts as after it.
        acted_at = int(now - local_act_age_s)
        without_yes = [past for past in history if past.asked_at >= acted_at and past.answer is not Answer.YES]
        if len(without_yes) < PROMPTS_AN_HOUR:
            return MayAsk()
    if last_no is not None and now < last_no + REFUSAL_COOLDOWN_S:
        return CoolDown(last_no + REFUSAL_COOLDOWN_S, "you said no a short while ago")
    recent = sorted(past.asked_at for past in history if past.asked_at > now - HOUR_S)
    if len(recent) >= PROMPTS_AN_HOUR:
        return CoolDown(recent[-PROMPTS_AN_HOUR] + HOUR_S, f"you were asked {PROMPTS_AN_HOUR} times within the hour")
    return MayAsk()


def _customer_started_it(act_age_s: float, no_age_s: float | None) -> bool:
    """A fresh local act opens the door, but not for questions after a later no."""
    if not 0 <= act_age_s <= LOCAL_ACT_FRESH_S:
        return False
    return no_age_s is None or act_age_s < no_age_s


class Withheld(StrEnum):
    """Why a scope that was asked for is not even offered. The value is what the customer reads."""

    NOT_SERVED = "this computer cannot do it yet"
    TERMINAL_OFF = "no administrator of this computer has enabled it"
    STALE_REVOCATIONS = "it changes this computer, and the technician's standing could not be checked"


@dataclass(frozen=True)
class Offer:
    """What the customer is asked. `withheld`: asked for, not offered, and why."""

    scopes: tuple[Scope, ...]
    withheld: tuple[tuple[Scope, Withheld], ...]

    @property
    def risk(self) -> int:
        return highest_risk(self.scopes)

    @property
    def refusal(self) -> RefusalReason | None:
        """Why there is nothing left to ask about; None when there is."""
        if self.scopes:
            return None
        stale = any(why is Withheld.STALE_REVOCATIONS for _, why in self.withheld)
        return RefusalReason.STALE_REVOCATIONS if stale else RefusalReason.NOT_CERTIFIED


def offer(
    requested: Sequence[Scope],
    *,
    revocations_fresh: bool,
    served: Collection[Scope] = SERVED_SCOPES,
    terminal_enabled: bool = False,
) -> Offer:
    """Split what was asked into what is offered and what is not. Order and doubles of the request do not count."""
    offered: list[Scope] = []
    withheld: list[tuple[Scope, Withheld]] = []
    for scope in (scope for scope in Scope if scope in requested):
        if scope is Scope.TERMINAL and not terminal_enabled:
            withheld.append((scope, Withheld.TERMINAL_OFF))
        elif scope not in served:
            withheld.append((scope, Withheld.NOT_SERVED))
        elif MEANINGS[scope].risk > STALE_RISK_MAX and not revocations_fresh:
            withheld.append((scope, Withheld.STALE_REVOCATIONS))
        else:
            offered.append(scope)
    return Offer(tuple(offered), tuple(withheld))


class AnswerFault(StrEnum):
    """Why a yes does not count. The value is shown to whoever tried."""

    TOO_LATE = "the time to answer is over; no answer meant no"
    TOO_SOON = "read the warning first; yes can be given 5 seconds after the question was shown"
    NOTHING_TICKED = "a yes needs at least one thing that is allowed"
    MORE_THAN_ASKED = "more was ticked than was asked"
    TOO_LONG = "more minutes than were asked"
    OTHER_TEXT = "another text was shown than the one this question has"


def fault_of_yes(
    asked: Offer,
    minutes_asked: int,
    *,
    ticked: Collection[Scope],
    minutes: int,
    same_text: bool,
    open_s: float,
    shown_s: float | None,
) -> AnswerFault | None:
    """What is wrong with a yes, or None. `open_s` since the question was opened, `shown_s` since it was first shown."""
    if open_s > CONSENT_TIMEOUT_S:
        return AnswerFault.TOO_LATE
    if not same_text:
        return AnswerFault.OTHER_TEXT
    if not ticked:
        return AnswerFault.NOTHING_TICKED
    if not set(ticked) <= set(asked.scopes):
        return AnswerFault.MORE_THAN_ASKED
    if not 1 <= minutes <= minutes_asked:
        return AnswerFault.TOO_LONG
    if highest_risk(tuple(ticked)) >= 3 and (shown_s is None or shown_s < RISK3_WAIT_S):
        return AnswerFault.TOO_SOON
    return None
