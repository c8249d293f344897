"""The time at the beginning of a log line: what is understood, and that everything else has none."""

from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from diagnostics.collectors.line_times import time_of
from diagnostics.collectors.logs import dated

NOW = int(datetime(2026, 11, 21, 12, tzinfo=UTC).timestamp())
HOUR = 3600


def at(*moment: int) -> int:
    return int(datetime(*moment, tzinfo=UTC).timestamp())  # type: ignore[arg-type,misc]


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("2026-11-21T09:12:44.123456+01:00 laptop cupsd[812]: x", at(2026, 11, 21, 8, 12, 44)),
        ("2026-11-21T09:12:44Z x", at(2026, 11, 21, 9, 12, 44)),
        ("2026-11-21 09:12:44 status installed cups", at(2026, 11, 21, 8, 12, 44)),
        ("2026-11-21 09:12:44,123 INFO x", at(2026, 11, 21, 8, 12, 44)),
        ("[2026-11-21 09:12:44] x", at(2026, 11, 21, 8, 12, 44)),
        ("Nov 21 09:12:44 laptop cupsd[812]: x", at(2026, 11, 21, 8, 12, 44)),
        ("Nov  1 09:12:44 laptop cupsd[812]: x", at(2026, 11, 1, 8, 12, 44)),
        ("Dec 31 23:59:59 laptop x: y", at(2025, 12, 31, 22, 59, 59)),  # it cannot be of a December to come
        ("[Sat Nov 21 09:12:44.123456 2026] [core:error] x", at(2026, 11, 21, 8, 12, 44)),
        ("2026-13-45T99:99:99 x", None),
        ("Foo 21 09:12:44 x", None),
        ("[  OK  ] Started", None),
        ("", None),
    ],
)
def test_what_is_understood(line: str, expected: int | None) -> None:
    assert time_of(line, now=NOW, utc_offset_s=HOUR) == expected


@given(st.text(max_size=80))
@settings(deadline=None, derandomize=True, max_examples=100)
def test_no_line_breaks_it(line: str) -> None:
    for start in ("", "2026-11-21T", "Nov 21 ", "[Sat Nov 21 09:12:44 "):
        time_of(start + line, now=NOW, utc_offset_s=HOUR)


def test_a_line_belongs_to_the_one_it_follows() -> None:
    lines = ["before all", "2026-11-21T09:00:00Z failed", "  at frame 1", "2026-11-21T10:00:00Z next"]
    nine, ten = at(2026, 11, 21, 9), at(2026, 11, 21, 10)
    assert [when for when, _ in dated(lines, now=NOW, utc_offset_s=0)] == [None, nine, nine, ten]
