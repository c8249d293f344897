"""Whether to ask at all, for what, and which yes counts."""

from hypothesis import given, settings
from hypothesis import strategies as st

from agent.consent.policy import (
    SERVED_SCOPES,
    Answer,
    AnswerFault,
    CoolDown,
    MayAsk,
    Offer,
    PastPrompt,
    Withheld,
    fault_of_yes,
    may_ask,
    offer,
)
from protocol.actions.catalogue import ACTIONS
from protocol.actions.scopes import MEANINGS, Scope
from protocol.limits import HOUR_S, LOCAL_ACT_FRESH_S, PROMPTS_AN_HOUR, REFUSAL_COOLDOWN_S
from protocol.visit import RefusalReason
from tests.making import NOW


def asked(ago_s: int, answer: Answer | None = Answer.NONE, after_s: int = 10) -> PastPrompt:
    return PastPrompt(NOW - ago_s, answer, None if answer is None else NOW - ago_s + after_s)


def test_the_first_question_may_be_put() -> None:
    assert may_ask([], now=NOW, local_act_age_s=None) == MayAsk()


def test_three_questions_an_hour_and_no_more() -> None:
    history = [asked(50 * 60), asked(40 * 60), asked(30 * 60)]
    verdict = may_ask(history, now=NOW, local_act_age_s=None)
    assert isinstance(verdict, CoolDown)
    assert verdict.until == NOW - 50 * 60 + HOUR_S
    assert may_ask(history, now=verdict.until, local_act_age_s=None) == MayAsk()


def test_a_question_that_a_crash_left_open_counts() -> None:
    history = [asked(60, None), asked(50, None), asked(40, None)]
    assert isinstance(may_ask(history, now=NOW, local_act_age_s=None), CoolDown)


def test_half_an_hour_of_quiet_after_a_no() -> None:
    history = [asked(60, Answer.NO)]
    verdict = may_ask(history, now=NOW, local_act_age_s=None)
    assert verdict == CoolDown(NOW - 50 + REFUSAL_COOLDOWN_S, "you said no a short while ago")
    assert may_ask(history, now=NOW - 50 + REFUSAL_COOLDOWN_S, local_act_age_s=None) == MayAsk()


def test_no_answer_is_no_cool_down() -> None:
    assert may_ask([asked(60, Answer.NONE)], now=NOW, local_act_age_s=None) == MayAsk()


def test_asking_for_help_lifts_both_limits_for_ten_minutes() -> None:
    history = [asked(300, Answer.NO), asked(200), asked(150), asked(140)]
    assert may_ask(history, now=NOW, local_act_age_s=60) == MayAsk()
    assert may_ask(history, now=NOW, local_act_age_s=LOCAL_ACT_FRESH_S) != MayAsk()  # the no is younger than that
    assert isinstance(may_ask(history, now=NOW, local_act_age_s=LOCAL_ACT_FRESH_S + 1), CoolDown)


def test_a_no_after_asking_for_help_counts() -> None:
    """Otherwise one request for help would open ten minutes of questions that cannot be refused."""
    assert isinstance(may_ask([asked(60, Answer.NO)], now=NOW, local_act_age_s=120), CoolDown)


def test_a_request_for_help_is_good_for_three_questions_without_a_yes() -> None:
    """A technician who asks, leaves and asks again would else put a hundred of them into these ten minutes."""
    unanswered = [asked(90, Answer.WITHDRAWN), asked(60), asked(30, None)]
    assert may_ask(unanswered[1:], now=NOW, local_act_age_s=120) == MayAsk()
    assert isinstance(may_ask(unanswered, now=NOW, local_act_age_s=120), CoolDown)
    assert may_ask(unanswered, now=NOW, local_act_age_s=20) == MayAsk(), "asking for help again opens it again"
    assert may_ask([asked(90, Answer.YES)] * 9, now=NOW, local_act_age_s=120) == MayAsk()


def test_a_no_and_a_request_within_one_second_are_told_apart() -> None:
    history = [PastPrompt(NOW - 5, Answer.NO, NOW)]
    assert may_ask(history, now=NOW, local_act_age_s=0.2, last_no_age_s=0.4) == MayAsk()
    assert isinstance(may_ask(history, now=NOW, local_act_age_s=0.4, last_no_age_s=0.2), CoolDown)
    assert isinstance(may_ask(history, now=NOW, local_act_age_s=0.2), CoolDown)


def test_a_clock_from_the_future_lifts_nothing() -> None:
    assert isinstance(may_ask([asked(60, Answer.NO)], now=NOW, local_act_age_s=-5), CoolDown)


