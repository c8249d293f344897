"""When a finding is shown, hidden, cleared, forgotten: the clock is moved, nothing is slept."""

from collections.abc import Sequence
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from diagnostics.checks.contract import Cause, CodeRule
from diagnostics.findings import Change, Finding, FindingEvent, FindingState, Severity
from diagnostics.suppression import (
    GRACE_AFTER_BOOT_S,
    STORM_CODE,
    STORM_FINDINGS,
    Advance,
    advance,
    is_raised,
    is_visible,
)

START = 1_795_000_000
RULES = {
    "slow": CodeRule({}, visible_after_s=600, evaluations=3, why="a test", expires_after_s=86_400),
    "now": CodeRule({}, visible_after_s=0, evaluations=1, why="a test"),
    "consequence": CodeRule(
        {}, visible_after_s=0, evaluations=1, why="a test", hidden_under=(Cause("now", same_instance=True),)
    ),
    "anywhere": CodeRule(
        {}, visible_after_s=0, evaluations=1, why="a test", hidden_under=(Cause("now", same_instance=False),)
    ),
}


def raised(code: str, instance: str = "x", now: int = START, severity: Severity = Severity.WARNING) -> Finding:
    return Finding(code, instance, severity, "check@1", now, now)


def step(
    known: Sequence[Finding],
    found: Sequence[Finding],
    now: int,
    *,
    looked: Sequence[str] = ("check",),
    boot_unix_s: int | None = None,
    snoozed_until: dict[str, int] | None = None,
) -> Advance:
    return advance(
        known,
        found,
        looked=looked,
        now=now,
        boot_unix_s=boot_unix_s,
        rules=RULES,
        snoozed_until=snoozed_until,
    )


def only(result: Advance) -> Finding:
    (finding,) = result.findings
    return finding


def test_a_finding_is_shown_after_its_time_and_enough_looks() -> None:
    known: tuple[Finding, ...] = ()
    states = []
    for minute in (0, 5, 9, 10, 15):
        now = START + minute * 60
        result = step(known, [raised("slow", now=now)], now)
        known = result.findings
        states.append((str(only(result).state), only(result).count, len(result.appeared)))
    assert states == [
        ("pending", 1, 0),
        ("pending", 2, 0),
        ("pending", 3, 0),
        ("active", 4, 1),
        ("active", 5, 0),
    ]
    assert only(result).first_seen_unix_s == START


def test_long_enough_is_not_enough_without_enough_looks() -> None:
    known = step((), [raised("slow")], START).findings
    result = step(known, [raised("slow", now=START + 7200)], START + 7200)
    assert only(result).state is FindingState.PENDING


def test_a_blip_expires_without_ever_being_shown() -> None:
    known = step((), [raised("slow")], START).findings
    result = step(known, [], START + 300)
    assert only(result).state is FindingState.EXPIRED
    assert (result.appeared, result.ended) == ((), ())


def test_an_active_finding_resolves_when_its_check_looked_and_it_is_gone() -> None:
    known = step((), [raised("now")], START).findings
    result = step(known, [], START + 300)
    assert only(result).state is FindingState.RESOLVED
    assert [finding.code for finding in result.ended] == ["now"]


def test_a_check_that_could_not_look_clears_nothing() -> None:
    known = step((), [raised("slow")], START).findings
    result = step(known, [], START + 300, looked=["another"])
    assert only(result).state is FindingState.PENDING


def test_a_finding_nobody_can_look_at_lapses() -> None:
    known = step((), [raised("slow")], START).findings
    assert only(step(known, [], START + 86_399, looked=[])).state is FindingState.PENDING
    assert only(step(known, [], START + 86_400, looked=[])).state is FindingState.EXPIRED


def test_a_problem_that_comes_back_waits_anew() -> None:
    known = step((), [raised("now")], START).findings
    known = step(known, [], START + 300).findings
    result = step(known, [raised("now", now=START + 900)], START + 900)
    finding = only(result)
    assert (finding.state, finding.count, finding.first_seen_unix_s) == (FindingState.ACTIVE, 1, START + 900)
    assert len(result.appeared) == 1


