"""Six words: fixed for ever, plain to read aloud, and different for any two handshakes."""

import hashlib
import hmac
import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from protocol.errors import LocalProtocolError
from protocol.phrase import BITS_A_WORD, INFO, PHRASE_WORDS, phrase
from protocol.words import WORDS


def test_list_is_2048_words_sorted_and_fixed_for_ever() -> None:
    assert len(WORDS) == 1 << BITS_A_WORD
    assert list(WORDS) == sorted(WORDS)
    assert hashlib.sha256("\n".join(WORDS).encode()).hexdigest() == (
        "6f6d2a307ac75e53457374763b5568818384de1b0fe51183e62c34bdd32c3a6d"
    )


def test_words_are_short_plain_and_distinct_in_their_first_four_letters() -> None:
    assert all(3 <= len(word) <= 8 and word.isascii() and word.isalpha() and word.islower() for word in WORDS)
    assert len({word[:4] for word in WORDS}) == len(WORDS)


def test_no_word_is_the_beginning_of_another() -> None:
    assert not [(one, other) for one, other in itertools.pairwise(WORDS) if other.startswith(one)]


def test_no_word_could_answer_a_question_on_the_screen() -> None:
    answers = (
        "yes okay sure stop accept agree allow approve cancel deny enter exit grant permit quit refuse reject submit "
        "verify confirm unlock enable"
    )
    assert not set(answers.split()) & set(WORDS)


def _by_the_book(handshake_hash: bytes) -> tuple[str, ...]:
    """RFC 5869 with HMAC alone, and bits as a string: nothing shared with the code under test."""
    pseudorandom = hmac.digest(bytes(32), handshake_hash, "sha256")
    output = hmac.digest(pseudorandom, b"bellpull phrase v1" + b"\x01", "sha256")
    bits = "".join(f"{byte:08b}" for byte in output)[:66]
    return tuple(WORDS[int(bits[start : start + 11], 2)] for start in range(0, 66, 11))


@given(st.binary(min_size=32, max_size=32))
@settings(deadline=None, derandomize=True, max_examples=200)
def test_phrase_is_hkdf_of_the_handshake_hash_cut_into_elevens(handshake_hash: bytes) -> None:
    assert phrase(handshake_hash) == _by_the_book(handshake_hash)
    assert len(phrase(handshake_hash)) == PHRASE_WORDS


def test_known_phrases_never_change() -> None:
    assert phrase(bytes(32)) == ("never", "place", "bench", "dot", "life", "tugboat")
    assert phrase(bytes(range(32))) == ("foam", "hello", "garlic", "hedge", "whisk", "shore")
    assert INFO == b"bellpull phrase v1"


def test_one_flipped_bit_changes_the_phrase() -> None:
    phrases = {phrase(bytes(32))}
    for place in range(256):
        phrases.add(phrase((1 << place).to_bytes(32, "big")))
    assert len(phrases) == 257


@pytest.mark.parametrize("length", [0, 31, 33, 64])
def test_only_a_whole_handshake_hash_makes_a_phrase(length: int) -> None:
    with pytest.raises(LocalProtocolError):
        phrase(bytes(length))
