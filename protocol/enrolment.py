"""Enrolment: how a device meets its organisation once, with the server between them knowing nothing useful.

    organisation                          customer                                server
    enrol-token ── printed token ───────► agent pins the root
                  (statement + secret)    makes its keys
                                          ── keys, HMAC(secret, keys ‖ root ‖ customer) ──► keeps the request
    approve: checks the HMAC ◄──────────────────────────────────────────────────────────────┘
             signs the device certificate ──────────────────────────────────────────────────► hands it over

The 32-byte secret is in the printed token and with the organisation, never with the server: a server that swaps the
keys cannot make the HMAC.

Printed form: `bellpull1.` + base64url without padding of the JSON of `EnrolmentTicket`.
"""

import base64
import binascii
import hashlib
import hmac
from typing import Annotated, ClassVar, Final

from pydantic import Field

from protocol import strict_json
from protocol.certificates import Chain, CustomerName
from protocol.errors import RemoteProtocolError
from protocol.fields import (
    Bytes32,
    Count,
    DeviceId,
    Hash,
    Origin,
    PersonName,
    PublicKey,
    Serial,
    UnixSeconds,
    device_id,
)
from protocol.limits import NONCE_BYTES
from protocol.statements import Statement, StatementName, VerifyKey, parse_payload
from protocol.strict_json import WireModel
from protocol.trust import Trust

TOKEN_PREFIX: Final = "bellpull1."  # noqa: S105 - a prefix, not a secret
_TOKEN_MAX_CHARS: Final = 16_384

LogName = Annotated[str, Field(pattern=r"^[a-z0-9.\-/:]{1,120}$")]


class EnrolmentToken(Statement):
    """Signed by a certifying issuer; used once, within 24 h. Carries floors so that a fresh device has them too."""

    statement_name: ClassVar[StatementName] = StatementName.ENROLMENT_TOKEN

    token_id: Serial
    root: Hash
    root_key: PublicKey
    organisation: PersonName
    customer: CustomerName
    server_origin: Origin
    log_name: LogName
    log_key: PublicKey
    floors: Annotated[dict[Annotated[str, Field(max_length=64)], Annotated[int, Field(ge=1)]], Field(max_length=32)]
    rotations: Count = 0  # of the root before this token: the next one a device follows bears the number after it
    issued_at: UnixSeconds
    not_after: UnixSeconds


class EnrolmentTicket(WireModel):
    """What is printed: the signed token with its issuer, and the secret."""

    chain: Chain
    secret: Bytes32


class DeviceKeys(WireModel):
    """The three public keys a device makes for itself."""

    signing: PublicKey
    noise: PublicKey
    witness: PublicKey

    @property
    def device(self) -> str:
        return device_id(self.signing)


class EnrolmentRequest(WireModel):
    """What the agent sends to the server, and the organisation fetches. `label`: the name the owner gave it.

    `replaces`: the device this machine was before its keys were made anew. The proof covers it.
    """

    token: Chain
    keys: DeviceKeys
    label: Annotated[str, Field(max_length=80)]
    proof: Bytes32
    requested_at: UnixSeconds
    replaces: DeviceId | None = None


class DeviceLogin(Statement):
    """Over the server's nonce and the configured origin, so that no other server can use it."""

    statement_name: ClassVar[StatementName] = StatementName.DEVICE_LOGIN

    device: DeviceId
    root: Hash
    origin: Origin
    nonce: Bytes32
    issued_at: UnixSeconds


class TechnicianLogin(Statement):
    statement_name: ClassVar[StatementName] = StatementName.TECHNICIAN_LOGIN

    serial: Serial
    root: Hash
    origin: Origin
    nonce: Bytes32
    issued_at: UnixSeconds


class OrganisationLogin(Statement):
    """A certifying issuer signs in to publish documents and to fetch enrolment requests."""

    statement_name: ClassVar[StatementName] = StatementName.ORGANISATION_LOGIN

    root: Hash
    origin: Origin
    nonce: Bytes32
    issued_at: UnixSeconds


