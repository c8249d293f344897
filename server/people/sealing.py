"""Secrets that must be read again (those behind codes of apps), sealed under a key that is not in the database.

    kept = nonce (12) ‖ ChaCha20-Poly1305(key, secret, associated = "anna")

The key is derived from the data directory's `log-key`, which every node of a server and every backup has. Whoever reads
the database alone can compute no code, and a sealed secret moved to another account does not open there.
"""

import os

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

_NONCE_BYTES = 12


class Sealer:
    def __init__(self, log_key: bytes) -> None:
        derived = HKDF(SHA256(), 32, salt=None, info=b"bellpull secrets of accounts v1").derive(log_key)
        self._box = ChaCha20Poly1305(derived)

    def seal(self, secret: bytes, owner: str) -> bytes:
        nonce = os.urandom(_NONCE_BYTES)
        return nonce + self._box.encrypt(nonce, secret, owner.encode())

    def open(self, sealed: bytes, owner: str) -> bytes | None:
        """None: sealed under another key or for another account; nothing was sealed that could be had back."""
        try:
            return self._box.decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], owner.encode())
        except (InvalidTag, ValueError):
            return None
