"""Signed notes (c2sp.org/signed-note): text, an empty line, and one signature line for each key.

    bellpull.example/log
    20852163
    CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=

    — bellpull.example/log Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeO…

A line is `— <key name> base64(key id ‖ signature)`; the key id is SHA-256(name ‖ 0A ‖ type ‖ public key)[:4].

Decides: whether bytes are a note, in its one spelling. Verifies nothing: see `checkpoints`.
Stricter than the specification: one key signs a note once, and base64 has one spelling.
"""

import hashlib
from dataclasses import dataclass
from typing import Final

from protocol import limits
from protocol.errors import LocalProtocolError, RemoteProtocolError
from protocol.fields import decode_base64, encode_base64

KEY_ID_BYTES: Final = 4
_SIGNATURE_MARK: Final = "\u2014 "  # em dash, space


@dataclass(frozen=True, slots=True)
class NoteSignature:
    name: str
    key_id: bytes
    signature: bytes

    def to_line(self) -> str:
        return f"{_SIGNATURE_MARK}{self.name} {encode_base64(self.key_id + self.signature)}"


@dataclass(frozen=True, slots=True)
class SignedNote:
    """A note taken apart. Nothing in it is verified."""

    text: str
    signatures: tuple[NoteSignature, ...]

    def to_note(self) -> str:
        return self.text + "\n" + "".join(signature.to_line() + "\n" for signature in self.signatures)


def parse_note(note: str) -> SignedNote:
    """Take a signed note apart; `RemoteProtocolError` when it is not one. Verifies nothing."""
    try:
        length = len(note.encode("utf-8"))
    except UnicodeEncodeError:
        raise RemoteProtocolError("a signed note is not valid UTF-8") from None
    if length > limits.NOTE_MAX_BYTES:
        raise RemoteProtocolError(
            "a signed note is too long", expected=f"at most {limits.NOTE_MAX_BYTES} bytes", got=str(length)
        )
    if any(character < " " and character != "\n" for character in note):
        raise RemoteProtocolError("a signed note holds control characters", expected="newlines only")
    # The text keeps its newline; the empty line that divides it from the signatures is the last one.
    text, divider, block = note.rpartition("\n\n")
    if not divider or not block.endswith("\n"):
        raise RemoteProtocolError(
            "a signed note has no signatures", expected="text, an empty line, lines beginning with an em dash"
        )
    signatures = tuple(parse_line(line) for line in block[:-1].split("\n"))
    keys = {(signature.name, signature.key_id) for signature in signatures}
    if len(keys) != len(signatures):
        raise RemoteProtocolError("one key signed the note twice", expected="one signature by each key")
    return SignedNote(text + "\n", signatures)


def parse_line(line: str) -> NoteSignature:
    """`— name base64` → its parts."""
    if not line.startswith(_SIGNATURE_MARK):
        raise RemoteProtocolError("a signature line does not begin with an em dash and a space", got=line)
    name, divider, encoded = line[len(_SIGNATURE_MARK) :].partition(" ")
    if not divider or not is_key_name(name):
        raise RemoteProtocolError("a signature line has no key name", expected="— name base64", got=line)
    try:
        raw = decode_base64(encoded)
    except ValueError:
        raise RemoteProtocolError("a signature is not canonical base64", got=encoded) from None
    if len(raw) <= KEY_ID_BYTES:
        raise RemoteProtocolError(
            "a signature is too short", expected=f"more than {KEY_ID_BYTES} bytes", got=str(len(raw))
        )
    return NoteSignature(name, raw[:KEY_ID_BYTES], raw[KEY_ID_BYTES:])


def add_signature(note: str, line: str) -> str:
    """`note` with one more signature line; an earlier one by the same key is replaced. Verifies nothing."""
    parsed = parse_note(note)
    added = parse_line(line)
    others = tuple(known for known in parsed.signatures if (known.name, known.key_id) != (added.name, added.key_id))
    longer = SignedNote(parsed.text, (*others, added)).to_note()
    if len(longer.encode("utf-8")) > limits.NOTE_MAX_BYTES:
        raise LocalProtocolError("the note has too many signatures", expected=f"at most {limits.NOTE_MAX_BYTES} bytes")
    return longer


def is_key_name(name: str) -> bool:
    """Not empty, no Unicode spaces, no plus (c2sp.org/signed-note), and nothing that cannot be printed."""
    return bool(name) and name.isprintable() and not any(c.isspace() or c == "+" for c in name)


def key_id(name: str, key_type: int, public_key: bytes) -> bytes:
    material = name.encode("utf-8") + b"\n" + bytes([key_type]) + public_key
    return hashlib.sha256(material).digest()[:KEY_ID_BYTES]
