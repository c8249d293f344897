"""Certificates for people and devices, and taking them back.

    bellpull keys init ── request file ──► certify_technician ── certificate file ──► bellpull keys install
    agent's enrolment request ──► approve (organisation/enrolment.py) ──► certify_device

A leaf's validity lies within its issuer's. A serial is written to the books before the certificate leaves this machine,
so that everything ever signed can be revoked.
"""

from typing import Final

from protocol.actions.scopes import Scope
from protocol.certificates import Chain, DeviceCertificate, IssuerRole, TechnicianCertificate
from protocol.enrolment import DeviceKeys
from protocol.limits import CLOCK_SKEW_S
from protocol.statements import SigningKey
from technician.keys.technician_keys import TechnicianRequest
from technician.organisation.issuers import Identity, new_serial
from technician.organisation.records import CertificateRecord, Records
from technician.problems import Problem

_DAY_S: Final = 86_400
TECHNICIAN_DAYS: Final = 90


def certify_technician(
    request: TechnicianRequest,
    *,
    identity: Identity,
    certifying: SigningKey,
    records: Records,
    name: str,
    tier: int,
    customers: tuple[str, ...],
    scopes: tuple[Scope, ...],
    days: int,
    now: int,
) -> Chain:
    issuer = identity.issuer(IssuerRole.CERTIFYING, now)
    if any(
        record.revoked_at is not None
        and TechnicianCertificate.model_validate_json(record.chain.leaf.payload).signing_key == request.signing_key
        for record in records.certificates("technician")
    ):
        raise Problem(
            "these keys were revoked before",
            expected="fresh keys",
            got="keys of a revoked certificate",
            hint="The technician makes new ones: bellpull keys init --replace",
        )
    certificate = TechnicianCertificate(
        root=identity.root_hash,
        serial=new_serial(),
        organisation=identity.name,
        name=name,
        tier=tier,
        signing_key=request.signing_key,
        noise_key=request.noise_key,
        age_recipient=request.age_recipient,
        customers=customers,
        scopes=scopes,
        not_before=max(issuer.not_before, now - CLOCK_SKEW_S),
        not_after=min(issuer.not_after, now + days * _DAY_S),
    )
    chain = Chain(issuer=identity.issuers[IssuerRole.CERTIFYING], leaf=certifying.sign(certificate))
    identity.trust.technician(chain, now)  # what we hand out must hold under our own root
    _keep(records, certificate, "technician", name, chain, now)
    return chain


def certify_device(
    keys: DeviceKeys, customer: str, *, identity: Identity, certifying: SigningKey, records: Records, now: int
) -> Chain:
    """Until the issuer's own end; a device is taken back by revoking its serial."""
    issuer = identity.issuer(IssuerRole.CERTIFYING, now)
    certificate = DeviceCertificate(
        root=identity.root_hash,
        serial=new_serial(),
        device=keys.device,
        customer=customer,
        signing_key=keys.signing,
        noise_key=keys.noise,
        witness_key=keys.witness,
        not_before=max(issuer.not_before, now - CLOCK_SKEW_S),
        not_after=issuer.not_after,
    )
    chain = Chain(issuer=identity.issuers[IssuerRole.CERTIFYING], leaf=certifying.sign(certificate))
    identity.trust.device(chain, now)
    _keep(records, certificate, "device", keys.device, chain, now)
    return chain


def find_certificate(records: Records, wanted: str) -> CertificateRecord:
    """By serial, or by the name or device id when exactly one certificate in force bears it."""
    live = [record for record in records.certificates() if record.revoked_at is None]
    found = [record for record in live if record.serial == wanted] or [
        record for record in live if record.subject == wanted
    ]
    match found:
        case [record]:
            return record
        case []:
            raise Problem(
                "no certificate in force by this name",
                expected="a serial, a technician's name or a device id",
                got=wanted,
                hint="bellpull org certificates lists them.",
            )
        case _:
            raise Problem(
                "several certificates bear this name",
                expected="one serial",
                got=", ".join(record.serial for record in found),
                hint="Say which one by its serial.",
            )


def _keep(
    records: Records,
    certificate: TechnicianCertificate | DeviceCertificate,
    kind: str,
    subject: str,
    chain: Chain,
    now: int,
) -> None:
    records.keep_certificate(
        CertificateRecord(
            serial=certificate.serial,
            kind="technician" if kind == "technician" else "device",
            subject=subject,
            chain=chain,
            issued_at=now,
            not_after=certificate.not_after,
            revoked_at=None,
            reason="",
        )
    )
