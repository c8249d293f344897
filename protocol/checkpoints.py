"""Checkpoints: what a log's key says about its tree, and what witnesses say about having seen it.

A signed note (c2sp.org/signed-note) whose text is a checkpoint (c2sp.org/tlog-checkpoint), cosigned
(c2sp.org/tlog-cosignature):

    bellpull.example/log                                                      origin: the log's name
    20852163                                                                  entries
    CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=                              root hash
                                                                              (empty line)
    — bellpull.example/log Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeO…      the log's signature
    — d-7q…            jWbPPwAAAABkGFDLEZMHwSRaJNiIDoe9DYn/zXcrtPHeolMI…      a device's cosignature, with its time

A signature is base64(key id ‖ signature); the key id is SHA-256(name ‖ 0A ‖ type ‖ public key)[:4], with type 01 for
the log (Ed25519 over the text) and 04 for a witness (u64 time ‖ Ed25519 over "cosignature/v1\\ntime T\\n" ‖ text).

Decides: whether a note is well formed, and whether a known key signed exactly this checkpoint.
Leaves to others: whether two checkpoints are consistent (`merkle`), which witnesses count (certified devices only),
and remembering the newest one. A `WitnessKey` cosigns what it is given: ask for the consistency proof first.

Stricter than the specification, for our own logs: no extension lines, the origin is the log's key name, no two
signatures of one key, no tree of size 0 with another root than the empty one. As the specification says, signatures of
unknown keys are ignored, and a known key's signature that does not verify refuses the whole note.
The keys here sign checkpoints and nothing else: there is no function that signs bytes.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import ClassVar, Final, Self

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from protocol.errors import LocalProtocolError, RemoteProtocolError
from protocol.fields import decode_base64, encode_base64
from protocol.merkle import EMPTY_ROOT, HASH_BYTES
from protocol.signed_note import (
    NoteSignature,
    SignedNote,
    add_signature,
    is_key_name,
    key_id,
    parse_line,
    parse_note,
)

__all__ = [
    "Checkpoint",
    "LogKey",
    "LogVerifier",
    "WitnessKey",
    "WitnessVerifier",
    "add_signature",
    "cosigned_at",
    "open_checkpoint",
    "parse_checkpoint",
    "parse_note",
    "verify_cosignature",
]

LOG_KEY_TYPE: Final = 0x01
WITNESS_KEY_TYPE: Final = 0x04
RAW_KEY_BYTES: Final = 32
TIME_BYTES: Final = 8
SIZE_MAX: Final = (1 << 63) - 1  # what other implementations hold in a signed 64-bit number
TIME_MAX_S: Final = (1 << 63) - 1  # c2sp.org/tlog-cosignature
_SIZE: Final = re.compile(r"0|[1-9][0-9]{0,18}")


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A tree head: the log named `origin` had `size` entries under `root`."""

    origin: str
    size: int
    root: bytes

    def to_text(self) -> str:
        """The exact text that is signed, with its last newline."""
        return f"{self.origin}\n{self.size}\n{encode_base64(self.root)}\n"


@dataclass(frozen=True, slots=True)
class _Verifier:
    """A public key under its name. The name must be a key name of c2sp.org/signed-note."""

    key_type: ClassVar[int]
    name: str
    public_key: bytes

    def __post_init__(self) -> None:
        if not is_key_name(self.name):
            raise LocalProtocolError(
                "not a key name", expected="no spaces, no plus, no control characters", got=self.name
            )
        if len(self.public_key) != RAW_KEY_BYTES:
            raise LocalProtocolError(
                "a public key has a wrong length", expected="32 bytes", got=str(len(self.public_key))
            )

    @property
    def key_id(self) -> bytes:
        return key_id(self.name, self.key_type, self.public_key)

    def made(self, signature: NoteSignature) -> bool:
        """Whether the signature claims to be this key's. Only `open_checkpoint` and the like check that it is."""
        return signature.name == self.name and signature.key_id == self.key_id


class LogVerifier(_Verifier):
    """Knows one log: its name and its public key."""

    __slots__ = ()
    key_type = LOG_KEY_TYPE


class WitnessVerifier(_Verifier):
    """Knows one witness: its name (a device id) and its public key."""

    __slots__ = ()
    key_type = WITNESS_KEY_TYPE


class LogKey:
    """The server's log key. Signs checkpoints of the log it is named after, and nothing else."""

    def __init__(self, name: str, raw: bytes) -> None:
        self._key = _load(raw)
        self._verifier = LogVerifier(name, self._key.public_key().public_bytes_raw())

    @classmethod
    def from_raw(cls, name: str, raw: bytes) -> Self:
        """From 32 secret bytes: stored ones, or fresh randomness for a new key."""
        return cls(name, raw)

    def to_raw(self) -> bytes:
        """The 32 secret bytes, to be stored where only the server reads."""
        return self._key.private_bytes_raw()

    @property
    def verifier(self) -> LogVerifier:
        return self._verifier

    def sign(self, checkpoint: Checkpoint) -> str:
        """A note with the log's signature. Its consistency with earlier ones is the caller's duty."""
        if checkpoint.origin != self._verifier.name:
            raise LocalProtocolError(
                "this key does not sign for that log", expected=self._verifier.name, got=checkpoint.origin
            )
        fault = _fault_of(checkpoint)
        if fault:
            raise LocalProtocolError(fault)
        text = checkpoint.to_text()
        signature = NoteSignature(self._verifier.name, self._verifier.key_id, self._key.sign(text.encode("utf-8")))
        return SignedNote(text, (signature,)).to_note()


