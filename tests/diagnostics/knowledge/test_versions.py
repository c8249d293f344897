"""Version order: Debian's own examples, and laws that any order keeps."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from diagnostics.knowledge.versions import compare_versions


@pytest.mark.parametrize(
    ("older", "newer"),
    [
        ("1.0", "1.1"),
        ("1.9", "1.10"),
        ("1.0~rc1", "1.0"),
        ("1.0~~", "1.0~"),
        ("1.0~~a", "1.0~"),
        ("1.0", "1.0a"),
        ("1.0a", "1.0+"),
        ("1.0", "1.0-1"),
        ("1.0-1", "1.0-1.1"),
        ("9.9", "1:0.1"),
        ("2.36-9+deb12u9", "2.36-9+deb12u13"),
        ("252.30-1~deb12u2", "252.39-1~deb12u1"),
        ("6.1.0-28", "6.11.5.arch1-1"),
        ("", "1"),
    ],
)
def test_the_older_sorts_first(older: str, newer: str) -> None:
    assert (compare_versions(older, newer), compare_versions(newer, older)) == (-1, 1)


@pytest.mark.parametrize(("one", "other"), [("1.0", "1.0"), ("1.00", "1.0"), ("0:1", "1"), ("1.0-0", "1.0-0")])
def test_equal_is_equal(one: str, other: str) -> None:
    assert compare_versions(one, other) == 0


VERSION = st.text(alphabet="0123456789ab.+~:-", max_size=12)


@settings(deadline=None, derandomize=True, max_examples=500)
@given(VERSION, VERSION, VERSION)
def test_any_versions_have_one_order(one: str, two: str, three: str) -> None:
    assert compare_versions(one, two) == -compare_versions(two, one)
    assert compare_versions(one, one) == 0
    if compare_versions(one, two) <= 0 and compare_versions(two, three) <= 0:
        assert compare_versions(one, three) <= 0


@settings(deadline=None, derandomize=True, max_examples=100)
@given(st.text(max_size=300), st.text(max_size=300))
def test_any_text_is_compared(one: str, other: str) -> None:
    assert compare_versions(one, other) in (-1, 0, 1)
