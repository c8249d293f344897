"""What needs doing about keys, certificates and published documents, wherever they lie. Pure: facts in, advice out.

    own           a technician's folder: certificate, pinned root, documents, alarms, the clock's floor
    organisation  the books: issuers, documents, certificates, keys that should lie elsewhere
    server        its root, its log key, the versions it holds, its clock
    devices       the root and versions each said it had when it last fetched documents

What the server says of itself and of devices is its word: it can hide trouble here, and gains nothing by it, since
every device and every technician's program decides for itself.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from protocol.certificates import DeviceCertificate, IssuerCertificate, IssuerRole, TechnicianCertificate
from protocol.fields import root_hash
from protocol.limits import CLOCK_SKEW_S
from protocol.messages.api import DeviceRow
from protocol.statements import VerifyKey, parse_payload
from protocol.trust import PUBLISHED, Trust
from technician.organisation.certify import holds, newest_in_force
from technician.organisation.issuers import Identity
from technician.organisation.papers import Advice, Paper, paper_of
from technician.organisation.records import CertificateRecord, Records

_DAY_S: Final = 86_400
#: Replacing an issuer needs the root out of its drawer, and every certificate signed anew.
ISSUER_WARN_S: Final = 90 * _DAY_S
CERTIFICATE_WARN_S: Final = 14 * _DAY_S
_REPUBLISH: Final = "bellpull org publish"


@dataclass(frozen=True)
class DeviceStanding:
    """One device as the server tells it. `behind`: floor name → how many versions it lacks."""

    device: str
    label: str
    customer: str | None
    connected: bool
    last_seen: int | None
    root: str | None
    root_current: bool
    behind: dict[str, int]
    heard_at: int | None
    certificate_until: int | None
    replaced_by: str | None


def papers(trust: Trust) -> list[Paper]:
    """Every document this trust holds."""
    return [
        paper_of(parse_payload(document.statement, model))
        for _, document in sorted(trust.documents.items())
        for name, model in PUBLISHED.items()
        if name.payload_type == document.statement.payloadType
    ]


# --- a technician's own folder ---------------------------------------------------------------------------


def own_advice(
    trust: Trust, certificate: TechnicianCertificate, holds: str, expiry: str, alarms: int, now: int
) -> list[Advice]:
    """`holds`: why the certificate does not hold now, or empty. `expiry`: that it ends soon, or empty."""
    found = []
    if holds:
        found.append(Advice(f"your certificate does not hold: {holds}", "bellpull keys renew", True))
    elif expiry:
        found.append(Advice(expiry.partition(". ")[0], "bellpull keys renew"))
    for paper in papers(trust):
        advice = paper.advice(now)
        if advice is not None:
            found.append(Advice(advice.what, "bellpull login; if that does not help: " + advice.do, advice.grave))
    if "revocations-leaves" not in trust.documents:
        found.append(Advice("no revocations are here", "bellpull login", True))
    if alarms:
        what = f"{alarms} alarms are kept: somebody withheld documents, signed two truths, or showed another log"
        found.append(Advice(what, "Read alarms.jsonl, and show it to the organisation.", True))
    return found


# --- the organisation's books ----------------------------------------------------------------------------


def organisation_advice(identity: Identity, records: Records, key_files: Iterable[str], now: int) -> list[Advice]:
    """`key_files`: names of the files in the organisation's folder."""
    found = [advice for role in IssuerRole if (advice := _issuer_advice(identity, role, now)) is not None]
    names = set(key_files)
    if "root.key" in names:
        found.append(
            Advice("root.key lies in the daily folder", "Move it to two places offline; --root FILE names it.")
        )
    found += [
        Advice(f"{name}, a root that was left, still lies here", "Destroy it once every device follows the new root.")
        for name in sorted(names)
        if name.startswith("root.left-")
    ]
    live = newest_in_force(records, now)
    older = [record for record in live if record.chain.issuer != identity.issuers[IssuerRole.CERTIFYING]]
    if older:
        dead = [record for record in older if not holds(record, identity.trust, now)]
        what = f"{len(older)} certificates are of an older issuer or root" + (
            f", {len(dead)} of them no longer hold" if dead else ""
        )
        found.append(Advice(what, "bellpull org recertify", bool(dead)))
    for record in live:
        left_s = record.not_after - now
        if record.kind == "technician" and record not in older and left_s < _warn_s(record):
            what = f"the certificate of {record.subject} ends in {_span(left_s)}"
            found.append(Advice(what, f'bellpull org recertify "{record.subject}" --days 90'))
    return found