def test_just_after_boot_only_what_is_critical_is_shown() -> None:
    boot = START - 60
    found = [raised("now", "a"), raised("now", "b", severity=Severity.CRITICAL)]
    result = step((), found, START, boot_unix_s=boot)
    assert {finding.instance: str(finding.state) for finding in result.findings} == {
        "a": "pending",
        "b": "active",
    }
    later = boot + GRACE_AFTER_BOOT_S
    result = step(result.findings, found, later, boot_unix_s=boot)
    assert {str(finding.state) for finding in result.findings} == {"active"}


def test_waking_from_sleep_is_like_booting() -> None:
    def look(now: int) -> FindingState:
        return only(
            advance(
                (),
                [raised("now", now=now)],
                looked=["check"],
                now=now,
                boot_unix_s=START - 86_400,
                rules=RULES,
                resumed_unix_s=START,
            )
        ).state

    assert look(START + 30) is FindingState.PENDING
    assert look(START + GRACE_AFTER_BOOT_S) is FindingState.ACTIVE


def test_a_boot_time_in_the_future_gives_no_grace() -> None:
    result = step((), [raised("now")], START, boot_unix_s=START + 1000)
    assert only(result).state is FindingState.ACTIVE


def test_a_consequence_is_hidden_under_its_cause_and_comes_back_without_it() -> None:
    found = [raised("now", "disk:/"), raised("consequence", "disk:/"), raised("consequence", "disk:/home")]
    result = step((), found, START)
    hidden = {finding.fingerprint: finding.explained_by for finding in result.findings}
    assert hidden == {
        "now|disk:/": None,
        "consequence|disk:/": "now|disk:/",
        "consequence|disk:/home": None,
    }
    assert [finding.fingerprint for finding in result.findings if is_visible(finding)] == [
        "now|disk:/",
        "consequence|disk:/home",
    ]
    result = step(result.findings, found[1:], START + 300)
    alone = next(finding for finding in result.findings if finding.fingerprint == "consequence|disk:/")
    assert is_visible(alone)


def test_a_cause_may_lie_anywhere() -> None:
    result = step((), [raised("now", "resolvers"), raised("anywhere", "agent")], START)
    assert {finding.code: finding.explained_by for finding in result.findings} == {
        "now": None,
        "anywhere": "now|resolvers",
    }


def test_a_snoozed_finding_sleeps_until_its_time() -> None:
    known = [only(step((), [raised("now")], START)).after(FindingEvent.SNOOZE)]
    until = {"now|x": START + 3600}
    result = step(known, [raised("now", now=START + 300)], START + 300, snoozed_until=until)
    assert only(result).state is FindingState.SNOOZED
    result = step(result.findings, [raised("now", now=START + 3600)], START + 3600, snoozed_until=until)
    assert only(result).state is FindingState.ACTIVE
    assert len(result.appeared) == 1


def test_a_snoozed_finding_that_is_gone_resolves() -> None:
    known = [only(step((), [raised("now")], START)).after(FindingEvent.SNOOZE)]
    result = step(known, [], START + 300, snoozed_until={"now|x": START + 3600})
    assert only(result).state is FindingState.RESOLVED


def test_an_ignored_finding_is_never_shown_again() -> None:
    known: Sequence[Finding] = [only(step((), [raised("now")], START)).after(FindingEvent.IGNORE)]
    for hour in range(1, 50):
        now = START + hour * 3600
        found = [raised("now", now=now)] if hour % 3 else []
        result = step(known, found, now)
        known = result.findings
        assert only(result).state is FindingState.IGNORED
        assert result.appeared == ()


def test_ten_that_appear_within_an_hour_are_one_storm() -> None:
    before = step((), [raised("now", "old", START - 7200)], START - 7200).findings
    found = [raised("now", "old"), *(raised("now", f"n{index}") for index in range(STORM_FINDINGS))]
    result = step(before, found, START)
    visible = [finding for finding in result.findings if is_visible(finding)]
    assert {finding.code for finding in visible} == {STORM_CODE, "now"}
    assert [finding.instance for finding in visible if finding.code == "now"] == ["old"]
    storm = next(finding for finding in visible if finding.code == STORM_CODE)
    assert storm.facts == {"findings": STORM_FINDINGS}


