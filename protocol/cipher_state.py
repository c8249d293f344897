"""The keys inside Noise: one sealing key a direction, and the chain that a handshake grows them from.

`CipherState` seals and opens messages in order, under a counter that is never sent: a message that was
changed, lost, repeated or reordered on its way does not open. `SymmetricState` is a handshake's memory:
all that was said is in its hash, every shared secret in its chaining key (Noise revision 34, section 5).
"""

import hashlib
import hmac
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM, ChaCha20Poly1305

from protocol.errors import LocalProtocolError, RemoteProtocolError
from protocol.limits import AEAD_TAG_BYTES

KEY_BYTES: Final = 32  # X25519 keys, pre-shared keys and cipher keys alike
HASH_BYTES: Final = 32
NONCE_LIMIT: Final = (1 << 64) - 1  # reserved by the specification for rekey; never used for a message


class CipherState:
    """One key, one counter, one direction. Any failure closes it for good.

    AES-GCM nonces are four zero bytes and the counter big-endian; ChaChaPoly's counter is little-endian
    (Noise revision 34, section 12).
    """

    __slots__ = ("_aead", "_big_endian", "_dead", "_nonce")

    def __init__(self, cipher: str, key: bytes, *, nonce: int = 0) -> None:
        self._aead: AESGCM | ChaCha20Poly1305
        self._big_endian = cipher == "AESGCM"
        self._aead = AESGCM(key) if self._big_endian else ChaCha20Poly1305(key)
        self._nonce = nonce
        self._dead = False

    @property
    def nonce(self) -> int:
        """How many messages this state has sealed or opened; a rekey does not reset it."""
        return self._nonce

    def encrypt(self, plaintext: bytes, associated: bytes = b"") -> bytes:
        """Seal the next message. `LocalProtocolError` when the counter is used up or the state is closed."""
        nonce = self._take_nonce()
        return self._aead.encrypt(nonce, plaintext, associated)

    def decrypt(self, ciphertext: bytes, associated: bytes = b"") -> bytes:
        """Open the next message. One that does not authenticate closes this state: `RemoteProtocolError`."""
        nonce = self._take_nonce()
        try:
            return self._aead.decrypt(nonce, ciphertext, associated)
        except InvalidTag:
            self._dead = True
            raise RemoteProtocolError(
                "a sealed message does not authenticate",
                expected=f"message {self._nonce - 1} under the current key",
                hint="it was changed, lost, repeated or reordered on its way",
            ) from None

    def rekey(self) -> None:
        """Noise revision 34, section 11.3: the new key is made from the old one; the counter goes on."""
        self._refuse_when_dead()
        sealed = self._aead.encrypt(self._nonce_bytes(NONCE_LIMIT), bytes(KEY_BYTES), b"")
        self._aead = type(self._aead)(sealed[:KEY_BYTES])

    def _take_nonce(self) -> bytes:
        self._refuse_when_dead()
        if self._nonce == NONCE_LIMIT:
            self._dead = True
            raise LocalProtocolError("the message counter is used up", hint="open a new session")
        self._nonce += 1
        return self._nonce_bytes(self._nonce - 1)

    def _nonce_bytes(self, counter: int) -> bytes:
        return bytes(4) + counter.to_bytes(8, "big" if self._big_endian else "little")

    def _refuse_when_dead(self) -> None:
        if self._dead:
            raise LocalProtocolError("this cipher state is closed after a failure", hint="open a new session")


def _hkdf(chaining_key: bytes, material: bytes, outputs: int) -> list[bytes]:
    """Noise's HKDF (section 4.3): two or three 32-byte outputs."""
    temp = hmac.digest(chaining_key, material, "sha256")
    results: list[bytes] = []
    previous = b""
    for index in range(1, outputs + 1):
        previous = hmac.digest(temp, previous + bytes([index]), "sha256")
        results.append(previous)
    return results


class SymmetricState:
    """The chaining key, the transcript hash and the handshake's own cipher (section 5.2)."""

    __slots__ = ("_chaining_key", "_cipher", "_cipher_name", "hash")

    def __init__(self, protocol_name: str, cipher_name: str) -> None:
        name = protocol_name.encode("ascii")
        # Names up to 32 bytes stand for themselves, padded with zeros; longer ones are hashed.
        self.hash = name.ljust(HASH_BYTES, b"\0") if len(name) <= HASH_BYTES else hashlib.sha256(name).digest()
        self._chaining_key = self.hash
        self._cipher_name = cipher_name
        self._cipher: CipherState | None = None

    def mix_hash(self, data: bytes) -> None:
        self.hash = hashlib.sha256(self.hash + data).digest()

    def mix_key(self, material: bytes) -> None:
        self._chaining_key, key = _hkdf(self._chaining_key, material, 2)
        self._cipher = CipherState(self._cipher_name, key)

    def mix_key_and_hash(self, material: bytes) -> None:
        self._chaining_key, mixed, key = _hkdf(self._chaining_key, material, 3)
        self.mix_hash(mixed)
        self._cipher = CipherState(self._cipher_name, key)

    @property
    def tag_bytes(self) -> int:
        """What sealing adds at this point of the handshake: nothing before the first key."""
        return 0 if self._cipher is None else AEAD_TAG_BYTES

    def encrypt_and_hash(self, plaintext: bytes) -> bytes:
        sealed = plaintext if self._cipher is None else self._cipher.encrypt(plaintext, self.hash)
        self.mix_hash(sealed)
        return sealed

    def decrypt_and_hash(self, sealed: bytes) -> bytes:
        plaintext = sealed if self._cipher is None else self._cipher.decrypt(sealed, self.hash)
        self.mix_hash(sealed)
        return plaintext

    def split(self) -> tuple[CipherState, CipherState]:
        first, second = _hkdf(self._chaining_key, b"", 2)
        return CipherState(self._cipher_name, first), CipherState(self._cipher_name, second)
