"""Foreign text shown without anything that acts."""

import tracemalloc

from hypothesis import given, settings
from hypothesis import strategies as st

from diagnostics.plain_text import printable


def test_escape_sequences_line_ends_and_direction_marks_are_shown_not_done() -> None:
    text = "a\x1b[2J\x07\r\n\x00b\u202egnp.exe\u2066x\ufeff\x9b31m"
    assert printable(text) == "a\\x1b[2J\\x07\\x0d\\x0a\\x00b\\u202egnp.exe\\u2066x\\ufeff\\x9b31m"


def test_ordinary_text_of_any_language_stays_as_it_is() -> None:
    text = "Служба «Печать» 印刷 naïve 🙂 100 %"
    assert printable(text) == text
    assert printable(text.encode()) == text


def test_a_cut_is_shown() -> None:
    assert printable("abcdef", 3) == "abc…"
    assert printable(b"abc", 3) == "abc"
    assert printable("я".encode() * 4, 3) == "яяя…"


def test_a_line_of_fifty_megabytes_costs_no_more_than_a_long_one() -> None:
    line = b"x" * 50_000_000
    tracemalloc.start()
    shown = printable(line)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert len(shown) == 513
    assert peak < 100_000


@settings(deadline=None, derandomize=True, max_examples=300)
@given(st.text() | st.binary())
def test_nothing_unsafe_ever_comes_out(text: str | bytes) -> None:
    shown = printable(text)
    shown.encode("utf-8")
    for sign in shown:
        number = ord(sign)
        assert number >= 32
        assert not 0x7F <= number < 0xA0
        assert not 0x200B <= number <= 0x200F
        assert not 0x2028 <= number <= 0x202E
