"""Patterns that are tried only where they may begin answer exactly as ``re`` does."""

import random
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from diagnostics.redaction import (
    addresses,
    commands,
    entropy,
    headers,
    key_values,
    markup,
    people,
    personal_numbers,
    tokens,
    urls,
)
from diagnostics.redaction.leads import Led, alternatives, leads_of, needed_by
from tests.redaction import corpus_look_alikes, corpus_secrets
from tests.redaction.corpus import corpus

# Importing the two fills the corpus.
FILLED_BY = (corpus_look_alikes, corpus_secrets)
RULES = (
    *headers.RULES,
    *urls.RULES,
    *markup.RULES,
    *tokens.RULES,
    *commands.RULES,
    key_values.RULE,
    *addresses.RULES,
    *personal_numbers.RULES,
    *people.RULES,
    entropy.RULE,
    *commands.LINE_RULES,
    *people.LINE_RULES,
)
JOINED = b"|".join(b"(?:%s)" % rule.anchor for rule in RULES)
LED, PLAIN = Led(JOINED), re.compile(JOINED)
SEEN = (
    b"password PaSsWoRd _pw acc= = : ' AKIA eyJ :// @ x 10.0.0.1 fe80::1 C:\\Users\\ /home/ --token ssh-rsa ----- %40"
)
WORDS = st.sampled_from([*SEEN.split(), b" ", b"\n", b'"', b"\x00", b"\xd0\xbf"])


def plain(data: bytes, start: int = 0) -> list[tuple[int, int]]:
    return [found.span() for found in PLAIN.finditer(data, start)]


@settings(max_examples=50, deadline=None, derandomize=True)
@given(st.lists(WORDS | st.binary(max_size=6), max_size=40).map(b"".join), st.integers(0, 60))
def test_the_same_places_on_any_text_from_any_start(data: bytes, start: int) -> None:
    assert list(LED.spans(data)) == plain(data)
    assert list(LED.spans(data, start)) == plain(data, start)
    assert LED.found(data) == bool(plain(data))


def test_two_texts_asked_for_in_turn_do_not_mix() -> None:
    one, other = b"password=x at 10.0.0.1 and fe80::1 " * 3, b"10.9.8.7 token=y " * 3
    together = list(zip(LED.spans(one), LED.spans(other), strict=False))
    assert together == list(zip(plain(one), plain(other), strict=False))


def test_the_same_places_on_the_corpus() -> None:
    lines = [sample.text.encode() for sample in corpus(11, 120)]
    random.Random(3).shuffle(lines)
    data = b"\n".join(lines)
    assert list(LED.spans(data)) == plain(data)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
def test_each_match_of_a_rule_begins_with_one_of_its_leads(rule: object) -> None:
    """Alternatives, taken apart, match where the whole does, and each match begins as was foretold."""
    anchor = rule.anchor  # type: ignore[attr-defined]
    data = b"\n".join(sample.text.encode() for sample in corpus(5, 80))
    parts = [(re.compile(part), leads_of(part)) for part in alternatives(anchor)]
    for found in re.finditer(anchor, data):
        assert any(part.match(data, found.start()) for part, _ in parts)
        for part, leads in parts:
            if leads is not None and part.match(data, found.start()):
                assert data[found.start() :].lower().startswith(tuple(leads))


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        (rb"abc", {b"abc"}),
        (rb"\b(?i:PassWord)[0-9]", {b"passw"}),
        (rb"(?:\b|_)pw", {b"pw", b"_pw"}),
        (rb"api[-_]?key", {b"apike", b"api-k", b"api_k"}),
        (rb"ab*c", {b"ab", b"ac"}),
        (rb"(?:ab)+c", {b"ab"}),
        (rb"(?:xyz)?[^a]", None),  # may begin with anything
        (rb".abc", None),
        (rb"[0-9]{2}a", None),  # one digit is no lead
        (rb"a", None),
    ],
)
def test_leads_are_never_too_few(source: bytes, expected: set[bytes] | None) -> None:
    assert leads_of(source) == expected


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        (rb"a|b", [b"a", b"b"]),
        (rb"(?:a|b)|c[|)]", [b"a", b"b", b"c[|)]"]),
        (rb"(?i:a|b(c|d))", [b"(?i:a)", b"(?i:b(c|d))"]),
        (rb"(?:a)(?:b)", [b"(?:a)(?:b)"]),
        (rb"a\||[]|]|[^]|]", [rb"a\|", b"[]|]", b"[^]|]"]),
    ],
)
def test_a_pattern_is_taken_apart_at_its_own_bars_only(source: bytes, expected: list[bytes]) -> None:
    assert alternatives(source) == expected


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        (rb"[0-9]+::[a-f]:x?", b"::"),
        (rb"(?i:ab)c", b"c"),
        (rb"(?:ab|cd)", b""),
        (rb"ab{2}cd", b"cd"),
        (rb"(?:ab)?", b""),
    ],
)
def test_what_a_match_cannot_do_without_stands_in_it_as_it_is(source: bytes, expected: bytes) -> None:
    assert needed_by(source) == expected
