"""Certificates for people and devices, and taking them back.

    bellpull keys init ── request file ──► certify_technician ── certificate file ──► bellpull keys install
    agent's enrolment request ──► approve (organisation/enrolment.py) ──► certify_device
    after a new root or issuer, or for more time ──► recertify: the same words and keys, signed anew

A leaf's validity lies within its issuer's. A serial is written to the books before the certificate leaves this machine,
so that everything ever signed can be revoked.
"""

from typing import Final

from protocol.actions.scopes import Scope
from protocol.certificates import Chain, DeviceCertificate, IssuerRole, TechnicianCertificate
from protocol.enrolment import DeviceKeys
from protocol.errors import RemoteProtocolError
from protocol.limits import CLOCK_SKEW_S
from protocol.statements import SigningKey, parse_payload
from protocol.trust import Trust
from technician.keys.technician_keys import TechnicianRequest
from technician.organisation.issuers import Identity, new_serial
from technician.organisation.records import CertificateRecord, Records
from technician.problems import Problem

_DAY_S: Final = 86_400
TECHNICIAN_DAYS: Final = 90
_HOUR_S: Final = 3600


def validity_s(days: int | None, hours: int | None) -> int:
    """How long a technician's certificate lasts; 90 days when nobody says."""
    if days is not None and hours is not None:
        raise Problem("say --days or --hours, not both", exit_code=2)
    return hours * _HOUR_S if hours is not None else (days or TECHNICIAN_DAYS) * _DAY_S


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
    seconds: int,
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
        not_after=min(issuer.not_after, now + seconds),
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


def recertify(
    record: CertificateRecord,
    *,
    identity: Identity,
    certifying: SigningKey,
    records: Records,
    now: int,
    seconds: int | None = None,
) -> Chain:
    """The same person or device with the same keys, under the issuer of now. `seconds`: a new end for a technician;
    without it the end stays. A device's is its issuer's."""
    issuer = identity.issuer(IssuerRole.CERTIFYING, now)
    changes = {
        "root": identity.root_hash,
        "serial": new_serial(),
        "not_before": max(issuer.not_before, now - CLOCK_SKEW_S),
    }
    if record.kind == "device":
        device = parse_payload(record.chain.leaf, DeviceCertificate)
        renewed = device.model_copy(update={**changes, "not_after": issuer.not_after})
        chain = Chain(issuer=identity.issuers[IssuerRole.CERTIFYING], leaf=certifying.sign(renewed))
        identity.trust.device(chain, now)
        _keep(records, renewed, "device", record.subject, chain, now)
        return chain
    technician = parse_payload(record.chain.leaf, TechnicianCertificate)
    end = technician.not_after if seconds is None else now + seconds
    person = technician.model_copy(update={**changes, "not_after": min(issuer.not_after, end)})
    chain = Chain(issuer=identity.issuers[IssuerRole.CERTIFYING], leaf=certifying.sign(person))
    identity.trust.technician(chain, now)
    _keep(records, person, "technician", record.subject, chain, now)
    return chain


def newest_in_force(records: Records, now: int) -> list[CertificateRecord]:
    """Of each person's or device's keys the newest certificate, unless it was revoked or is over."""
    newest: dict[tuple[str, bytes], CertificateRecord] = {}
    for record in records.certificates():
        newest[record.kind, signing_key_of(record)] = record
    return [record for record in newest.values() if record.revoked_at is None and record.not_after > now]


def holds(record: CertificateRecord, trust: Trust, now: int) -> bool:
    """Whether devices would believe it: its root and issuer are in force."""
    try:
        _ = trust.device(record.chain, now) if record.kind == "device" else trust.technician(record.chain, now)
    except RemoteProtocolError:
        return False
    return True


def signing_key_of(record: CertificateRecord) -> bytes:
    if record.kind == "device":
        return parse_payload(record.chain.leaf, DeviceCertificate).signing_key
    return parse_payload(record.chain.leaf, TechnicianCertificate).signing_key


def find_certificates(records: Records, wanted: str) -> list[CertificateRecord]:
    """By serial, or by the name or device id: all in force of one and the same key, newest last."""
    live = [record for record in records.certificates() if record.revoked_at is None]
    found = [record for record in live if record.serial == wanted] or [
        record for record in live if record.subject == wanted
    ]
    match found:
        case [_, *_] if len({signing_key_of(record) for record in found}) == 1:
            return found
        case []:
            raise Problem(
                "no certificate in force by this name",
                expected="a serial, a technician's name or a device id",
                got=wanted,
                hint="bellpull org certificates lists them.",
            )
        case _:
            raise Problem(
                "several people or devices bear this name",
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