@settings(deadline=None, derandomize=True, max_examples=200)
@given(st.lists(st.integers(1, 60), min_size=20, max_size=120))
def test_whatever_comes_at_most_three_questions_in_any_hour(gaps: list[int]) -> None:
    """A thousand requests an hour: three questions."""
    now, history = NOW, []
    for gap in gaps:
        now += gap
        if may_ask(history, now=now, local_act_age_s=None) == MayAsk():
            history.append(PastPrompt(now, Answer.NONE, now))
    for prompt in history:
        within = [other for other in history if prompt.asked_at <= other.asked_at < prompt.asked_at + HOUR_S]
        assert len(within) <= PROMPTS_AN_HOUR


def test_what_this_computer_cannot_do_is_not_offered() -> None:
    served = frozenset({Scope.PROCESSES, Scope.DIAGNOSE})
    made = offer((Scope.PROCESSES, Scope.FILES_WRITE, Scope.DIAGNOSE), revocations_fresh=True, served=served)
    assert made.scopes == (Scope.DIAGNOSE, Scope.PROCESSES)
    assert made.withheld == ((Scope.FILES_WRITE, Withheld.NOT_SERVED),)


def test_a_terminal_is_never_offered_unless_it_was_enabled() -> None:
    everything = tuple(Scope)
    assert Scope.TERMINAL not in offer(everything, revocations_fresh=True, served=everything).scopes
    assert Scope.TERMINAL in offer(everything, revocations_fresh=True, served=everything, terminal_enabled=True).scopes


def test_stale_revocations_offer_only_looking() -> None:
    made = offer(tuple(Scope), revocations_fresh=False, served=tuple(Scope), terminal_enabled=True)
    assert {MEANINGS[scope].risk for scope in made.scopes} == {0, 1}
    changes = {scope for scope in Scope if MEANINGS[scope].risk >= 2}
    assert {scope for scope, why in made.withheld if why is Withheld.STALE_REVOCATIONS} == changes


def test_nothing_left_to_offer_says_why() -> None:
    assert offer((Scope.FILES_WRITE,), revocations_fresh=True, served=()).refusal is RefusalReason.NOT_CERTIFIED
    stale = offer((Scope.FILES_WRITE,), revocations_fresh=False, served=(Scope.FILES_WRITE,))
    assert stale.refusal is RefusalReason.STALE_REVOCATIONS
    assert offer((Scope.PROCESSES,), revocations_fresh=True).refusal is None


def test_only_what_some_action_does_is_offered() -> None:
    """A yes to anything else would mean nothing."""
    acted = {action.scope for action in ACTIONS.values()}
    offered = set(offer(tuple(Scope), revocations_fresh=True, terminal_enabled=True).scopes)
    assert offered == acted == SERVED_SCOPES


ASKED = Offer((Scope.DIAGNOSE, Scope.PROCESSES), ())


def fault(**changes: object) -> AnswerFault | None:
    given: dict[str, object] = {
        "ticked": (Scope.DIAGNOSE,),
        "minutes": 15,
        "same_text": True,
        "open_s": 30.0,
        "shown_s": 20.0,
    }
    return fault_of_yes(ASKED, 15, **{**given, **changes})  # type: ignore[arg-type]


def test_a_yes_within_what_was_asked_counts() -> None:
    assert fault() is None
    assert fault(minutes=1, shown_s=None) is None


def test_a_yes_that_does_not_count_says_why() -> None:
    assert fault(open_s=121.0) is AnswerFault.TOO_LATE
    assert fault(same_text=False) is AnswerFault.OTHER_TEXT
    assert fault(ticked=()) is AnswerFault.NOTHING_TICKED
    assert fault(ticked=(Scope.LOGS,)) is AnswerFault.MORE_THAN_ASKED
    assert fault(minutes=16) is AnswerFault.TOO_LONG
    assert fault(minutes=0) is AnswerFault.TOO_LONG


def test_full_control_cannot_be_given_before_the_warning_was_there_to_be_read() -> None:
    control = Offer((Scope.TERMINAL,), ())

    def after(shown_s: float | None) -> AnswerFault | None:
        return fault_of_yes(
            control, 15, ticked=(Scope.TERMINAL,), minutes=15, same_text=True, open_s=30, shown_s=shown_s
        )

    assert after(None) is AnswerFault.TOO_SOON
    assert after(4.9) is AnswerFault.TOO_SOON
    assert after(5.0) is None
