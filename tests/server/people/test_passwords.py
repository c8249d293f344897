"""Passwords: Argon2id at its real cost, once; the rest at a small one."""

import pytest

from server.people.passwords import Passwords, fault_of, is_outdated

GOOD = "correct horse battery staple"


def cheap() -> Passwords:
    return Passwords(memory_kib=64, passes=1)


async def test_the_right_password_matches_and_no_other_does() -> None:
    passwords = Passwords()
    phc = await passwords.hash(GOOD)
    assert phc.startswith("$argon2id$v=19$m=65536,t=3,p=4$")
    assert GOOD not in phc
    assert await passwords.verify(GOOD, phc)
    assert not await passwords.verify(GOOD + " ", phc)


async def test_two_hashes_of_one_password_differ() -> None:
    passwords = cheap()
    assert await passwords.hash(GOOD) != await passwords.hash(GOOD)


async def test_where_there_is_no_password_none_is_right() -> None:
    passwords = cheap()
    assert not await passwords.verify("", None)
    assert not await passwords.verify(GOOD, None)


@pytest.mark.parametrize("phc", ["", "x", "$argon2id$v=19$m=64,t=1,p=4$$", "$2b$12$abc", "$argon2i$v=19$m=64,t=1,p=4$"])
async def test_what_is_no_argon2id_string_matches_nothing(phc: str) -> None:
    assert not await cheap().verify(GOOD, phc)


async def test_the_same_letters_in_another_unicode_form_are_the_same_password() -> None:
    passwords = cheap()
    phc = await passwords.hash("grünes Fahrrad, großes Haus")
    assert await passwords.verify("grünes Fahrrad, großes Haus", phc)


async def test_an_endless_password_is_refused_before_any_work() -> None:
    passwords = cheap()
    assert not await passwords.verify("x" * 100_000, await passwords.hash(GOOD))


async def test_a_hash_with_other_parameters_is_outdated() -> None:
    assert is_outdated(await cheap().hash(GOOD))
    assert not is_outdated(await Passwords().hash(GOOD))


@pytest.mark.parametrize(
    ("password", "says"),
    [
        ("short", "12 characters"), ("a" * 12, "different"), ("x" * 257, "at most"),
        ("anna-anna-1234-q", "your sign-in name"), ("abcabcabcabcabc", "different"), (GOOD, ""), ("пароль из слов", ""),
    ],
)  # fmt: skip
def test_length_and_variety_are_asked_for_and_nothing_odd(password: str, says: str) -> None:
    fault = fault_of(password, "anna")
    assert says in fault
    assert bool(fault) is bool(says)
