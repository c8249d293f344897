"""Errors: one sentence, whose fault, and nothing of a hostile peer's bytes left alive in a log."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from protocol.errors import LocalProtocolError, ProtocolError, RemoteProtocolError


def test_error_reads_as_one_sentence() -> None:
    error = RemoteProtocolError("the frame is too long", expected="at most 9", got="10", hint="update the agent")
    assert str(error) == "the frame is too long (expected at most 9, got 10); update the agent"
    assert (error.what, error.expected, error.got) == ("the frame is too long", "at most 9", "10")


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({}, "no"),
        ({"expected": "a"}, "no (expected a)"),
        ({"got": "b"}, "no (got b)"),
        ({"hint": "c"}, "no; c"),
    ],
)
def test_absent_fields_leave_no_trace(fields: dict[str, str], sentence: str) -> None:
    assert str(LocalProtocolError("no", **fields)) == sentence


def test_the_type_says_whose_fault_it_was() -> None:
    assert issubclass(LocalProtocolError, ProtocolError)
    assert issubclass(RemoteProtocolError, ProtocolError)
    assert not issubclass(LocalProtocolError, RemoteProtocolError)
    assert not issubclass(RemoteProtocolError, LocalProtocolError)


def test_terminal_escapes_and_bidi_marks_are_shown_not_obeyed() -> None:
    error = RemoteProtocolError("bad", got="\x1b[31mred\u202e\ud800\nnext")
    assert str(error) == r"bad (got \x1b[31mred\u202e\ud800\nnext)"


@given(st.text(max_size=1000), st.text(max_size=1000))
@settings(deadline=None, derandomize=True, max_examples=200)
def test_any_text_becomes_one_printable_bounded_line(what: str, got: str) -> None:
    line = str(RemoteProtocolError(what, got=got))
    assert line.isprintable()
    assert len(line) < 5000
