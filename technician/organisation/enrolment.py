"""Letting devices in: printing tokens, and approving the requests that came of them.

    enrol-token ── printed token ──► customer's agent ──► server keeps the request
    approve ◄─────────────────────────────────────────────┘  the server is not believed:
        the token in it must be one of ours, unused, and the HMAC over the device's keys must be made with its secret

What is refused is said with the reason and stays refused; a server that swaps keys, customers or tokens gets nothing.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from protocol.certificates import Chain, DeviceCertificate, IssuerRole
from protocol.enrolment import EnrolmentRequest, EnrolmentTicket, EnrolmentToken, print_token, proof_holds
from protocol.errors import RemoteProtocolError
from protocol.fields import root_hash
from protocol.limits import ENROLMENT_TOKEN_S
from protocol.messages.api import EnrolmentRow
from protocol.statements import SigningKey, VerifyKey, parse_payload
from protocol.trust import Trust
from technician.organisation.certify import certify_device
from technician.organisation.issuers import Identity, new_serial
from technician.organisation.records import Records, TokenRecord
from technician.organisation.server_pin import PinnedServer
from technician.problems import Problem

#: token id → its 32-byte secret; asks for the passphrase at the first call.
SecretOf = Callable[[str], bytes]

#: A device that enrolled within the token's 24 h may wait this long for somebody to approve it.
APPROVAL_WAIT_S: Final = 7 * 86_400


@dataclass(frozen=True)
class Approval:
    """What became of one request. `chain` is there when it was approved; else `refusal` says why not.

    `replaced`: the devices that this machine was before, as it says itself (proven with the token's secret) or as its
    customer and label suggest. The first is retired with this approval; the second is only said.
    """

    device: str
    label: str
    customer: str
    chain: Chain | None
    refusal: str = ""
    replaced: tuple["Predecessor", ...] = ()


@dataclass(frozen=True)
class Predecessor:
    """`last_seen`: the server's word. `said`: the machine named it itself; only then its certificates end."""

    device: str
    last_seen: int | None
    said: bool


def make_token(
    customer: str,
    *,
    identity: Identity,
    certifying: SigningKey,
    records: Records,
    server: PinnedServer,
    secret_of: SecretOf,
    now: int,
) -> tuple[str, EnrolmentToken]:
    """The printed token and what it says. The secret inside it never goes to the server."""
    token = EnrolmentToken(
        token_id=new_serial(),
        root=identity.root_hash,
        root_key=identity.root_key,
        organisation=identity.name,
        customer=customer,
        server_origin=server.origin,
        log_name=server.log_name,
        log_key=server.log_key,
        floors=records.floors(),
        rotations=len(identity.left),
        issued_at=now,
        not_after=now + ENROLMENT_TOKEN_S,
    )
    records.keep_token(TokenRecord(token.token_id, customer, now, token.not_after, None))
    chain = Chain(issuer=identity.issuers[IssuerRole.CERTIFYING], leaf=certifying.sign(token))
    return print_token(EnrolmentTicket(chain=chain, secret=secret_of(token.token_id))), token


def judge_request(
    request: EnrolmentRequest,
    *,
    identity: Identity,
    records: Records,
    secret_of: SecretOf,
    now: int,
) -> EnrolmentToken:
    """The token of a request that deserves a certificate; RemoteProtocolError or Problem says why not."""
    token = _token_of(request, identity, now)
    known = records.token(token.token_id)
    if known is None or known.customer != token.customer:
        raise Problem("this token is not in our books", expected="one made here", got=token.token_id)
    if now > token.not_after + APPROVAL_WAIT_S:
        raise Problem("this token ended too long ago", expected="a new enrolment", got=f"ended at {token.not_after}")
    if known.device not in (None, request.keys.device):
        raise Problem("this token was used by another device", expected=str(known.device), got=request.keys.device)
    secret = secret_of(token.token_id)
    if not proof_holds(request.proof, secret, request.keys, token.root, token.customer, replaces=request.replaces):
        raise Problem(
            "the proof does not hold: these are not the keys of the machine that had the token",
            expected="an HMAC with the token's secret",
            got="another",
            hint="Somebody between changed the keys. Do not approve; enrol again with a new token.",
        )
    return token


def _token_of(request: EnrolmentRequest, identity: Identity, now: int) -> EnrolmentToken:
    """The token in the request, under the root of now or one that was left while the device waited for approval."""
    named = parse_payload(request.token.leaf, EnrolmentToken)
    for left in identity.left:
        if root_hash(left.root_key) == named.root:
            trust = Trust(root=VerifyKey(left.root_key))
            return trust.signed_by_issuer(request.token, EnrolmentToken, named.issued_at)[0].body
    return identity.trust.signed_by_issuer(request.token, EnrolmentToken, now)[0].body


def predecessors(
    request: EnrolmentRequest, customer: str, others: Sequence[EnrolmentRow], records: Records
) -> tuple[Predecessor, ...]:
    """Which certified devices of this customer the machine was before: the one it names, and any with its label."""
    known = {
        record.subject: parse_payload(record.chain.leaf, DeviceCertificate).customer
        for record in records.certificates("device")
        if record.revoked_at is None
    }
    seen = {row.request.keys.device: row for row in others}
    found = []
    for device, owner in known.items():
        row = seen.get(device)
        said = request.replaces == device
        alike = bool(request.label) and row is not None and row.request.label == request.label
        if owner == customer and device != request.keys.device and (said or alike):
            found.append(Predecessor(device, row.last_seen if row else None, said))
    return tuple(found)


def approve(
    request: EnrolmentRequest,
    *,
    identity: Identity,
    certifying: SigningKey,
    records: Records,
    secret_of: SecretOf,
    now: int,
    others: Sequence[EnrolmentRow] = (),
) -> Approval:
    """Judge a request, bind its token to the device, and certify the device. Never raises for a bad request.

    The device that the machine was before is retired: its certificates are revoked, with the next publishing for all.
    """
    device = request.keys.device
    try:
        token = judge_request(request, identity=identity, records=records, secret_of=secret_of, now=now)
    except (RemoteProtocolError, Problem) as error:
        return Approval(device, request.label, "", None, str(error))
    if not records.use_token(token.token_id, device):
        return Approval(device, request.label, token.customer, None, "this token was used by another device")
    for record in records.certificates("device"):
        if record.subject == device and record.revoked_at is None and record.not_after > now:
            return Approval(device, request.label, token.customer, record.chain)
    replaced = predecessors(request, token.customer, others, records)
    chain = certify_device(
        request.keys, token.customer, identity=identity, certifying=certifying, records=records, now=now
    )
    retired = {each.device for each in replaced if each.said}
    for record in records.certificates("device"):
        if record.subject in retired:
            records.revoke(record.serial, f"the machine enrolled anew as {device}", now)
    return Approval(device, request.label, token.customer, chain, replaced=replaced)
