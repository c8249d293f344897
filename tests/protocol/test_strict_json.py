"""One meaning for every byte sequence, or a refusal."""

import json
from typing import Annotated

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import Field, ValidationError

from protocol.errors import RemoteProtocolError
from protocol.fields import Base64, Bytes32, PersonName, UnixSeconds, Uuid, decode_base64, encode_base64
from protocol.strict_json import WireModel, check_json, dump, parse


class Sample(WireModel):
    count: UnixSeconds
    data: Base64 = b""
    name: Annotated[str, Field(max_length=10)] = ""
    rows: tuple[int, ...] = ()


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (b'{"count":1,"count":2}', "twice"),
        (b'{"count":1,"name":"a","rows":[{"a":1,"a":1}]}', "twice"),
        (b'{"count":1.0}', "integer"),
        (b'{"count":"1"}', "integer"),
        (b'{"count":true}', "integer"),
        (b'{"count":NaN}', "NaN"),
        (b'{"count":Infinity}', "Infinity"),
        (b'{"count":1,"extra":1}', "extra"),
        (b'{"count":-1}', "greater"),
        (b'{"count":99999999999999999999999999}', "less"),
        (b'\xef\xbb\xbf{"count":1}', "JSON"),
        (b'{"count":1}\x00', "JSON"),
        (b'{"count":1,}', "JSON"),
        (b"{'count':1}", "JSON"),
        (b'{"count":1,"name":"\\ud800"}', "JSON"),
        (b'{"count":1,"name":"\xff"}', "UTF-8"),
        (b'{"count":1,"name":"\xc0\xaf"}', "UTF-8"),
        (b'{"count":1,"name":"12345678901"}', "10 characters"),
        (b'{"count":1,"data":"YQ"}', "base64"),
        (b'{"count":1,"data":"YR=="}', "canonical"),
        (b'{"count":1,"data":"Y-=="}', "base64"),
        (b'{"count":1,"data":"YQ==\\n"}', "base64"),
        (b"[]", "object"),
        (b"", "JSON"),
        (b"null", "object"),
    ],
)
def test_anything_with_two_readings_is_refused(text: bytes, why: str) -> None:
    with pytest.raises(RemoteProtocolError) as refusal:
        parse(text, Sample)
    assert why in str(refusal.value)


def test_depth_is_counted_outside_strings_only() -> None:
    assert check_json(b'"' + b"[" * 1000 + b'"', what="text") == "[" * 1000
    assert check_json(b"[" * 16 + b"]" * 16, what="deep")
    with pytest.raises(RemoteProtocolError, match="nested too deeply"):
        check_json(b"[" * 17 + b"]" * 17, what="deep")
    with pytest.raises(RemoteProtocolError, match="nested too deeply"):
        check_json(b"[" * 60_000, what="deep")


def test_size_is_checked_before_anything_is_parsed() -> None:
    with pytest.raises(RemoteProtocolError, match="at most 10 bytes"):
        check_json(b"x" * 11, what="big", max_bytes=10)


def test_many_faults_are_summed_up_without_echoing_the_input() -> None:
    with pytest.raises(RemoteProtocolError) as refusal:
        parse(b'{"count":"SECRET","data":1,"name":2,"rows":"SECRET"}', Sample)
    assert "and 1 more" in str(refusal.value)
    assert "SECRET" not in str(refusal.value)


@settings(deadline=None, derandomize=True, max_examples=200)
@given(st.integers(0, 1 << 40), st.binary(max_size=64), st.text(max_size=10), st.lists(st.integers(-9, 9), max_size=4))
def test_what_is_dumped_is_parsed_back(count: int, data: bytes, name: str, rows: list[int]) -> None:
    sample = Sample(count=count, data=data, name=name, rows=tuple(rows))
    assert parse(dump(sample), Sample) == sample


@settings(deadline=None, derandomize=True, max_examples=300)
@given(st.binary(max_size=200))
def test_rubbish_is_refused_with_our_own_error_only(data: bytes) -> None:
    with pytest.raises(RemoteProtocolError):
        parse(data, Sample)


@settings(deadline=None, derandomize=True, max_examples=100)
@given(
    st.recursive(
        st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(max_size=20),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
        max_leaves=10,
    )
)
def test_any_ordinary_json_passes_the_check_unchanged(value: object) -> None:
    assert check_json(json.dumps(value).encode(), what="value") == value


@given(st.binary(max_size=100))
@settings(deadline=None, derandomize=True, max_examples=50)
def test_base64_has_one_spelling(data: bytes) -> None:
    assert decode_base64(encode_base64(data)) == data


def test_field_types_refuse_their_neighbours() -> None:
    class Fields(WireModel):
        key: Bytes32
        id: Uuid

    good = {"key": encode_base64(bytes(32)), "id": "01890a5d-ac96-7745-bcce-b302099a8057"}
    assert parse(json.dumps(good).encode(), Fields).key == bytes(32)
    with pytest.raises(RemoteProtocolError, match="32 bytes"):
        parse(json.dumps({**good, "key": encode_base64(bytes(31))}).encode(), Fields)
    with pytest.raises(ValidationError):
        Fields(key="not bytes!", id=good["id"])  # type: ignore[arg-type]
    with pytest.raises(RemoteProtocolError, match="pattern"):
        parse(json.dumps({**good, "id": "../../etc/passwd"}).encode(), Fields)


@pytest.mark.parametrize("name", ["Ada\u202emin", "Ada\nAdmin", "Ada\u200bAdmin", "\x1b[2J", ""])
def test_a_name_shown_where_people_decide_is_printable(name: str) -> None:
    class Shown(WireModel):
        name: PersonName

    assert Shown(name="Ада Ли").name == "Ада Ли"
    with pytest.raises(RemoteProtocolError):
        parse(json.dumps({"name": name}).encode(), Shown)
