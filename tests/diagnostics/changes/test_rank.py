"""What changed before it broke: kind, name and nearness decide together."""

from dataclasses import replace

from diagnostics.changes.rank import CAUSES, SHOWN_MAX, WINDOW_S, before_it_broke
from diagnostics.checks.catalogue import code_rules
from diagnostics.findings import Change, Finding, Severity

NOW = 1_795_000_000
HOUR = 3600
FAILED = Finding(
    "service-failed", "service:cups.service", Severity.WARNING, "x@1", NOW, NOW, facts={"name": "cups.service"}
)


def ranked(finding: Finding, *changes: tuple[int, str]) -> list[str]:
    return [item.what for item in before_it_broke(finding, [Change(NOW - ago_s, what) for ago_s, what in changes])]


def test_what_bears_the_same_name_comes_before_what_is_newer() -> None:
    assert ranked(FAILED, (HOUR, "package:htop 1 → 2"), (24 * HOUR, "package:cups 1 → 2")) == [
        "package:cups 1 → 2",
        "package:htop 1 → 2",
    ]


def test_of_two_alike_the_newer_one_comes_first() -> None:
    assert ranked(FAILED, (50 * HOUR, "package:one 1 → 2"), (2 * HOUR, "package:two 1 → 2")) == [
        "package:two 1 → 2",
        "package:one 1 → 2",
    ]


def test_what_cannot_be_the_cause_is_left_out() -> None:
    assert ranked(FAILED, (HOUR, "network:gateway 10.0.0.1 → 10.0.0.2"), (HOUR, "startup:/etc/cron.d/x added")) == []


def test_what_came_after_the_onset_or_long_before_is_left_out() -> None:
    onset = replace(FAILED, first_seen_unix_s=NOW - 2 * HOUR)
    assert ranked(onset, (HOUR, "package:cups 1 → 2"), (WINDOW_S + 3 * HOUR, "package:cups 0 → 1")) == []
    assert ranked(onset, (2 * HOUR, "package:cups 1 → 2")) == ["package:cups 1 → 2"]


def test_a_short_name_is_no_hint() -> None:
    finding = Finding("unheard-of", "service:bash.service", Severity.INFO, "x@1", NOW, NOW)
    assert ranked(finding, (HOUR, "package:sh 1 → 2")) == []
    assert ranked(finding, (HOUR, "package:bash 1 → 2")) == ["package:bash 1 → 2"]


def test_at_most_five_are_shown() -> None:
    assert len(ranked(FAILED, *((HOUR, f"package:p{index} 1 → 2") for index in range(40)))) == SHOWN_MAX


def test_every_beginning_in_the_table_begins_a_code() -> None:
    codes = code_rules()
    assert [start for start in CAUSES if not any(code.startswith(start) for code in codes)] == []
