"""Statements: the only things a Bellpull key ever signs.

A statement is a DSSE v1 envelope. The signature covers the pre-authentication encoding

    "DSSEv1" SP len(payloadType) SP payloadType SP len(payload) SP payload

where payloadType is `application/vnd.bellpull.<name>.v1+json` and payload is exact UTF-8 JSON bytes: verified
first, parsed after, never re-encoded. The verifier names the type it expects, so a grant offered as a receipt is
refused before its payload is looked at. There is no function here that signs bytes: a `SigningKey` signs a
`Statement` or nothing, so a nonce chosen by a server can never be made to look like one.

Which key may sign what stands in certificates.py; whether a statement still counts (floors) in trust.py.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, ClassVar, Generic, Self, TypeVar

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from pydantic import Field

from protocol import strict_json
from protocol.errors import LocalProtocolError, RemoteProtocolError
from protocol.fields import Base64, sha256
from protocol.limits import PACK_STATEMENT_MAX_BYTES, STATEMENT_MAX_BYTES
from protocol.strict_json import WireModel


class StatementName(StrEnum):
    ISSUER_CERTIFICATE = "issuer-certificate"
    TECHNICIAN_CERTIFICATE = "technician-certificate"
    DEVICE_CERTIFICATE = "device-certificate"
    ROOT_ROTATION = "root-rotation"
    REVOCATIONS = "revocations"
    ORGANISATION_POLICY = "organisation-policy"
    BUNDLE_RECIPIENTS = "bundle-recipients"
    KNOWN_ISSUE_PACK = "known-issue-pack"
    ENROLMENT_TOKEN = "enrolment-token"  # noqa: S105 - a statement's name
    ORGANISATION_LOGIN = "organisation-login"
    DEVICE_LOGIN = "device-login"
    TECHNICIAN_LOGIN = "technician-login"
    TICKET = "ticket"
    MESSAGE = "message"
    NOTE = "note"
    SESSION_REQUEST = "session-request"
    GRANT = "grant"
    GRANT_CHANGE = "grant-change"
    ACTION = "action"
    SESSION_CLOSE = "session-close"
    RECEIPT = "receipt"
    BUNDLE_SIGNATURE = "bundle-signature"
    UNATTENDED_POLICY = "unattended-policy"
    VENDOR_WATCH = "vendor-watch"

    @property
    def payload_type(self) -> str:
        return f"application/vnd.bellpull.{self.value}.v1+json"


class Statement(WireModel):
    """The body of a statement. Each subclass names its type; the name is signed with the bytes."""

    statement_name: ClassVar[StatementName]
    max_bytes: ClassVar[int] = STATEMENT_MAX_BYTES

    def payload(self) -> bytes:
        return strict_json.dump(self)


S = TypeVar("S", bound=Statement)


class Signature(WireModel):
    keyid: Annotated[str, Field(pattern=r"^[0-9a-f]{32}$")]
    sig: Base64


class Envelope(WireModel):
    """A signed statement as it travels: `{"payloadType":…,"payload":base64,"signatures":[{"keyid","sig"}]}`."""

    payloadType: Annotated[str, Field(pattern=r"^application/vnd\.bellpull\.[a-z-]{3,40}\.v1\+json$")]  # noqa: N815
    payload: Base64
    signatures: Annotated[tuple[Signature, ...], Field(min_length=1, max_length=2)]

    @classmethod
    def parse(cls, data: bytes) -> Self:
        """Parse an envelope from outside. Says nothing about its signature: see `verify`."""
        return strict_json.parse(data, cls, what="statement", max_bytes=2 * PACK_STATEMENT_MAX_BYTES)

    def to_bytes(self) -> bytes:
        return strict_json.dump(self)

    @property
    def signed_bytes(self) -> bytes:
        return pre_authentication_encoding(self.payloadType, self.payload)

    @property
    def hash(self) -> bytes:
        """SHA-256 of the signed bytes (signatures excluded): how other statements name this one."""
        return sha256(self.signed_bytes)


@dataclass(frozen=True)
class Verified(Generic[S]):
    """A statement whose signature was checked against `key_id`, with the hash others refer to it by."""

    body: S
    hash: bytes
    key_id: str
    envelope: Envelope


class VerifyKey:
    """An Ed25519 public key, 32 bytes."""

    def __init__(self, public: bytes) -> None:
        if len(public) != 32:
            raise RemoteProtocolError("wrong key", expected="32 bytes (Ed25519)", got=f"{len(public)} bytes")
        self.public = public

    @property
    def key_id(self) -> str:
        """The first 16 bytes of the key's hash, in hex: a hint for people and look-ups, never trusted."""
        return sha256(b"bellpull key v1\0", self.public).hex()[:32]

    @property
    def fingerprint(self) -> str:
        """The key's whole hash for people to compare: 16 groups of 4 hex digits."""
        digits = sha256(b"bellpull key v1\0", self.public).hex()
        return " ".join(digits[at : at + 4] for at in range(0, 64, 4))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, VerifyKey) and other.public == self.public

    def __hash__(self) -> int:
        return hash(self.public)

    def accepts(self, signature: bytes, message: bytes) -> bool:
        try:
            Ed25519PublicKey.from_public_bytes(self.public).verify(signature, message)
        except (InvalidSignature, ValueError):
            return False
        return True


