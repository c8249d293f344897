"""Strict JSON: what is not exactly what was expected is refused, with its place."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from diagnostics.strict_json import MAX_BYTES, StrictJsonError, decode, dump_json, encode, load_json


class Colour(StrEnum):
    RED = "red"


@dataclass(frozen=True, slots=True)
class Inner:
    name: str
    size: int | None = None


@dataclass(frozen=True, slots=True)
class Outer:
    colour: Colour
    share: float
    inner: tuple[Inner, ...]
    pair: tuple[int, str]
    table: Mapping[str, int | float]


VALUE = Outer(Colour.RED, 0.5, (Inner("a"), Inner("b", 2)), (1, "x"), {"whole": 1, "part": 1.5})


def test_a_dataclass_survives_whole_with_its_types() -> None:
    again = decode(Outer, load_json(dump_json(encode(VALUE))))
    assert again == VALUE
    assert [type(item) for item in again.table.values()] == [int, float]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (b'{"a":1,"a":2}', "key 'a' appears twice"),
        (b'{"a":NaN}', "NaN is not JSON"),
        (b"[Infinity]", "Infinity is not JSON"),
        (b"\xff\xfe", "not JSON"),
        (b"{", "not JSON"),
        (b"[" * 100_000, "not JSON"),
        (b"[" * 20 + b"]" * 20, "at most 16 levels"),
    ],
)
def test_text_that_is_not_strict_json_is_refused(text: bytes, message: str) -> None:
    with pytest.raises(StrictJsonError, match=message):
        load_json(text)


def test_text_over_the_limit_is_refused_before_it_is_parsed() -> None:
    with pytest.raises(StrictJsonError, match="at most"):
        load_json(b" " * (MAX_BYTES + 1))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"colour": "blue"}, "Outer.colour: expected one of red, got 'blue'"),
        ({"share": "0.5"}, "Outer.share: expected float"),
        ({"inner": [{"name": 3}]}, r"Outer.inner\[0\].name: expected str, got 3"),
        ({"inner": [{"name": "a", "size": 1.0}]}, r"Outer.inner\[0\].size: expected int"),
        ({"pair": [1]}, "Outer.pair: expected 2 items"),
        ({"table": []}, "Outer.table: expected an object"),
        ({"more": 1}, "Outer: unknown field 'more'"),
    ],
)
def test_a_field_that_does_not_fit_is_named(change: dict[str, object], message: str) -> None:
    value = encode(VALUE)
    assert isinstance(value, dict)
    with pytest.raises(StrictJsonError, match=message):
        decode(Outer, {**value, **change})


def test_a_float_may_be_written_as_a_whole_number() -> None:
    value = encode(VALUE)
    assert isinstance(value, dict)
    assert decode(Outer, {**value, "share": 2}).share == 2.0


def test_a_number_that_json_cannot_hold_is_not_written() -> None:
    with pytest.raises(ValueError, match="Out of range float"):
        dump_json(float("nan"))


@settings(deadline=None, derandomize=True, max_examples=300)
@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
        max_leaves=20,
    )
)
def test_any_json_value_is_decoded_or_refused(value: object) -> None:
    try:
        decode(Outer, value)
    except StrictJsonError:
        return
