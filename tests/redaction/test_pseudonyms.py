"""Marks: stable on a device, unlinkable between devices, prefix-preserving for addresses, never clashing."""

from __future__ import annotations

import ipaddress
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from diagnostics.redaction import Identifiers, Kind, Redactor
from diagnostics.redaction.kinds import IDENTIFIERS, MARK
from diagnostics.redaction.pseudonyms import Pseudonyms

HERE, THERE = Pseudonyms(b"device one secret"), Pseudonyms(b"device two secret")


def hex_of(mark: bytes) -> str:
    return mark.split(b":")[1].rstrip(b">").decode().replace("-", "")


def shared_bits(one: int, two: int, width: int) -> int:
    return width - (one ^ two).bit_length()


@settings(max_examples=300, deadline=None, derandomize=True)
@given(st.integers(0, 2**32 - 1), st.integers(0, 2**32 - 1))
def test_addresses_share_exactly_the_prefix_they_share(one: int, two: int) -> None:
    marks = [int(hex_of(HERE.ip(value.to_bytes(4, "big"))), 16) for value in (one, two)]
    assert shared_bits(marks[0], marks[1], 32) == shared_bits(one, two, 32)


@settings(max_examples=100, deadline=None, derandomize=True)
@given(st.integers(0, 2**128 - 1), st.integers(0, 127))
def test_networks_of_version_six_share_their_prefix_too(one: int, flipped: int) -> None:
    two = one ^ (1 << flipped)
    marks = [int(hex_of(HERE.ip(value.to_bytes(16, "big")))[:16], 16) for value in (one, two)]
    assert shared_bits(marks[0], marks[1], 64) == min(64, shared_bits(one, two, 128))


def test_whole_subnet_gets_different_marks() -> None:
    marks = {HERE.ip(bytes((192, 168, 7, last))) for last in range(256)}
    assert len(marks) == 256
    assert len({hex_of(mark)[:6] for mark in marks}) == 1


def test_machines_of_one_maker_share_their_beginning() -> None:
    marks = {HERE.mac(bytes((0x3C, 0x52, 0x82, 1, 2, last))) for last in range(256)}
    assert len(marks) == 256
    assert len({hex_of(mark)[:6] for mark in marks}) == 1


@pytest.mark.parametrize("kind", sorted(IDENTIFIERS))
def test_marks_are_stable_and_unlinkable(kind: Kind) -> None:
    again = Pseudonyms(b"device one secret")
    assert HERE.mark(kind, b"anna") == again.mark(kind, b"anna")
    assert HERE.mark(kind, b"anna") != THERE.mark(kind, b"anna")
    assert HERE.mark(kind, b"anna") != HERE.mark(kind, b"bert")
    assert MARK.fullmatch(HERE.mark(kind, b"anna"))


def test_letter_case_and_unicode_form_do_not_count() -> None:
    assert HERE.mark(Kind.USER, b"Anna") == HERE.mark(Kind.USER, b"ANNA")
    composed, decomposed = "Krüger".encode(), "Kru\u0308ger".encode()
    assert composed != decomposed
    assert HERE.mark(Kind.PERSON, composed) == HERE.mark(Kind.PERSON, decomposed)


def test_kinds_of_one_word_are_not_linked() -> None:
    assert hex_of(HERE.mark(Kind.USER, b"anna")) != hex_of(HERE.mark(Kind.HOST, b"anna"))


def test_addresses_of_two_devices_are_not_linked() -> None:
    rng = random.Random(1)
    same_prefix = 0
    for _ in range(200):
        address = rng.randbytes(4)
        same_prefix += hex_of(HERE.ip(address))[:2] == hex_of(THERE.ip(address))[:2]
    assert same_prefix < 20  # 1 in 256 by chance


@pytest.mark.parametrize(
    ("address", "kind"),
    [("10.0.0.1", "ip-private"), ("192.168.1.1", "ip-private"), ("169.254.3.4", "ip-private"), ("91.10.2.3", "ip")],
)
def test_private_addresses_are_told_from_public_ones(address: str, kind: str) -> None:
    assert HERE.ip(ipaddress.ip_address(address).packed).startswith(f"<{kind}:".encode())


def test_short_secret_is_refused() -> None:
    with pytest.raises(ValueError, match="at least 16"):
        Pseudonyms(b"short")


def test_marks_do_not_depend_on_the_bundle() -> None:
    """Two redactors of one device, whatever they have read before, write the same."""
    one, two = (Redactor(Identifiers(), b"device one secret") for _ in range(2))
    one.text("something else 10.9.9.9 from x@example.test")
    line = "peer 91.10.2.3 user=zoe77 mail z@example.test 00:11:22:33:44:55"
    assert one.text(line) == two.text(line)
    assert one.text(line) != Redactor(Identifiers(), b"device two secret").text(line)
