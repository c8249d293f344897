"""One genuine statement of every type, with who signs it: what a forger has to work with."""

from functools import cache

from protocol.actions.scopes import Scope
from protocol.certificates import DeviceCertificate, IssuerCertificate, RootRotation
from protocol.enrolment import DeviceLogin, EnrolmentToken, OrganisationLogin, TechnicianLogin
from protocol.grants import ChangeKind, GrantChange, SessionClose
from protocol.owner import UnattendedPolicy, VendorWatch
from protocol.statements import (
    Envelope,
    SigningKey,
    Statement,
    StatementName,
    Verified,
    parse_payload,
    verify,
    verify_both,
)
from protocol.tickets import BundleSignature, MessageStatement, NoteStatement, TicketOrigin, TicketStatement
from protocol.trust import PUBLISHED
from tests.hostile.papers import KINDS, paper
from tests.making import DAY, NOW, Organisation, seed, serial, signing_key
from tests.protocol.visits import DEVICE, DEVICE_ID, ORG, TECHNICIAN, TICKET, Visit, request_body

OWNER = signing_key("owner of the laptop")
NEXT_ROOT = signing_key("the next root")
ORIGIN = "https://help.example"


@cache
def genuine() -> dict[StatementName, tuple[Statement, SigningKey]]:
    """Body and signer by type. A root rotation has a second signature: `NEXT_ROOT`'s."""
    visit = Visit()
    bodies: list[tuple[Statement, SigningKey]] = [
        (parse_payload(ORG.issuer(), IssuerCertificate), ORG.root),
        (ORG.technician_body(), ORG.certifying),
        (parse_payload(ORG.device().leaf, DeviceCertificate), ORG.certifying),
        (
            RootRotation(
                old_root=ORG.root_hash, new_root=Organisation("next").root_hash, new_root_key=NEXT_ROOT.public,
                sequence=1, issued_at=NOW,
            ),
            ORG.root,
        ),
        *_published(),
        (
            EnrolmentToken(
                token_id=serial("token"), root=ORG.root_hash, root_key=ORG.root.public, organisation=ORG.name,
                customer="Acme", server_origin=ORIGIN, log_name="help.example/log", log_key=seed("log"),
                floors={"revocations-leaves": 3}, issued_at=NOW, not_after=NOW + DAY,
            ),
            ORG.certifying,
        ),
        (
            OrganisationLogin(root=ORG.root_hash, origin=ORIGIN, nonce=seed("nonce"), issued_at=NOW),
            ORG.certifying,
        ),
        (
            DeviceLogin(device=DEVICE_ID, root=ORG.root_hash, origin=ORIGIN, nonce=seed("nonce"), issued_at=NOW),
            DEVICE,
        ),
        (
            TechnicianLogin(
                serial=serial("t"), root=ORG.root_hash, origin=ORIGIN, nonce=seed("nonce"), issued_at=NOW
            ),
            TECHNICIAN,
        ),
        (
            TicketStatement(
                ticket=TICKET, case="c-" + "a" * 16, device=DEVICE_ID, root=ORG.root_hash,
                origin=TicketOrigin.CUSTOMER, opened_at=NOW, finding=None, instance=None, severity=None,
                words="My disk is full", evidence=(),
            ),
            DEVICE,
        ),
        (
            MessageStatement(
                root=ORG.root_hash, device=DEVICE_ID, ticket=TICKET, serial=serial("t"), sequence=1,
                text="We are on it", issued_at=NOW,
            ),
            TECHNICIAN,
        ),
        (
            NoteStatement(root=ORG.root_hash, ticket=TICKET, serial=serial("t"), text="Replaced", issued_at=NOW),
            TECHNICIAN,
        ),
        (request_body(), TECHNICIAN),
        (visit.grant.body, DEVICE),
        (
            GrantChange(
                device=DEVICE_ID, grant=visit.grant.hash, number=1, kind=ChangeKind.NARROWED,
                scopes=(Scope.DIAGNOSE,), changed_at=NOW,
            ),
            DEVICE,
        ),
        (visit.actions[0].body, TECHNICIAN),
        (parse_payload(visit.close(), SessionClose), TECHNICIAN),
        (visit.receipt(), DEVICE),
        (
            BundleSignature(
                device=DEVICE_ID, root=ORG.root_hash, bundle=TICKET, files_root=seed("files"), made_at=NOW
            ),
            DEVICE,
        ),
        (
            UnattendedPolicy(
                device=DEVICE_ID, root=ORG.root_hash, version=1, issued_at=NOW, not_after=NOW + DAY,
                serials=(serial("t"),), minimum_tier=None, scopes=(Scope.DIAGNOSE,), minutes=15,
                from_minute_utc=60, to_minute_utc=120,
            ),
            OWNER,
        ),
        (
            VendorWatch(
                device=DEVICE_ID, version=1, issued_at=NOW, application="billing", title="Billing",
                log_files=("/var/log/billing.log",), config_files=(), services=("billing",), processes=(),
            ),
            OWNER,
        ),
    ]  # fmt: skip
    return {body.statement_name: (body, signer) for body, signer in bodies}


def _published() -> list[tuple[Statement, SigningKey]]:
    found: list[tuple[Statement, SigningKey]] = []
    for name, model in PUBLISHED.items():
        kind = next(kind for kind in KINDS if kind.startswith(name))
        signer = ORG.certifying if name is StatementName.REVOCATIONS else ORG.content
        found.append((parse_payload(paper(ORG, kind, 1).statement, model), signer))
    return found


def as_signed(name: StatementName) -> Envelope:
    body, signer = genuine()[name]
    envelope = signer.sign(body)
    return NEXT_ROOT.add_signature(envelope) if name is StatementName.ROOT_ROTATION else envelope


def checked(envelope: Envelope, name: StatementName) -> Verified[Statement]:
    """As its readers check it: by the key that may say it."""
    body, signer = genuine()[name]
    if name is StatementName.ROOT_ROTATION:
        return verify_both(envelope, type(body), (signer.verify_key, NEXT_ROOT.verify_key))
    return verify(envelope, type(body), signer.verify_key)
