"""Search in people's own words: bent, mistyped, in two languages; and nothing for words that say nothing."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from diagnostics.checks.catalogue import CATALOGUE, code_rules
from diagnostics.collectors.contract import Cost
from diagnostics.knowledge.issue import own_issues
from diagnostics.knowledge.search import Index, Text, words_of
from diagnostics.knowledge.symptoms import checks_that_matter, symptom_index

ISSUES = own_issues()
INDEX = symptom_index(ISSUES, dict(code_rules()))

SAID = (
    ("принтер не печатает", "print-queue-too-long"),
    ("prnter does not print", "printer-stopped-after-error"),
    ("My disk is fulll, I cannot save files!", "temporary-files-fill-disk"),
    ("батарея быстро садится", "laptop-goes-out-on-battery"),
    ("hotel wifi does not open pages", "hotel-sign-in-page"),
    ("NVRM: GPU has fallen off the bus", "graphics-card-fell-off-the-bus"),
    ("время неправильное, не могу войти", "clock-breaks-sign-in"),
    ("обновления не ставятся", "update-was-cut-off"),
    ("chrome eats all memory", "browser-used-all-memory"),
)


@pytest.mark.parametrize(("said", "issue"), SAID)
def test_what_people_say_finds_what_is_known(said: str, issue: str) -> None:
    assert issue in [hit.id for hit in INDEX.search(said)[:3]]


@pytest.mark.parametrize("said", ["", "   ", "!!! ???", "a", "это не то", "my grandmother sings", "\x00" * 50])
def test_words_that_say_nothing_find_nothing(said: str) -> None:
    assert INDEX.search(said) == ()


def test_a_hit_says_by_which_words() -> None:
    (hit, *_) = INDEX.search("prnter")
    assert ("prnter", "printer") in hit.because


def test_numbers_are_those_numbers() -> None:
    index = Index([Text("a", ((1.0, "error 0x80070643"),)), Text("b", ((1.0, "error 0x80070644"),))])
    assert [hit.id for hit in index.search("0x80070643")] == ["a"]


def test_a_title_weighs_more_than_an_article() -> None:
    index = Index([Text("title", ((3.0, "printer"),)), Text("article", ((1.5, "printer"),))])
    assert [hit.id for hit in index.search("printer")] == ["title", "article"]


def test_letters_that_look_different_are_the_same() -> None:
    assert words_of("Ёлка ＤＩＳＫ") == ["елка", "disk"]


@settings(deadline=None, derandomize=True, max_examples=60)
@given(st.text(max_size=200))
def test_any_words_are_answered_in_order(said: str) -> None:
    hits = INDEX.search(said)
    assert [hit.score for hit in hits] == sorted((hit.score for hit in hits), reverse=True)
    assert all(hit.because for hit in hits)


def test_words_decide_which_checks_matter() -> None:
    hits = INDEX.search("принтер не печатает")
    chosen = set(checks_that_matter(hits, ISSUES, CATALOGUE))
    assert "print-queue" in chosen
    assert {check.id for check in CATALOGUE if check.cost is Cost.CHEAP} <= chosen
    assert len(chosen) < len(CATALOGUE)


def test_without_a_hint_everything_is_looked_at() -> None:
    assert len(checks_that_matter((), ISSUES, CATALOGUE)) == len(CATALOGUE)
