"""Every known issue proves itself: each case fires, stays quiet, or is unknown, as it says."""

import inspect
import sys
from pathlib import Path
from string import Formatter

import pytest

from diagnostics.checks.catalogue import CATALOGUE, code_rules
from diagnostics.collectors.catalogue import COLLECTORS
from diagnostics.knowledge.conditions import FactLeaf, FindingLeaf, Operator, leaves
from diagnostics.knowledge.fact_sources import FACT_NAMES
from diagnostics.knowledge.issue import (
    Case,
    Expectation,
    KnownIssue,
    WrongIssue,
    load_issues,
    own_issues,
    parse_issue,
)
from diagnostics.knowledge.match import EXPECTED, judge_issue, match
from diagnostics.remedies.catalogue import REMEDIES
from diagnostics.wording import Language

ISSUES = own_issues()
CASES = [(issue, case) for issue in ISSUES for case in issue.cases]

GOOD = """\
id = "x"
version = 1
certainty = "likely"
priority = 50
[title]
en = "A title"
ru = "Название"
[explain]
en = "On {mount}."
ru = "На {mount}."
[when]
finding = "disk-space-low"
[[cases]]
name = "fires"
expect = "fires"
findings = [{ code = "disk-space-low", instance = "disk:/", facts = { mount = "/" } }]
[[cases]]
name = "quiet"
expect = "quiet"
judged = ["disk-space-low"]
"""


# Where a particular explanation stands beside the general one, both are said; the surer comes first.
BESIDE = {
    "resolver-service-down": {"name-servers-unreachable"},
    "two-systems-set-one-clock": {"clock-breaks-sign-in"},
    "clock-battery-empty": {"clock-breaks-sign-in"},
    "service-gave-up-restarting": {"printing-service-stopped"},
}


def test_there_are_at_least_a_hundred() -> None:
    assert len(ISSUES) >= 100


@pytest.mark.parametrize(("issue", "case"), CASES, ids=[f"{issue.id}: {case.name}" for issue, case in CASES])
def test_a_case_ends_as_it_says(issue: KnownIssue, case: Case) -> None:
    truth, answers = judge_issue(issue, case.situation)
    assert truth is EXPECTED[case.expect], answers


@pytest.mark.parametrize("issue", ISSUES, ids=lambda issue: issue.id)
def test_an_issue_is_told_whole_in_both_languages(issue: KnownIssue) -> None:
    firing = next(case for case in issue.cases if case.expect is Expectation.FIRES)
    (found,) = match([issue], firing.situation).matches
    for language in Language:
        words = found.explain(language)
        assert words.title
        assert "{" not in words.text
        assert "?" not in words.text.replace("? ", ""), words.text
        cyrillic = any("а" <= letter <= "я" for letter in words.text.lower())
        assert cyrillic == (language is Language.RUSSIAN)


@pytest.mark.parametrize("issue", ISSUES, ids=lambda issue: issue.id)
def test_an_issue_asks_only_for_what_somebody_can_tell(issue: KnownIssue) -> None:
    collectors = {collector.id for collector in COLLECTORS}
    for leaf in leaves(issue.when):
        if isinstance(leaf, FactLeaf):
            assert FACT_NAMES[leaf.comparison.fact] in collectors
        if isinstance(leaf, FindingLeaf):
            assert leaf.code in code_rules()
            for comparison in leaf.where:
                if comparison.operator is Operator.SAME_AS:
                    assert comparison.value in FACT_NAMES


def sources_by_code() -> dict[str, str]:
    """Finding code → the text of the checks' modules that raise it: where its facts are written down."""
    sources: dict[str, str] = {}
    for check in CATALOGUE:
        module = sys.modules[check.judge.__module__]
        for code in check.codes:
            sources[code] = sources.get(code, "") + inspect.getsource(module)
    return sources


SOURCES = sources_by_code()


@pytest.mark.parametrize("issue", ISSUES, ids=lambda issue: issue.id)
def test_every_fact_an_issue_speaks_of_is_one_that_a_check_gives(issue: KnownIssue) -> None:
    """Cases are written by hand: only this keeps a condition, or a sentence, from resting on a fact nobody gives."""
    codes = {leaf.code for leaf in leaves(issue.when) if isinstance(leaf, FindingLeaf)}
    for leaf in leaves(issue.when):
        if isinstance(leaf, FindingLeaf):
            missing = {item.fact for item in leaf.where if f'"{item.fact}"' not in SOURCES[leaf.code]}
            assert missing == set(), f"{leaf.code} has no such facts"
    for case in issue.cases:
        for finding in case.situation.findings:
            missing = {fact for fact in finding.facts if f'"{fact}"' not in SOURCES[finding.code]}
            assert missing == set(), f"{case.name}: {finding.code} has no such facts"
    told = {
        name for words in issue.words.values() for _, name, _, _ in Formatter().parse(words.title + words.text) if name
    }
    unknown = {name for name in told - FACT_NAMES.keys() if not any(f'"{name}"' in SOURCES[code] for code in codes)}
    assert unknown == set()


