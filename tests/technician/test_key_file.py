"""Key files: sealed by a passphrase, authenticated whole, and honest about what is wrong."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from protocol.errors import ProtocolError, RemoteProtocolError
from technician.keys.key_file import Argon2Settings, is_sealed, open_key, seal_key
from technician.problems import Problem

SALT = b"s" * 16
RANDOM = SALT + b"n" * 12
FAST = Argon2Settings(memory_kib=8 * 1024, iterations=1, lanes=1, salt=SALT)  # tests seal often
SEALED = seal_key("root", b"public", b"the secret", "passphrase", random=RANDOM, settings=FAST)


def test_the_right_passphrase_opens_and_gives_the_name_and_public_part() -> None:
    opened = open_key(SEALED, "passphrase", where="root.key")
    assert (opened.name, opened.public, opened.secret) == ("root", b"public", b"the secret")
    assert "the secret" not in repr(opened)


def test_the_secret_is_not_in_the_file_and_the_default_settings_are_rfc_9106s() -> None:
    assert b"the secret" not in SEALED
    sealed = seal_key("root", b"public", b"the secret", "passphrase", random=RANDOM)
    settings_used = json.loads(sealed)["argon2id"]
    assert (settings_used["memory_kib"], settings_used["iterations"], settings_used["lanes"]) == (65_536, 3, 4)
    assert open_key(sealed, "passphrase", where="root.key").secret == b"the secret"


def test_a_wrong_passphrase_says_so_and_what_to_do() -> None:
    with pytest.raises(Problem) as refusal:
        open_key(SEALED, "passphrasE", where="root.key")
    assert str(refusal.value) == (
        "root.key does not open (expected its passphrase, got another one, or a changed file);"
        " Try again. A forgotten passphrase cannot be recovered: make new keys."
    )


def test_no_passphrase_for_a_sealed_key_is_refused() -> None:
    assert is_sealed(SEALED)
    with pytest.raises(Problem, match="protected by a passphrase"):
        open_key(SEALED, None, where="root.key")


def test_a_plain_key_opens_without_one() -> None:
    plain = seal_key("root", b"public", b"the secret", None, random=b"")
    assert not is_sealed(plain)
    assert open_key(plain, None, where="root.key").secret == b"the secret"


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("name", "content"),
        ("public", "b3RoZXI="),
        ("nonce", "bm5ubm5ubm5ubm5v"),
    ],
)
def test_a_file_that_was_changed_anywhere_does_not_open(field: str, value: str) -> None:
    changed = {**json.loads(SEALED), field: value}
    with pytest.raises(Problem, match="does not open"):
        open_key(json.dumps(changed).encode(), "passphrase", where="root.key")


@pytest.mark.parametrize(
    ("field", "value"), [("memory_kib", 1 << 40), ("memory_kib", 0), ("iterations", 1 << 20), ("lanes", 1000)]
)
def test_a_file_cannot_ask_for_all_memory_or_for_none(field: str, value: int) -> None:
    changed = json.loads(SEALED)
    changed["argon2id"][field] = value
    with pytest.raises(RemoteProtocolError, match="key file has a wrong shape"):
        open_key(json.dumps(changed).encode(), "passphrase", where="root.key")


@settings(deadline=None, derandomize=True, max_examples=60)
@given(place=some.integers(0, len(SEALED) - 1), bit=some.integers(0, 7))
def test_one_flipped_bit_never_gives_another_key(place: int, bit: int) -> None:
    bent = bytearray(SEALED)
    bent[place] ^= 1 << bit
    with pytest.raises((Problem, ProtocolError)):
        open_key(bytes(bent), "passphrase", where="root.key")
