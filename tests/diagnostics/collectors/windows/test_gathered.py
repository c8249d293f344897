"""What PowerShell's ConvertTo-Json makes of values is undone, and what Windows refuses gets a reason."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from diagnostics.collectors.windows.gathered import (
    Gathered,
    filetime_unix_s,
    flag,
    hex_bytes,
    number,
    parse_gathered,
    text,
    unix_s,
)
from diagnostics.machine.interface import Unreadable, UnreadableKind

ROW = {"Name": "Office"}


@pytest.mark.parametrize(
    "written",
    [[ROW], ROW, {"value": [ROW], "Count": 1}, [ROW, None, "noise", 7]],
    ids=["a list", "one object alone", "a wrapped list", "a list with other things"],
)
def test_rows_come_in_any_form(written: object) -> None:
    assert Gathered({"printers": written}).rows("printers") == (ROW,)


def test_nothing_is_no_row() -> None:
    nothing: tuple[object, ...] = (None, [], "", 3)
    for written in nothing:
        assert Gathered({"printers": written}).rows("printers") == ()
    with pytest.raises(Unreadable, match="holds no printers"):
        Gathered({}).rows("printers")
    with pytest.raises(Unreadable, match="nothing about printers"):
        Gathered({"printers": []}).first("printers")


@pytest.mark.parametrize(
    ("category", "name", "words", "kind"),
    [
        ("PermissionDenied", "HRESULT 0x80041003,X", "needs administrator", UnreadableKind.DENIED),
        ("NotSpecified", "HRESULT 0x80041003,X", "needs administrator", UnreadableKind.DENIED),
        ("ObjectNotFound", "CommandNotFoundException", "does not have it", UnreadableKind.ABSENT),
        ("MetadataError", "HRESULT 0x80041010,X", "does not have it", UnreadableKind.ABSENT),
        ("OperationTimeout", "HRESULT 0x40004,X", "no answer in time", UnreadableKind.TIMEOUT),
        ("NotSpecified", "\x1b[2Jbad", "refused", UnreadableKind.ABSENT),
    ],
)
def test_a_refusal_is_told_by_its_number(category: str, name: str, words: str, kind: UnreadableKind) -> None:
    gathered = Gathered({"disks": None, "disks.error": {"category": category, "id": name}})
    with pytest.raises(Unreadable, match=words) as refused:
        gathered.rows("disks")
    assert refused.value.kind is kind
    assert "\x1b" not in refused.value.reason
    assert gathered.rows_or_none("disks") == ()


def test_powershell_that_is_forbidden_says_so_and_noise_is_not_believed() -> None:
    assert parse_gathered(b"\xef\xbb\xbf" + json.dumps({"a": [ROW]}).encode()).rows("a") == (ROW,)
    with pytest.raises(Unreadable, match="blocked by group policy"):
        parse_gathered(b"", b"This program is blocked by group policy.\r\nmore")
    with pytest.raises(Unreadable, match="may be forbidden"):
        parse_gathered(b"")
    for noise in (b"[", b"At line:1 char:1", b"[" * 200_000, b"{" * 3, b'{"a":' * 100_000):
        with pytest.raises(Unreadable, match="no JSON"):
            parse_gathered(noise)


# 2026-11-21T20:12:44Z
MOMENT = 1_795_291_964


@pytest.mark.parametrize(
    "written",
    [
        "/Date(1795291964000)/",
        "/Date(1795291964123+0200)/",
        {"value": "/Date(1795291964000)/", "DisplayHint": 2, "DateTime": "Samstag, 21. November 2026 21:12:44"},
        "2026-11-21T20:12:44Z",
        "2026-11-21T21:12:44.1234567+01:00",
        "2026-11-21T20:12:44",
        "20261121211244.500000+060",
    ],
)
def test_dates_of_every_powershell(written: object) -> None:
    assert unix_s(written) == MOMENT


@pytest.mark.parametrize(
    "written",
    [
        None,
        "",
        "yesterday",
        5,
        {},
        {"value": {}},
        "/Date(-62135596800000)/",
        "/Date(-2209161600000)/",
        "1601-01-01T00:00:00",
        "9999-99-99T00:00:00",
        "20261345999999.000000+060",
        "/Date(99999999999999999999)/",
    ],
)
def test_never_and_no_date_are_none(written: object) -> None:
    assert unix_s(written) is None


def test_values_are_taken_only_in_their_own_kind() -> None:
    row = {
        "n": "12",
        "f": 3.0,
        "b": True,
        "bad": "12a",
        "huge": 1e308,
        "list": [1],
        "hex": "46-00-1F",
        "s": "a\x1b\u202e",
    }
    assert (number(row, "n"), number(row, "f"), number(row, "b"), number(row, "bad")) == (12, 3, 1, None)
    assert (number(row, "huge"), number(row, "list"), number(row, "gone")) == (None, None, None)
    assert (flag(row, "b"), flag(row, "n"), flag(row, "gone")) == (True, None, None)
    assert text(row, "s") == "a\\x1b\\u202e"
    assert (text(row, "list"), text(row, "gone")) == ("", "")
    assert (hex_bytes(row, "hex"), hex_bytes(row, "s"), hex_bytes(row, "gone")) == (b"\x46\x00\x1f", b"", b"")
    assert filetime_unix_s(134_397_655_640_000_000) == MOMENT
    assert (filetime_unix_s(0), filetime_unix_s(2**70)) == (None, None)


@given(st.binary(max_size=200))
@settings(deadline=None, derandomize=True, max_examples=80)
def test_no_bytes_break_it(noise: bytes) -> None:
    try:
        parse_gathered(noise, noise)
    except Unreadable:
        return