@pytest.mark.parametrize("issue", ISSUES, ids=lambda issue: issue.id)
def test_no_issue_fires_on_another_ones_case(issue: KnownIssue) -> None:
    """Each firing case names its own issue among what it matches; unrelated ones stay quiet or unknown."""
    firing = next(case for case in issue.cases if case.expect is Expectation.FIRES)
    matched = {found.issue.id for found in match(ISSUES, firing.situation).matches}
    assert matched == {issue.id} | BESIDE.get(issue.id, set())


@pytest.mark.parametrize("issue", ISSUES, ids=lambda issue: issue.id)
def test_an_issue_has_an_article_and_names_remedies_that_exist(issue: KnownIssue) -> None:
    assert len(issue.article) > 40
    assert "{" not in issue.article, "an article is shown as it is; facts are not filled in"
    assert set(issue.remedies) <= set(REMEDIES)
    assert all(link.startswith("https://") for link in issue.links)


def test_a_question_is_worded_the_same_wherever_it_is_asked() -> None:
    worded: dict[str, object] = {}
    for issue in ISSUES:
        for question, words in issue.questions.items():
            assert worded.setdefault(question, words) == words
            assert all(text.endswith("?") for text in words.values())
    assert len(worded) >= 5


def test_the_example_is_good() -> None:
    assert parse_issue(GOOD).id == "x"


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('id = "x"', "", "id is missing"),
        ("version = 1", "version = 1.5", "version: expected a whole number, got 1.5"),
        ('certainty = "likely"', 'certainty = "sure"', "certainty: expected one of certain, likely, possible"),
        ("priority = 50", 'priority = 50\nsurprise = "x"', "unknown key 'surprise'"),
        ('ru = "Название"', "", "title: ru is missing"),
        ('ru = "Название"', 'ru = "Название"\nde = "Titel"', "title: unknown key 'de'"),
        ("On {mount}.", "On {mount.", "explain.en"),
        ('finding = "disk-space-low"', 'fond = "x"', "when: expected all, any, not, finding"),
        ('finding = "disk-space-low"', "all = []", r"when.all: expected 1 to 50 conditions, got 0"),
        (
            'finding = "disk-space-low"',
            'fact = "a"\nis = 1\nat_least = 2',
            "expected one operator of .*, got 2",
        ),
        ('finding = "disk-space-low"', 'fact = "a"\nmatches = ".*"', "expected one operator"),
        ('finding = "disk-space-low"', 'fact = "a"\nis = [1]', "expected text, a number or true/false"),
        ('finding = "disk-space-low"', 'fact = "a"\none_of = 3', "one_of: expected a list"),
        ('expect = "quiet"', 'expect = "silent"', "expect: expected one of fires, quiet, unknown"),
        ('expect = "quiet"', 'expect = "unknown"', "at least one case that quiet"),
        ('expect = "fires"', 'expect = "unknown"', "at least one case that fires"),
        ('judged = ["disk-space-low"]', 'sudo = "rm"', "unknown key 'sudo'"),
        ("version = 1", "version = 1\nversion = 2", "not TOML"),
    ],
)
def test_an_issue_that_does_not_fit_is_refused_with_its_place(old: str, new: str, message: str) -> None:
    with pytest.raises(WrongIssue, match=message):
        parse_issue(GOOD.replace(old, new, 1))


def test_a_tree_without_end_is_refused() -> None:
    nested = "when = { not = " * 1 + "{ not = " * 8 + '{ finding = "x" }' + " }" * 9
    text = GOOD.replace('[when]\nfinding = "disk-space-low"\n', "").replace("priority = 50", f"priority = 50\n{nested}")
    with pytest.raises(WrongIssue, match="at most 6 levels"):
        parse_issue(text)


def test_an_issue_of_a_megabyte_is_refused() -> None:
    with pytest.raises(WrongIssue, match="at most 65536 bytes"):
        parse_issue(GOOD + "#" * 1_000_000)


def test_a_file_has_the_name_of_its_issue(tmp_path: Path) -> None:
    (tmp_path / "y.toml").write_text(GOOD, encoding="utf-8")
    with pytest.raises(WrongIssue, match=r"y\.toml: expected the id 'y', got 'x'"):
        load_issues(tmp_path)