class SigningKey:
    """An Ed25519 private key that signs statements and nothing else. `seed`: 32 random bytes of the caller's."""

    def __init__(self, seed: bytes) -> None:
        if len(seed) != 32:
            raise LocalProtocolError("wrong key", expected="a seed of 32 bytes", got=f"{len(seed)} bytes")
        self.__private = Ed25519PrivateKey.from_private_bytes(seed)
        self.verify_key = VerifyKey(self.__private.public_key().public_bytes_raw())

    @property
    def public(self) -> bytes:
        return self.verify_key.public

    def seed(self) -> bytes:
        """The private key itself, for writing to a key file. Never log, never send."""
        return self.__private.private_bytes_raw()

    def sign(self, body: Statement) -> Envelope:
        """Sign `body`; the payload's size is checked against its type's limit."""
        payload = body.payload()
        if len(payload) > body.max_bytes:
            raise LocalProtocolError(
                f"{body.statement_name} is too large",
                expected=f"at most {body.max_bytes} bytes",
                got=f"{len(payload)} bytes",
            )
        payload_type = body.statement_name.payload_type
        return Envelope(
            payloadType=payload_type,
            payload=payload,
            signatures=(self.__signature(payload_type, payload),),
        )

    def add_signature(self, envelope: Envelope) -> Envelope:
        """Add a second signature to a one-signature root rotation: the only type that carries two."""
        if envelope.payloadType != StatementName.ROOT_ROTATION.payload_type or len(envelope.signatures) != 1:
            raise LocalProtocolError("only a root rotation with one signature takes a second")
        second = self.__signature(envelope.payloadType, envelope.payload)
        return envelope.model_copy(update={"signatures": (*envelope.signatures, second)})

    def __signature(self, payload_type: str, payload: bytes) -> Signature:
        message = pre_authentication_encoding(payload_type, payload)
        return Signature(keyid=self.verify_key.key_id, sig=self.__private.sign(message))

    def __repr__(self) -> str:
        return f"SigningKey(public {self.verify_key.key_id})"


def pre_authentication_encoding(payload_type: str, payload: bytes) -> bytes:
    """DSSE v1 PAE: https://github.com/secure-systems-lab/dsse/blob/master/protocol.md"""
    kind = payload_type.encode()
    return b"DSSEv1 %d %b %d %b" % (len(kind), kind, len(payload), payload)


def verify(envelope: Envelope, expected: type[S], key: VerifyKey) -> Verified[S]:
    """Check type, size and the one signature, then parse. Raises RemoteProtocolError; nothing is returned half."""
    _check_type(envelope, expected, signatures=1)
    _check_signature(envelope, envelope.signatures[0], key)
    return Verified(parse_payload(envelope, expected), envelope.hash, key.key_id, envelope)


def verify_both(envelope: Envelope, expected: type[S], keys: tuple[VerifyKey, VerifyKey]) -> Verified[S]:
    """As `verify`, for a statement that two different keys must sign, in this order (root rotation)."""
    _check_type(envelope, expected, signatures=2)
    if keys[0] == keys[1]:
        raise RemoteProtocolError("two signatures by one key", expected="two different keys", got="one key twice")
    for signature, key in zip(envelope.signatures, keys, strict=True):
        _check_signature(envelope, signature, key)
    return Verified(parse_payload(envelope, expected), envelope.hash, keys[0].key_id, envelope)


def parse_payload(envelope: Envelope, expected: type[S]) -> S:
    """The body WITHOUT any check of its signature: to find out whom to ask, never to act on."""
    _check_type(envelope, expected, signatures=len(envelope.signatures))
    return strict_json.parse(
        envelope.payload, expected, what=expected.statement_name.value, max_bytes=expected.max_bytes
    )


def _check_type(envelope: Envelope, expected: type[Statement], *, signatures: int) -> None:
    wanted = expected.statement_name.payload_type
    if envelope.payloadType != wanted:
        raise RemoteProtocolError("a statement of the wrong type", expected=wanted, got=envelope.payloadType)
    if len(envelope.signatures) != signatures:
        raise RemoteProtocolError(
            f"{expected.statement_name} with a wrong number of signatures",
            expected=str(signatures),
            got=str(len(envelope.signatures)),
        )


def _check_signature(envelope: Envelope, signature: Signature, key: VerifyKey) -> None:
    if not key.accepts(signature.sig, envelope.signed_bytes):
        raise RemoteProtocolError(
            f"the signature of {envelope.payloadType} does not verify",
            expected=f"a signature by key {key.key_id}",
            got=f"a signature that names key {signature.keyid}",
            hint="The document was changed on its way, or somebody else made it. Nothing of it was used.",
        )
