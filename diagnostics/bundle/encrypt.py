"""Sealing with age (https://age-encryption.org/v1): many recipients, opened by the plain ``age`` tool.

Two forms: streams for bundles, and `seal` / `open_sealed` for small evidence that is kept in a database. A sealed
thing says nothing of who sealed it; who did is proven by signatures above this library.

    age-encryption.org/v1
    -> X25519 …            one stanza a recipient
    --- …                  MAC of the header, then ChaCha20-Poly1305 in 64 KiB chunks
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import Protocol

import pyrage

from diagnostics.bundle.refusal import BundleRefusedError, Refusal

AGE_MAGIC = b"age-encryption.org/v1"
# Evidence kept beside a ticket; larger things are bundles.
SEALED_MAX_BYTES = 8 * 1024 * 1024
# One stanza each; a support organisation has a team key and a spare, not a thousand.
RECIPIENTS_MAX = 32


class Reader(Protocol):
    def read(self, size: int = -1, /) -> bytes: ...


class Writer(Protocol):
    def write(self, data: bytes, /) -> object: ...

    def flush(self) -> object: ...


def new_identity() -> tuple[str, str]:
    """A fresh key pair: (``AGE-SECRET-KEY-1…``, ``age1…``). The secret belongs to a person, never to a server."""
    identity = pyrage.x25519.Identity.generate()
    return str(identity), str(identity.to_public())


def recipient_of(identity: str) -> str:
    return str(_identity(identity).to_public())


def check_recipients(recipients: Sequence[str]) -> None:
    """Raises BundleRefusedError where one is not an ``age1…`` recipient, or where there is none."""
    _recipients(recipients)


class _Remembering:
    """Both ends of a stream, with the first error they raised: pyrage turns some into its own and drops others."""

    def __init__(self, source: Reader, out: Writer) -> None:
        self._source = source
        self._out = out
        self.error: BaseException | None = None

    def read(self, size: int = -1, /) -> bytes:
        try:
            return self._source.read(size)
        except BaseException as error:
            self.error = self.error or error
            raise

    def write(self, data: bytes, /) -> int:
        try:
            self._out.write(data)
        except BaseException as error:
            self.error = self.error or error
            raise
        return len(data)

    def flush(self) -> None:
        self._out.flush()


def encrypt_stream(source: Reader, out: Writer, recipients: Sequence[str]) -> None:
    ends = _Remembering(source, out)
    try:
        pyrage.encrypt_io(ends, ends, _recipients(recipients))
    finally:
        if ends.error is not None:
            raise ends.error


def decrypt_stream(source: Reader, out: Writer, identity: str) -> None:
    """Plaintext reaches ``out`` in authenticated pieces; only a normal return says that the end was reached too."""
    key = _identity(identity)
    ends = _Remembering(source, out)
    try:
        pyrage.decrypt_io(ends, ends, [key])
    except (pyrage.DecryptError, OSError) as error:
        raise (ends.error or _not_opened(error)) from error
    if ends.error is not None:
        raise ends.error


def seal(data: bytes, recipients: Sequence[str]) -> bytes:
    if len(data) > SEALED_MAX_BYTES:
        raise BundleRefusedError(
            Refusal.TOO_LARGE,
            expected=f"at most {SEALED_MAX_BYTES} bytes of evidence",
            got=f"{len(data)}",
            hint="send it as a bundle",
        )
    return bytes(pyrage.encrypt(data, _recipients(recipients)))


def open_sealed(data: bytes, identity: str) -> bytes:
    # The header grows by one stanza (under 1 KiB in any form) a recipient, the body by 16 bytes a 64 KiB.
    limit = SEALED_MAX_BYTES + 64 * 1024 + RECIPIENTS_MAX * 1024
    if len(data) > limit:
        raise BundleRefusedError(
            Refusal.TOO_LARGE,
            expected=f"at most {limit} sealed bytes",
            got=f"{len(data)}",
            hint="this is not sealed evidence; open a bundle with open-bundle",
        )
    out = io.BytesIO()
    decrypt_stream(io.BytesIO(data), out, identity)
    return out.getvalue()


def _recipients(recipients: Sequence[str]) -> list[object]:
    if not 1 <= len(recipients) <= RECIPIENTS_MAX:
        raise BundleRefusedError(
            Refusal.RECIPIENT,
            expected=f"1 to {RECIPIENTS_MAX} recipients",
            got=f"{len(recipients)}",
            hint="a recipient is the age1… line of the support organisation",
        )
    parsed: list[object] = []
    for text in recipients:
        try:
            parsed.append(pyrage.x25519.Recipient.from_str(text))
        except pyrage.RecipientError as error:
            raise BundleRefusedError(
                Refusal.RECIPIENT,
                expected="an X25519 recipient, age1 and 58 letters",
                got=f"{text[:20]!r} ({error})",
                hint="copy the whole line, and never the AGE-SECRET-KEY",
            ) from error
    return parsed


def _identity(text: str) -> pyrage.x25519.Identity:
    try:
        return pyrage.x25519.Identity.from_str(text.strip())
    except pyrage.IdentityError as error:
        raise BundleRefusedError(
            Refusal.WRONG_KEY,
            expected="an age identity, AGE-SECRET-KEY-1 and 58 letters",
            got=f"{len(text)} characters that are none",
            hint="name the file that age-keygen or the technician's program made",
        ) from error


def _not_opened(error: Exception) -> BundleRefusedError:
    if "matching keys" in str(error):
        return BundleRefusedError(
            Refusal.WRONG_KEY,
            expected="a bundle sealed to this key",
            got="one sealed to others",
            hint="open it with a key it was sealed to, or ask the customer to send it again to yours",
        )
    return BundleRefusedError(
        Refusal.DAMAGED,
        expected="a whole age file",
        got=f"one that does not authenticate ({error})",
        hint="it was cut short or changed on the way; fetch it again",
    )
