"""The organisation's way in: pin once, sign in, approve, publish. And what anybody may know of this server."""

from fastapi import APIRouter, Request

from protocol.audit import AuditWord
from protocol.certificates import Document, TechnicianCertificate
from protocol.enrolment import check_login
from protocol.errors import RemoteProtocolError
from protocol.messages.api import (
    Accepted,
    CertificatePush,
    CertificateTaken,
    ChallengeReply,
    DeviceList,
    DocumentsPush,
    DocumentVersions,
    EnrolmentList,
    EnrolmentRefusal,
    EnrolmentState,
    OrganisationSignIn,
    PinRequest,
    ServerFacts,
    SignedIn,
    TrialList,
)
from protocol.messages.login import Certified
from server import VERSION
from server.asking import OfficeOf, body
from server.devices.routes import device_list
from server.openapi import refuses, takes
from server.organisation.rules import organisation_login
from server.refusal import Refusal
from server.technicians.store import SignInKind

router = APIRouter()


@router.get("/api/server")
async def server_facts(office: OfficeOf) -> ServerFacts:
    trust = office.organisation.trust
    verifier = office.audit.key.verifier
    return ServerFacts(
        origin=office.config.origin,
        log_name=verifier.name,
        log_key=verifier.public_key,
        root_key=None if trust is None else trust.root.public,
        organisation=office.organisation.name,
        version=VERSION,
    )


@router.get("/api/challenge")
async def challenge(office: OfficeOf) -> ChallengeReply:
    return ChallengeReply(nonce=office.challenges.new())


@router.post("/api/organisation/pin", responses=refuses(401, 403, 409, 422), **takes(PinRequest))
async def pin(request: Request, office: OfficeOf) -> ServerFacts:
    await office.organisation.pin(await body(request, PinRequest))
    return await server_facts(office)


@router.post("/api/organisation/login", responses=refuses(401), **takes(OrganisationSignIn))
async def login(request: Request, office: OfficeOf) -> SignedIn:
    asked = await body(request, OrganisationSignIn)
    trust, now = office.organisation.require_trust(), office.now()
    try:
        issuer, statement = organisation_login(trust, asked.issuer, asked.statement, now)
        nonce = office.challenges.use(statement.nonce)
        check_login(statement, root=trust.root_hash, origin=office.config.origin, nonce=nonce)
    except RemoteProtocolError as error:
        raise Refusal.of(error, 401) from None
    await office.record(
        AuditWord.SIGN_IN, commitment=await office.audit.commit_to(f"issuer {issuer.serial}"), author="server"
    )
    return await office.technicians.sign_in(SignInKind.ORGANISATION, issuer.serial, asked.issuer, issuer.not_after)


@router.get("/api/organisation/enrolments")
async def enrolments(office: OfficeOf, state: EnrolmentState | None = None) -> EnrolmentList:
    return EnrolmentList(enrolments=await office.devices.enrolments(state))


@router.get("/api/organisation/devices")
async def devices(office: OfficeOf) -> DeviceList:
    """Every device, with what it said it trusts: for the organisation's own check of its keys."""
    return await device_list(office, await office.devices.visible(None))


@router.get("/api/organisation/trials")
async def trials(office: OfficeOf) -> TrialList:
    """What devices counted of the known issues that are on trial: numbers, of no device by name."""
    return TrialList(trials=await office.findings.trials())


@router.post("/api/organisation/refusals", responses=refuses(404, 409), **takes(EnrolmentRefusal))
async def refuse_enrolment(request: Request, office: OfficeOf) -> Accepted:
    refusal = await body(request, EnrolmentRefusal)
    await office.devices.refuse(refusal.device)
    connection = office.hub.get(refusal.device)
    if connection is not None:
        connection.end("the organisation refused this device", retry_after_s=900)
    return Accepted()


@router.post("/api/organisation/certificates", responses=refuses(404, 409), **takes(CertificatePush))
async def certify(request: Request, office: OfficeOf) -> CertificateTaken:
    """A device's or a technician's certificate, proven under the pinned root before anything is kept."""
    chain = (await body(request, CertificatePush)).chain
    trust, now = office.organisation.require_trust(), office.now()
    if chain.leaf.payloadType == TechnicianCertificate.statement_name.payload_type:
        technician = trust.technician(chain, now).body
        await office.technicians.keep(chain, technician)
        return CertificateTaken(serial=technician.serial)
    device = trust.device(chain, now).body
    await office.devices.check_certificate(device)
    await office.record(AuditWord.DEVICE_ENROLLED, device=device.device, subject=chain.leaf.hash)
    await office.devices.certify(chain, device)
    connection = office.hub.get(device.device)
    if connection is not None:
        connection.device = await office.devices.require(device.device)
        connection.push(Certified(certificate=chain))
        office.announcer.announce()
    return CertificateTaken(serial=device.serial)


@router.post("/api/organisation/documents", responses=refuses(409), **takes(DocumentsPush))
async def publish(request: Request, office: OfficeOf) -> DocumentVersions:
    push = await body(request, DocumentsPush)

    async def write_down(documents: tuple[Document, ...]) -> None:
        for statement in (*push.rotations, *(document.statement for document in documents)):
            await office.record(AuditWord.DOCUMENT_PUBLISHED, subject=statement.hash)

    new = await office.organisation.publish(push, write_down)
    await office.documents_published(new, push.rotations)
    return DocumentVersions(versions=office.organisation.versions)