class WitnessKey:
    """A device's witness key. Cosigns checkpoints that the log itself has signed, and nothing else."""

    def __init__(self, name: str, raw: bytes) -> None:
        self._key = _load(raw)
        self._verifier = WitnessVerifier(name, self._key.public_key().public_bytes_raw())

    @classmethod
    def from_raw(cls, name: str, raw: bytes) -> Self:
        """From 32 secret bytes: stored ones, or fresh randomness for a new key."""
        return cls(name, raw)

    def to_raw(self) -> bytes:
        """The 32 secret bytes, to be stored where only the agent reads."""
        return self._key.private_bytes_raw()

    @property
    def verifier(self) -> WitnessVerifier:
        return self._verifier

    def cosign(self, note: str, log: LogVerifier, at_s: int) -> str:
        """The signature line (without newline): "at `at_s`, this was the largest tree I had seen, and consistent".

        The log's own signature is checked here. That the tree continues the last one seen is NOT: verify the
        consistency proof and persist the checkpoint before calling this.
        """
        checkpoint = open_checkpoint(note, log)
        if not 0 <= at_s <= TIME_MAX_S:
            raise LocalProtocolError("this time cannot be cosigned", got=str(at_s))
        signature = self._key.sign(_cosigned_message(checkpoint, at_s))
        return NoteSignature(
            self._verifier.name, self._verifier.key_id, at_s.to_bytes(TIME_BYTES, "big") + signature
        ).to_line()


def open_checkpoint(note: str, verifier: LogVerifier) -> Checkpoint:
    """The checkpoint in `note`, once the log's own signature has verified."""
    parsed = parse_note(note)
    checkpoint = parse_checkpoint(parsed.text)
    if checkpoint.origin != verifier.name:
        raise RemoteProtocolError("the checkpoint is of another log", expected=verifier.name, got=checkpoint.origin)
    for signature in parsed.signatures:
        if verifier.made(signature):
            _verify(verifier.public_key, signature.signature, parsed.text.encode("utf-8"))
            return checkpoint
    raise RemoteProtocolError(
        "the log's own key did not sign this checkpoint", expected=f"a signature by {verifier.name}"
    )


def verify_cosignature(checkpoint: Checkpoint, line: str, verifier: WitnessVerifier) -> int:
    """When the witness cosigned exactly this checkpoint, in unix seconds by its own clock."""
    signature = parse_line(line)
    if not verifier.made(signature):
        raise RemoteProtocolError("the cosignature is of another witness", expected=verifier.name, got=signature.name)
    at_s = int.from_bytes(signature.signature[:TIME_BYTES], "big")
    if at_s > TIME_MAX_S:
        raise RemoteProtocolError("a cosignature's time is out of range", got=str(at_s))
    _verify(verifier.public_key, signature.signature[TIME_BYTES:], _cosigned_message(checkpoint, at_s))
    return at_s


def cosigned_at(note: str, log: LogVerifier, witnesses: Iterable[WitnessVerifier]) -> Mapping[str, int]:
    """Which of `witnesses` cosigned the note, and when: name → unix seconds. The log's signature is checked too.

    Lines of unknown keys are ignored; one wrong signature of a known witness refuses the note.
    """
    checkpoint = open_checkpoint(note, log)
    signatures = parse_note(note).signatures
    return {
        witness.name: verify_cosignature(checkpoint, signature.to_line(), witness)
        for witness in witnesses
        for signature in signatures
        if witness.made(signature)
    }


def parse_checkpoint(text: str) -> Checkpoint:
    """The three lines of a note's text. Extension lines are refused: nobody can audit them."""
    lines = text.split("\n")
    if len(lines) != 4 or lines[3]:
        raise RemoteProtocolError(
            "a checkpoint has the wrong lines", expected="origin, size, root", got=f"{len(lines) - 1} lines"
        )
    origin, size, root = lines[:3]
    if _SIZE.fullmatch(size) is None:
        raise RemoteProtocolError(
            "a checkpoint's size is malformed", expected="decimal without leading zeros", got=size
        )
    try:
        checkpoint = Checkpoint(origin, int(size), decode_base64(root))
    except ValueError:
        raise RemoteProtocolError("a checkpoint's root is malformed", expected="base64 of 32 bytes", got=root) from None
    fault = _fault_of(checkpoint)
    if fault:
        raise RemoteProtocolError(fault, got=text)
    return checkpoint


def _fault_of(checkpoint: Checkpoint) -> str:
    """What is wrong with a checkpoint, or nothing."""
    if not is_key_name(checkpoint.origin):
        return "a checkpoint's origin is not a log's name"
    if not 0 <= checkpoint.size <= SIZE_MAX:
        return "a checkpoint's size is out of range"
    if len(checkpoint.root) != HASH_BYTES:
        return "a checkpoint's root is not 32 bytes"
    if checkpoint.size == 0 and checkpoint.root != EMPTY_ROOT:
        return "a checkpoint of an empty tree has a root of something else"
    return ""


def _cosigned_message(checkpoint: Checkpoint, at_s: int) -> bytes:
    return f"cosignature/v1\ntime {at_s}\n{checkpoint.to_text()}".encode()


def _verify(public_key: bytes, signature: bytes, message: bytes) -> None:
    try:
        Ed25519PublicKey.from_public_bytes(public_key).verify(signature, message)
    except (InvalidSignature, ValueError):
        raise RemoteProtocolError(
            "a signature over a checkpoint does not verify", hint="the log may have been forged: keep this note"
        ) from None


def _load(raw: bytes) -> Ed25519PrivateKey:
    if len(raw) != RAW_KEY_BYTES:
        raise LocalProtocolError("a key has a wrong length", expected="32 bytes", got=str(len(raw)))
    return Ed25519PrivateKey.from_private_bytes(raw)
