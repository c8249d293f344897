"""Arithmetic against published examples, and against numbers one digit off."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from diagnostics.redaction import validators


@pytest.mark.parametrize(
    "number",
    [
        b"4111111111111111",
        b"5555555555554444",
        b"378282246310005",
        b"6011111111111117",
        b"30569309025904",
        b"3530111333300000",
    ],
)
def test_test_cards_of_the_networks_are_cards(number: bytes) -> None:
    assert validators.card(number)


@settings(max_examples=200, deadline=None, derandomize=True)
@given(st.integers(0, 15), st.integers(1, 9))
def test_one_wrong_digit_makes_no_card(position: int, step: int) -> None:
    digits = bytearray(b"4111111111111111")
    digits[position] = 48 + (digits[position] - 48 + step) % 10
    assert not validators.card(bytes(digits))


@pytest.mark.parametrize("number", [b"1700000000000", b"0000000000000000", b"9999999999999995", b"411111111111111"])
def test_stamps_and_wrong_lengths_are_no_cards(number: bytes) -> None:
    assert not validators.card(number)


@pytest.mark.parametrize(
    "text", [b"GB29NWBK60161331926819", b"DE89370400440532013000", b"FR1420041010050500013M02606", b"NO9386011117947"]
)
def test_examples_of_the_registry_are_accounts(text: bytes) -> None:
    assert validators.iban(text)
    assert not validators.iban(text[:-1] + bytes((48 + (text[-1] - 48 + 1) % 10,)))
    assert not validators.iban(text + b"0")


def test_unknown_country_is_no_account() -> None:
    assert not validators.iban(b"XX29NWBK60161331926819")


@pytest.mark.parametrize(
    ("area", "group", "serial", "fits"),
    [(78, 5, 1120, True), (0, 5, 1, False), (666, 1, 1, False), (900, 1, 1, False), (1, 0, 1, False), (1, 1, 0, False)],
)
def test_social_security_numbers(area: int, group: int, serial: int, fits: bool) -> None:
    assert validators.us_ssn(area, group, serial) is fits


def test_snils_check_digits() -> None:
    assert validators.snils(b"11223344595")
    assert not validators.snils(b"11223344596")
    assert not validators.snils(b"1122334459")


def test_wallet_checksum() -> None:
    assert validators.base58check(b"5HueCGU8rMjxEXxiPuD5BDku4MkFqeZyd4dZ1jvhTVqvbTLvyTJ")  # the example of WIF
    assert not validators.base58check(b"5HueCGU8rMjxEXxiPuD5BDku4MkFqeZyd4dZ1jvhTVqvbTLvyTK")
    assert not validators.base58check(b"0OIl")