def print_token(ticket: EnrolmentTicket) -> str:
    return TOKEN_PREFIX + base64.urlsafe_b64encode(strict_json.dump(ticket)).decode("ascii").rstrip("=")


def read_token(text: str, now: int) -> tuple[EnrolmentToken, EnrolmentTicket]:
    """Parse a printed token and prove it under the root it names. That root is what the caller pins.

    The token is the organisation's word, handed over outside the server. Raises RemoteProtocolError.
    """
    hint = "Copy the whole token, from bellpull1. to its end, as the support organisation printed it."
    stripped = "".join(text.split())
    if not stripped.startswith(TOKEN_PREFIX) or len(stripped) > _TOKEN_MAX_CHARS:
        raise RemoteProtocolError(
            "this is not an enrolment token",
            expected=f"a text that starts with {TOKEN_PREFIX}",
            got=stripped[:16],
            hint=hint,
        )
    body = stripped.removeprefix(TOKEN_PREFIX)
    try:
        data = base64.b64decode(body + "=" * (-len(body) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        raise RemoteProtocolError(
            "the enrolment token is damaged", expected="base64url", got="other characters", hint=hint
        ) from None
    ticket = strict_json.parse(data, EnrolmentTicket, what="enrolment token")
    claimed = parse_payload(ticket.chain.leaf, EnrolmentToken)
    trust = Trust(root=VerifyKey(claimed.root_key))
    token, _ = trust.signed_by_issuer(ticket.chain, EnrolmentToken, now)
    check_token(token.body, trust, now)
    return token.body, ticket


def check_token(token: EnrolmentToken, trust: Trust, now: int) -> None:
    if token.root != trust.root_hash:
        raise RemoteProtocolError(
            "the enrolment token names another root", expected="its own root key's hash", got="another"
        )
    if now > token.not_after:
        raise RemoteProtocolError(
            "the enrolment token has expired",
            expected=f"one used before {token.not_after}",
            got=f"the time {now}",
            hint="Ask the support organisation for a new one: bellpull org enrol-token --customer NAME",
        )


def enrolment_proof(
    secret: bytes, keys: DeviceKeys, root: bytes, customer: str, *, replaces: str | None = None
) -> bytes:
    """HMAC-SHA256(secret, label ‖ signing ‖ noise ‖ witness ‖ root hash ‖ customer [‖ 0 ‖ replaced device]): 32 bytes.

    A customer's name holds no zero byte, so the two forms never meet.
    """
    message = b"bellpull enrolment v1\0" + keys.signing + keys.noise + keys.witness + root + customer.encode()
    if replaces is not None:
        message += b"\0" + replaces.encode()
    return hmac.new(secret, message, hashlib.sha256).digest()


def proof_holds(
    proof: bytes, secret: bytes, keys: DeviceKeys, root: bytes, customer: str, *, replaces: str | None = None
) -> bool:
    return hmac.compare_digest(proof, enrolment_proof(secret, keys, root, customer, replaces=replaces))


def check_login(
    login: DeviceLogin | TechnicianLogin | OrganisationLogin, *, root: bytes, origin: str, nonce: bytes
) -> None:
    """The login answers this server's own nonce, for this origin and root. Its signature is checked before."""
    if len(nonce) != NONCE_BYTES or not hmac.compare_digest(login.nonce, nonce):
        raise RemoteProtocolError(
            "this login answers another challenge", expected="this connection's nonce", got="another"
        )
    if login.origin != origin:
        raise RemoteProtocolError(
            "this login is meant for another server",
            expected=origin,
            got=login.origin,
            hint="Give the agent and the server the same address (bellpull-server run --origin).",
        )
    if login.root != root:
        raise RemoteProtocolError(
            "this login belongs to another organisation", expected=root.hex()[:16], got=login.root.hex()[:16]
        )
