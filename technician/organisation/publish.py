"""The documents an organisation publishes, made fresh each time `bellpull org publish` runs.

    revocations         certifying  7 days    re-signed daily: older than 72 h, devices trust less
    bundle-recipients   content     30 days   the age keys of all technicians in force
    organisation-policy content     1 year    the pinned server and its log key
    known-issue-pack    content     180 days  diagnostics/knowledge/issues/*.toml, and what `org pack` kept (pack.py)

The list of revoked issuers is the root's own (rotation.py) and only handed out again here.
Each gets the next version of its name from the books before it is signed: a version is never used for two texts.
"""

from collections.abc import Iterator
from importlib import resources
from typing import Final

from protocol.certificates import (
    BundleRecipients,
    Document,
    IssuerRole,
    KnownIssuePack,
    OrganisationPolicy,
    PackedIssue,
    Published,
    Recipient,
    Revocations,
    TechnicianCertificate,
)
from protocol.statements import SigningKey, StatementName, parse_payload
from technician.organisation import pack
from technician.organisation.issuers import Identity
from technician.organisation.records import Records
from technician.organisation.rotation import ISSUER_REVOCATIONS
from technician.organisation.server_pin import PinnedServer

_DAY_S: Final = 86_400
REVOCATIONS_DAYS: Final = 7
RECIPIENTS_DAYS: Final = 30
POLICY_DAYS: Final = 365
PACK_DAYS: Final = 180


def packed_issues(records: Records) -> tuple[PackedIssue, ...]:
    """The known issues this version of the program carries, with the organisation's own in their places, as text."""
    folder = resources.files("diagnostics.knowledge") / "issues"
    files = [file for file in folder.iterdir() if file.name.endswith(".toml")]
    own = {file.name.removesuffix(".toml"): file.read_text("utf-8") for file in files}
    return pack.packed_issues(own, pack.kept_texts(records))


def recipients(records: Records, now: int) -> tuple[Recipient, ...]:
    """Every technician whose certificate is in force; one who has two certificates appears once for each key."""
    found: dict[str, Recipient] = {}
    for record in records.certificates("technician"):
        if record.revoked_at is None and record.not_after > now:
            body = parse_payload(record.chain.leaf, TechnicianCertificate)
            found[body.age_recipient] = Recipient(name=body.name, age=body.age_recipient)
    return tuple(found.values())


def make_documents(
    identity: Identity,
    records: Records,
    server: PinnedServer,
    keys: dict[IssuerRole, SigningKey],
    now: int,
) -> list[tuple[str, Document]]:
    """(floor name, signed document) for all that these keys can sign now; kept in the books before it is returned."""
    bodies = [*_of_certifying(identity, records, now)] if IssuerRole.CERTIFYING in keys else []
    if IssuerRole.CONTENT in keys:
        bodies += _of_content(identity, records, server, now)
    signed = [_sign(identity, records, keys[role], role, body, now) for role, body in bodies]
    root_signed = identity.issuer_revocations
    return signed if root_signed is None else [(ISSUER_REVOCATIONS, root_signed), *signed]


def _of_certifying(identity: Identity, records: Records, now: int) -> Iterator[tuple[IssuerRole, Published]]:
    yield (
        IssuerRole.CERTIFYING,
        Revocations(
            root=identity.root_hash,
            version=records.next_version(f"{StatementName.REVOCATIONS}-leaves"),
            issued_at=now,
            not_after=now + REVOCATIONS_DAYS * _DAY_S,
            kind="leaves",
            serials=records.revoked_serials(now),
        ),
    )


def _of_content(
    identity: Identity, records: Records, server: PinnedServer, now: int
) -> Iterator[tuple[IssuerRole, Published]]:
    yield (
        IssuerRole.CONTENT,
        OrganisationPolicy(
            root=identity.root_hash,
            version=records.next_version(StatementName.ORGANISATION_POLICY),
            issued_at=now,
            not_after=now + POLICY_DAYS * _DAY_S,
            organisation=identity.name,
            server_origin=server.origin,
            log_name=server.log_name,
            log_key=server.log_key,
        ),
    )
    certified = recipients(records, now)
    if certified:
        yield (
            IssuerRole.CONTENT,
            BundleRecipients(
                root=identity.root_hash,
                version=records.next_version(StatementName.BUNDLE_RECIPIENTS),
                issued_at=now,
                not_after=now + RECIPIENTS_DAYS * _DAY_S,
                recipients=certified,
            ),
        )
    issues = packed_issues(records)
    if issues:
        yield (
            IssuerRole.CONTENT,
            KnownIssuePack(
                root=identity.root_hash,
                version=records.next_version(StatementName.KNOWN_ISSUE_PACK),
                issued_at=now,
                not_after=now + PACK_DAYS * _DAY_S,
                issues=issues,
            ),
        )


def _sign(
    identity: Identity, records: Records, key: SigningKey, role: IssuerRole, body: Published, now: int
) -> tuple[str, Document]:
    document = Document(issuer=identity.issuers[role], statement=key.sign(body))
    identity.trust.check_document(document, now)
    records.keep_document(body.floor_name, body.version, document)
    return body.floor_name, document
