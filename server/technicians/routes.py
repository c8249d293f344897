"""A technician's sign-in, and what a technician's program verifies by itself: documents and checkpoints."""

from typing import Annotated

from fastapi import APIRouter, Query, Request

from protocol.audit import AuditWord
from protocol.certificates import TechnicianCertificate
from protocol.enrolment import TechnicianLogin, check_login
from protocol.errors import RemoteProtocolError
from protocol.messages.api import CheckpointReply, DocumentList, Renewal, RenewalAsk, SignedIn, TechnicianSignIn
from protocol.statements import VerifyKey, parse_payload, verify
from server.asking import OfficeOf, body
from server.openapi import refuses, takes
from server.refusal import Refusal
from server.technicians.store import SignInKind

router = APIRouter()


@router.post("/api/technician/login", responses=refuses(401), **takes(TechnicianSignIn))
async def login(request: Request, office: OfficeOf) -> SignedIn:
    asked = await body(request, TechnicianSignIn)
    trust, now = office.organisation.require_trust(), office.now()
    try:
        certificate = trust.technician(asked.chain, now).body
        statement = verify(asked.statement, TechnicianLogin, VerifyKey(certificate.signing_key)).body
        if statement.serial != certificate.serial:
            raise RemoteProtocolError(
                "this login names another certificate", expected=certificate.serial, got=statement.serial
            )
        nonce = office.challenges.use(statement.nonce)
        check_login(statement, root=trust.root_hash, origin=office.config.origin, nonce=nonce)
    except RemoteProtocolError as error:
        raise Refusal.of(error, 401) from None
    await office.record(AuditWord.SIGN_IN, commitment=await office.audit.commit_to(f"technician {certificate.serial}"))
    await office.technicians.keep(asked.chain, certificate)
    return await office.technicians.sign_in(
        SignInKind.TECHNICIAN, certificate.serial, asked.chain, certificate.not_after
    )


@router.post("/api/technician/renewal", responses=refuses(401), **takes(RenewalAsk))
async def renewal(request: Request, office: OfficeOf) -> Renewal:
    """The newest certificate for the key that signs this, also when the one it names is over or of a root left since.

    Nobody else hears of it: the login is signed over our nonce by the key of a certificate we have verified before.
    """
    asked = await body(request, RenewalAsk)
    trust = office.organisation.require_trust()
    try:
        claimed = parse_payload(asked.statement, TechnicianLogin)
        known = await office.technicians.chain_of(claimed.serial)
        if known is None:
            raise RemoteProtocolError("this certificate was never shown here", got=claimed.serial)
        holder = parse_payload(known.leaf, TechnicianCertificate)
        statement = verify(asked.statement, TechnicianLogin, VerifyKey(holder.signing_key)).body
        nonce = office.challenges.use(statement.nonce)
        root = statement.root if office.organisation.was_root(statement.root) else trust.root_hash
        check_login(statement, root=root, origin=office.config.origin, nonce=nonce)
    except RemoteProtocolError as error:
        raise Refusal.of(error, 401) from None
    chain = await office.technicians.newest_of(holder.signing_key, holder.name, trust)
    issuers = next((document for document in trust.documents.values() if document.issuer is None), None)
    return Renewal(chain=chain, rotations=office.organisation.rotations, issuers=issuers)


@router.get("/api/documents")
async def documents(office: OfficeOf) -> DocumentList:
    trust = office.organisation.require_trust()
    return DocumentList(documents=tuple(trust.documents.values()), rotations=office.organisation.rotations)


@router.get("/api/checkpoint")
async def checkpoint(office: OfficeOf, size: Annotated[int, Query(ge=0, le=1 << 53)] = 0) -> CheckpointReply:
    audit = office.audit
    return CheckpointReply(note=audit.note, from_size=size, consistency=audit.consistency(size))
