"""Field types shared by everything that crosses the wire: bytes as base64, times, ids, bounded texts.

Binary values travel as standard base64 with padding, in its one canonical spelling. Times are whole seconds
since 1970-01-01 UTC. Hashes are SHA-256, 32 bytes.
"""

import base64
import binascii
import hashlib
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator, Field, PlainSerializer, WithJsonSchema


def encode_base64(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii")


def decode_base64(text: str) -> bytes:
    """Standard base64 with padding; any other spelling of the same bytes raises ValueError."""
    try:
        data = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise ValueError("not standard base64 with padding") from None
    if encode_base64(data) != text:
        raise ValueError("not the canonical base64 of its bytes")
    return data


def _bytes_from_wire(value: object) -> object:
    return decode_base64(value) if isinstance(value, str) else value


def _exactly_32(value: bytes) -> bytes:
    if len(value) != 32:
        raise ValueError(f"expected 32 bytes, got {len(value)}")
    return value


def _printable(value: str) -> str:
    # A name is shown where a person decides: no control characters, no bidi overrides, no invisible ones.
    if not value.isprintable():
        raise ValueError("a name holds printable characters only")
    return value


def _no_nul(value: str) -> str:
    # No person types it, and text columns of databases cannot hold it.
    if "\0" in value:
        raise ValueError("a NUL character is not allowed in words")
    return value


Base64 = Annotated[
    bytes,
    BeforeValidator(_bytes_from_wire),
    PlainSerializer(encode_base64, return_type=str, when_used="json"),
    WithJsonSchema({"type": "string", "contentEncoding": "base64"}),
]
Bytes32 = Annotated[Base64, AfterValidator(_exactly_32)]
Hash = Bytes32
PublicKey = Bytes32

UnixSeconds = Annotated[int, Field(ge=0, le=1 << 40)]
Count = Annotated[int, Field(ge=0, le=1 << 53)]
Version = Annotated[int, Field(ge=1, le=1 << 53)]
DeviceId = Annotated[str, Field(pattern=r"^d-[a-z2-7]{26}$")]
Uuid = Annotated[str, Field(pattern=r"^[0-9a-f]{8}-[0-9a-f]{4}-[1-8][0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$")]
RoomId = Annotated[str, Field(pattern=r"^[a-z2-7]{26}$")]
Serial = Annotated[str, Field(pattern=r"^[0-9a-f]{32}$")]
CaseId = Annotated[str, Field(pattern=r"^c-[a-z2-7]{16}$")]
Kebab = Annotated[str, Field(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$", max_length=64)]
DottedName = Annotated[str, Field(pattern=r"^[a-z0-9_]+([.-][a-z0-9_]+)*$", max_length=96)]
PersonName = Annotated[str, Field(min_length=1, max_length=120), AfterValidator(_printable)]
#: What people write to each other: any characters, lines and all; bound its length where it is used.
Words = Annotated[str, AfterValidator(_no_nul)]
Origin = Annotated[str, Field(pattern=r"^https?://[A-Za-z0-9.\-\[\]:]+$", max_length=255)]
AgeRecipient = Annotated[str, Field(pattern=r"^age1[02-9ac-hj-np-z]{58}$")]


def sha256(*parts: bytes) -> bytes:
    digest = hashlib.sha256()
    for part in parts:
        digest.update(part)
    return digest.digest()


def base32_id(data: bytes, length: int) -> str:
    """The first `length` characters (5 bits each) of the lower-case base32 of `data`."""
    return base64.b32encode(data).decode("ascii").lower()[:length]


def device_id(signing_key: bytes) -> str:
    """The id of the device whose Ed25519 signing key is `signing_key`: 130 bits of its hash."""
    return "d-" + base32_id(sha256(b"bellpull device v1\0", signing_key), 26)


def root_hash(root_key: bytes) -> bytes:
    """What a device pins: SHA-256 of the organisation root's public key."""
    return sha256(b"bellpull root v1\0", root_key)
