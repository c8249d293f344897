"""What cannot be seen is shown by name, and honest text stays as it is."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from web.plain_text import one_line, plain


@pytest.mark.parametrize(
    ("hostile", "shown"),
    [
        ("\x1b[31mred\x1b[0m", "␛[31mred␛[0m"),
        ("a\u202egpj.exe", "a⟦U+202E⟧gpj.exe"),
        ("nul\x00byte", "nul␀byte"),
        ("progress\rdone", "progress␍done"),
        ("one\r\ntwo\nthree\tfour", "one\ntwo\nthree\tfour"),
        ("\x9b31m", "⟦U+009B⟧31m"),
        ("zero\u200bwidth", "zero⟦U+200B⟧width"),
        ("\ud800", "⟦U+D800⟧"),
        ("\x7f", "␡"),
    ],
)
def test_invisible_and_misleading_characters_are_named(hostile: str, shown: str) -> None:
    assert plain(hostile) == shown


@pytest.mark.parametrize(
    "honest", ["Привет, мир", "שלום", "مرحبا", "می‌خواهم", "👩‍👩‍👧 ❤️", "naïve — “quotes”", "日本語", "\u00a0"]
)
def test_letters_of_every_script_stay(honest: str) -> None:
    assert plain(honest) == honest


def test_one_line_shows_line_ends_too() -> None:
    assert one_line("a\nb\tc") == "a␊b␉c"


@given(st.text(st.characters()))
@settings(deadline=None, derandomize=True, max_examples=100)
def test_nothing_that_controls_a_terminal_or_reverses_text_is_left(text: str) -> None:
    shown = plain(text)
    assert plain(shown) == shown
    shown.encode("utf-8")
    left = {c for c in shown if unicodedata.category(c) == "Cc" or unicodedata.bidirectional(c) in BIDI_CONTROLS}
    assert left <= {"\n", "\t"}


BIDI_CONTROLS = {"LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI"}
