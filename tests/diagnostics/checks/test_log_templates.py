"""Check 29: new messages after a change, and known ones in a flood."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from diagnostics.checks.contract import Context
from diagnostics.checks.log_templates import LEARNED_S, NEW, SURGE, change_before, check_log_templates, learn_messages
from diagnostics.findings import Change, Severity
from diagnostics.log_templates import Day, Template, Templates
from diagnostics.observations import LogLine
from diagnostics.system_observations import LogMessages

NOW = 1_795_000_000
HOUR, DAY = 3600, 86_400
UPDATED = Change(NOW - 2 * DAY, "package:cups 2.4.2-3 → 2.4.2-4")
OTHER = Change(NOW - 2 * HOUR, "package:firefox-esr 1 → 2")
LINES = tuple(LogLine(NOW - 600 + n, 3, "cups.service", f"Job {n} stopped") for n in range(3))
LONG_KNOWN = Templates(began_unix_s=NOW - 10 * DAY)


def told(lines: tuple[LogLine, ...], context: Context) -> list[tuple[str, str, Severity]]:
    outcome = check_log_templates(learn_messages(LogMessages(lines, True), context), context)
    return [(it.code, it.instance, it.severity) for it in outcome.findings]


@pytest.fixture
def knowing(context: Callable[..., Context]) -> Callable[..., Context]:
    return lambda *changes, state=LONG_KNOWN: replace(context(), changes=changes, templates=state)


def test_a_new_message_after_a_change_is_told_with_the_change(knowing: Callable[..., Context]) -> None:
    context = knowing(UPDATED)
    outcome = check_log_templates(learn_messages(LogMessages(LINES, True), context), context)
    (finding,) = outcome.findings
    assert (finding.code, finding.severity) == (NEW, Severity.WARNING)
    assert finding.facts == {
        "name": "cups.service",
        "messages": 1,
        "times": 3,
        "sample": "Job <*> stopped",
        "change": "package:cups 2.4.2-3 → 2.4.2-4",
    }
    assert outcome.templates is not None
    assert outcome.templates.seen_until_unix_s == NOW - 598


@pytest.mark.parametrize(
    ("changes", "state", "count"),
    [
        ((), LONG_KNOWN, 3),  # nothing changed
        ((UPDATED,), LONG_KNOWN, 2),  # twice may be chance
        ((UPDATED,), Templates(began_unix_s=NOW - LEARNED_S + 1), 3),  # everything is new to a new agent
        ((UPDATED,), replace(LONG_KNOWN, full=("cups.service",)), 3),  # who forgets cannot say what is new
        ((replace(UPDATED, at_unix_s=NOW - 8 * DAY),), LONG_KNOWN, 3),  # too long ago
        ((Change(NOW - HOUR, "network:gateway a → b"),), LONG_KNOWN, 3),  # no program's business
    ],
)
def test_what_may_be_chance_stays_untold(
    changes: tuple[Change, ...], state: Templates, count: int, knowing: Callable[..., Context]
) -> None:
    assert told(LINES[:count], knowing(*changes, state=state)) == []


def test_a_change_of_the_same_name_comes_before_a_nearer_one() -> None:
    template = Template("cups.service", ("Job",), 3, NOW - 600, NOW, 3, {})
    assert change_before(template, (UPDATED, OTHER)) == UPDATED
    assert change_before(template, (OTHER,)) == OTHER
    assert change_before(template, (replace(OTHER, at_unix_s=NOW - 2 * DAY),)) is None


def test_news_is_news_for_a_day(knowing: Callable[..., Context]) -> None:
    old = Template("cups.service", ("Job", "<*>", "stopped"), 3, NOW - DAY - 1, NOW - 60, 9, {})
    assert told((), knowing(UPDATED, state=replace(LONG_KNOWN, templates=(old,)))) == []
    new = replace(old, first_unix_s=NOW - DAY + 1)
    assert told((), knowing(UPDATED, state=replace(LONG_KNOWN, templates=(new,))))[0][0] == NEW


@pytest.mark.parametrize(("peak", "lines", "found"), [(5, 59, False), (5, 60, True), (30, 89, False), (30, 90, True)])
def test_three_times_the_loudest_hour_of_the_week_is_a_surge(
    peak: int, lines: int, found: bool, knowing: Callable[..., Context]
) -> None:
    days = {str(NOW // DAY - back): Day(peak * 2, peak) for back in range(1, 8)}
    known = Template("cups.service", ("Job", "<*>", "stopped"), 3, NOW - 8 * DAY, NOW - DAY, 99, days)
    many = tuple(LogLine(NOW - 1000 + n, 3, "cups.service", f"Job {n} stopped") for n in range(lines))
    context = knowing(state=replace(LONG_KNOWN, templates=(known,)))
    expected = [(SURGE, "log:cups.service", Severity.WARNING)] if found else []
    assert told(many, context) == expected
