"""Small sealed evidence: opened by each recipient, by nobody else, and by the plain tool."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from diagnostics.bundle import BundleRefusedError, Refusal, new_identity, open_sealed, recipient_of, seal
from diagnostics.bundle.encrypt import SEALED_MAX_BYTES
from tests.diagnostics.bundle.test_write import need_tools

ONE, TWO, OTHER = new_identity(), new_identity(), new_identity()


@settings(max_examples=25, deadline=None, derandomize=True)
@given(st.binary(max_size=3000))
def test_each_recipient_opens_what_was_sealed(data: bytes) -> None:
    sealed = seal(data, [ONE[1], TWO[1]])
    assert open_sealed(sealed, ONE[0]) == open_sealed(sealed, TWO[0]) == data


def test_nobody_else_opens_it() -> None:
    with pytest.raises(BundleRefusedError) as refused:
        open_sealed(seal(b"x", [ONE[1]]), OTHER[0])
    assert refused.value.refusal is Refusal.WRONG_KEY


def test_sealing_twice_gives_different_bytes() -> None:
    assert seal(b"same", [ONE[1]]) != seal(b"same", [ONE[1]])


def test_recipient_of_an_identity() -> None:
    assert recipient_of(ONE[0]) == ONE[1]
    assert ONE[1].startswith("age1")


def test_too_much_evidence_is_a_bundle() -> None:
    with pytest.raises(BundleRefusedError) as refused:
        seal(bytes(SEALED_MAX_BYTES + 1), [ONE[1]])
    assert refused.value.refusal is Refusal.TOO_LARGE


def test_largest_evidence_is_sealed_and_opened() -> None:
    data = bytes(SEALED_MAX_BYTES)
    assert open_sealed(seal(data, [ONE[1]] * 32), ONE[0]) == data


@pytest.mark.parametrize(
    "data", [b"", b"age-encryption.org/v1\n", b"nonsense", b"age-encryption.org/v1\n-> X25519 a\nb\n--- c\n"]
)
def test_what_is_not_sealed_is_said_to_be_damaged(data: bytes) -> None:
    with pytest.raises(BundleRefusedError) as refused:
        open_sealed(data, ONE[0])
    assert refused.value.refusal is Refusal.DAMAGED


def test_plain_age_opens_sealed_evidence(tmp_path: Path) -> None:
    need_tools("age")
    key = tmp_path / "key"
    key.write_text(ONE[0])
    opened = subprocess.run(["age", "-d", "-i", key], input=seal(b"hello", [ONE[1]]), capture_output=True, check=True)
    assert opened.stdout == b"hello"