def _issuer_advice(identity: Identity, role: IssuerRole, now: int) -> Advice | None:
    ends = parse_payload(identity.issuers[role], IssuerCertificate).not_after
    if ends - now >= ISSUER_WARN_S:
        return None
    state = "is over" if ends <= now else f"ends in {_span(ends - now)}"
    return Advice(f"the {role} issuer {state}", f"bellpull org rotate-issuer {role} --root FILE", ends - now < _DAY_S)


def _warn_s(record: CertificateRecord) -> int:
    """Short certificates are renewed often: warned of in their last third."""
    return min(CERTIFICATE_WARN_S, (record.not_after - record.issued_at) // 3)


# --- the server ------------------------------------------------------------------------------------------


def server_advice(
    expected_root: VerifyKey, roots_left: Sequence[VerifyKey], root_key: bytes | None, clock_ahead_s: int | None
) -> list[Advice]:
    """`clock_ahead_s`: by how much the server's clock is ahead of this computer's, where it said."""
    found = []
    shown = None if root_key is None else VerifyKey(root_key)
    if shown is None:
        found.append(Advice("the server has no organisation yet", "bellpull org pin ORIGIN --setup-code CODE", True))
    elif shown in roots_left:
        found.append(Advice("the server has not heard of the new root", _REPUBLISH, True))
    elif shown != expected_root:
        what = f"the server shows root {shown.fingerprint[:19]}, pinned here is {expected_root.fingerprint[:19]}"
        do = "Compare the fingerprint with the organisation, by telephone. Was the root replaced? bellpull login"
        found.append(Advice(what, do, True))
    if clock_ahead_s is not None and abs(clock_ahead_s) > CLOCK_SKEW_S:
        which = "ahead of" if clock_ahead_s > 0 else "behind"
        what = f"the server's clock is {_span(abs(clock_ahead_s))} {which} this computer's"
        found.append(Advice(what, "Set whichever is wrong: certificates are judged by clocks."))
    return found


# --- devices ---------------------------------------------------------------------------------------------


def standing_of(row: DeviceRow, root_key: bytes, newest: Mapping[str, int]) -> DeviceStanding:
    """`newest`: floor name → version that is published."""
    said = row.trust
    versions = {} if said is None else said.versions
    until = None if row.certificate is None else parse_payload(row.certificate.leaf, DeviceCertificate).not_after
    return DeviceStanding(
        device=row.device,
        label=row.label,
        customer=row.customer,
        connected=row.connected,
        last_seen=row.last_seen,
        root=None if said is None or said.root is None else said.root.hex()[:16],
        root_current=said is not None and said.root == root_hash(root_key),
        behind={name: version - versions.get(name, 0) for name, version in newest.items()} if said else {},
        heard_at=None if said is None else said.at,
        certificate_until=until,
        replaced_by=row.replaced_by,
    )


def device_advice(standings: Iterable[DeviceStanding], now: int) -> list[Advice]:
    """One line for each device that has to be looked at; those that are away say so in the list."""
    found = []
    for each in standings:
        if each.replaced_by is not None:
            continue
        name = each.label or each.device
        late = {floor: count for floor, count in each.behind.items() if count > 0}
        if each.connected and each.heard_at is not None and not each.root_current:
            do = "It refuses the rotation, or the server withholds it: bellpull-agent status on the device."
            found.append(Advice(f"{name} is connected and pins a root that was left", do, True))
        elif each.connected and late:
            do = "Its alarms say why: bellpull-agent status on the device."
            found.append(Advice(f"{name} is connected and lacks {', '.join(sorted(late))}", do, True))
        if each.certificate_until is not None and each.certificate_until - now < CERTIFICATE_WARN_S:
            what = f"the certificate of {name} ends in {_span(each.certificate_until - now)}"
            found.append(Advice(what, f"bellpull org recertify {each.device}"))
    return found


def _span(seconds: int) -> str:
    if seconds >= 2 * _DAY_S:
        return f"{seconds // _DAY_S} days"
    return f"{seconds // 3600} hours" if seconds >= 7200 else f"{max(0, seconds) // 60} minutes"