def test_nine_are_no_storm_and_a_critical_one_stays_by_itself() -> None:
    nine = [raised("now", f"n{index}") for index in range(STORM_FINDINGS - 1)]
    assert all(is_visible(finding) for finding in step((), nine, START).findings)
    critical = raised("now", "worst", severity=Severity.CRITICAL)
    result = step((), [*nine, raised("now", "tenth"), critical], START)
    assert {finding.instance for finding in result.findings if is_visible(finding)} == {"all", "worst"}


def test_a_storm_lasts_while_its_findings_do_and_then_ends() -> None:
    found = [raised("now", f"n{index}") for index in range(STORM_FINDINGS)]
    known = step((), found, START).findings
    later = step(known, found[:3], START + 7200)
    assert [finding.code for finding in later.findings if is_visible(finding)] == [STORM_CODE]
    ended = step(later.findings, found[:1], START + 7500)
    assert [finding.fingerprint for finding in ended.findings if is_visible(finding)] == ["now|n0"]
    assert STORM_CODE in {finding.code for finding in ended.ended}


def test_what_ended_a_month_ago_is_forgotten() -> None:
    known = step((), [raised("now")], START).findings
    known = step(known, [], START + 300).findings
    assert step(known, [], START + 29 * 86_400).findings
    assert step(known, [], START + 31 * 86_400).findings == ()


def test_a_clock_that_goes_back_hides_nothing_and_raises_nothing() -> None:
    known = step((), [raised("now")], START).findings
    result = step(known, [raised("now", now=START - 10**6)], START - 10**6)
    finding = only(result)
    assert (finding.state, finding.last_seen_unix_s) == (FindingState.ACTIVE, START)


@pytest.mark.parametrize("state", FindingState)
def test_what_counts_as_raised_clears_at_its_own_line(state: FindingState) -> None:
    ended = (FindingState.RESOLVED, FindingState.EXPIRED)
    assert is_raised(replace(raised("now"), state=state)) == (state not in ended)


Looks = st.lists(
    st.tuples(
        st.integers(min_value=-100, max_value=4000),
        st.frozensets(st.tuples(st.sampled_from(sorted(RULES)), st.sampled_from("abcdefghijkl"))),
        st.booleans(),
    ),
    max_size=12,
)


@settings(deadline=None, derandomize=True, max_examples=100)
@given(Looks)
def test_any_series_of_looks_keeps_the_store_sound(
    looks: list[tuple[int, frozenset[tuple[str, str]], bool]],
) -> None:
    known: tuple[Finding, ...] = ()
    now = START
    for passed_s, found, looked in looks:
        now += passed_s
        result = step(
            known,
            [raised(code, instance, now) for code, instance in sorted(found)],
            now,
            looked=["check"] if looked else [],
        )
        fingerprints = [finding.fingerprint for finding in result.findings]
        assert len(set(fingerprints)) == len(fingerprints)
        for finding in result.findings:
            assert finding.explained_by is None or finding.explained_by in fingerprints
            assert finding.explained_by != finding.fingerprint
        visible = {finding.fingerprint for finding in result.findings if is_visible(finding)}
        for finding in result.findings:
            if finding.state is FindingState.ACTIVE and finding.fingerprint not in visible:
                assert finding.explained_by is not None
        known = result.findings


def test_what_changed_before_the_onset_stays_and_what_changed_since_is_not_taken() -> None:
    before, since = (Change(START - 60, "package:cups 1 → 2"),), (Change(START + 300, "package:vim 1 → 2"),)
    known = step([], [replace(raised("now"), changes=before)], START).findings
    later = step(known, [replace(raised("now", now=START + 300), changes=since)], START + 300)
    assert only(later).changes == before
    ended = step(later.findings, [], START + 600)
    again = step(ended.findings, [replace(raised("now", now=START + 900), changes=since)], START + 900)
    assert only(again).changes == since
