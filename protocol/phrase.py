"""Six words that two people read to each other: equal at both ends, or somebody stands between.

    handshake hash (32 bytes) ── HKDF-SHA256, no salt, info "bellpull phrase v1" ──▶ 9 bytes
    the first 66 of their 72 bits, 11 at a time, most significant first ──▶ six of 2048 words

The handshake hash covers every key and every message of a handshake, so one who stands between with two handshakes of
their own has two phrases that have nothing to do with each other. They could try last messages until the two agree:
66 bits are too many to search while two people wait.
"""

from typing import Final

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from protocol.errors import LocalProtocolError
from protocol.words import WORDS

INFO: Final = b"bellpull phrase v1"
PHRASE_WORDS: Final = 6
BITS_A_WORD: Final = 11
HASH_BYTES: Final = 32
_DERIVED_BYTES: Final = 9  # the least that holds 66 bits


def phrase(handshake_hash: bytes) -> tuple[str, ...]:
    """The six words of a finished handshake."""
    if len(handshake_hash) != HASH_BYTES:
        raise LocalProtocolError(
            "a handshake hash has a wrong length", expected="32 bytes", got=str(len(handshake_hash))
        )
    derived = HKDF(algorithm=SHA256(), length=_DERIVED_BYTES, salt=None, info=INFO).derive(handshake_hash)
    bits = int.from_bytes(derived, "big") >> (8 * _DERIVED_BYTES - PHRASE_WORDS * BITS_A_WORD)
    places = range((PHRASE_WORDS - 1) * BITS_A_WORD, -1, -BITS_A_WORD)
    return tuple(WORDS[bits >> place & (1 << BITS_A_WORD) - 1] for place in places)
