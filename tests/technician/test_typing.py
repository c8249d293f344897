"""What is typed into `bellpull connect`: lines, keys of a terminal, the way out of it."""

import os

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from technician.commands.connect_terminal import Escapes
from technician.commands.typing_in import TypedIn


@pytest.mark.parametrize(
    ("typed", "sent", "out"),
    [
        (b"ls\r", b"ls\r", False),
        (b"~.", b"", True),
        (b"ls\r~.rm", b"ls\r", True),
        (b"a~.", b"a~.", False),  # not at the beginning of a line
        (b"~~.", b"~.", False),
        (b"~/x\r", b"~/x\r", False),
        (b"\r~\r~.", b"\r~\r", True),
        (b"\x03~.", b"\x03~.", False),
    ],
)
def test_the_way_out_is_found_at_the_beginning_of_a_line_only(typed: bytes, sent: bytes, out: bool) -> None:
    assert Escapes().typed(typed) == (sent, out)


@settings(deadline=None, derandomize=True, max_examples=150)
@given(st.binary(max_size=40).map(lambda data: data.replace(b"z", b"~").replace(b"y", b"\r")), st.integers(1, 5))
def test_how_keys_are_cut_into_reads_means_nothing(typed: bytes, step: int) -> None:
    whole = Escapes().typed(typed)
    escapes, sent, out = Escapes(), b"", False
    for place in range(0, len(typed), step):
        if out:
            break
        part, out = escapes.typed(typed[place : place + step])
        sent += part
    assert (sent, out) == whole


async def test_lines_and_then_keys_and_nothing_is_lost_between() -> None:
    reading, writing = os.pipe()
    with os.fdopen(reading) as source:
        typed = TypedIn(source)
        os.write(writing, b"terminal\nyes\nls ~\r")
        assert await typed.next() == "terminal\n"
        assert await typed.next() == "yes\n"
        assert await typed.keys() == b"ls ~\r"
        os.write(writing, b"e")
        assert await typed.keys() == b"e"
        os.write(writing, b"xit\r\nps\nen")
        os.close(writing)
        assert await typed.next() == "xit\r\n"
        assert await typed.next() == "ps\n"
        assert await typed.next() == "en"
        assert await typed.next() is None
        assert await typed.keys() == b""
