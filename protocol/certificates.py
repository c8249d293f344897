"""Certificates: organisation root → issuer → leaf, exactly; and the documents an organisation publishes.

    root (offline) ──signs──► issuer: certifying ──signs──► technician, device, revocations, enrolment tokens
                         └──► issuer: content    ──signs──► recipients, policy, known-issue packs

An issuer certificate lists the statement names its key may sign; a name that is not listed is refused, and the
list itself may hold only what its role allows. Validity is nested: a leaf starts no earlier and ends no later than
its issuer. An empty list of customers or scopes means none. Everything here is shape and signature; what is
revoked, too old or rolled back is decided by trust.py.
"""

from enum import StrEnum
from typing import Annotated, ClassVar, Final, Literal, Self

from pydantic import Field, model_validator

from protocol.actions.scopes import Scope
from protocol.fields import (
    AgeRecipient,
    DeviceId,
    Hash,
    Origin,
    PersonName,
    PublicKey,
    Serial,
    UnixSeconds,
    Version,
)
from protocol.fields import Kebab as IssueId
from protocol.limits import PACK_STATEMENT_MAX_BYTES
from protocol.statements import Envelope, Statement, StatementName
from protocol.strict_json import WireModel

CustomerName = PersonName


class IssuerRole(StrEnum):
    CERTIFYING = "certifying"
    CONTENT = "content"


#: What a key of each role may be allowed to sign. The certificate lists a subset.
ROLE_MAY_SIGN: Final[dict[IssuerRole, frozenset[StatementName]]] = {
    IssuerRole.CERTIFYING: frozenset(
        {
            StatementName.TECHNICIAN_CERTIFICATE,
            StatementName.DEVICE_CERTIFICATE,
            StatementName.REVOCATIONS,
            StatementName.ENROLMENT_TOKEN,
            StatementName.ORGANISATION_LOGIN,
        }
    ),
    IssuerRole.CONTENT: frozenset(
        {
            StatementName.BUNDLE_RECIPIENTS,
            StatementName.ORGANISATION_POLICY,
            StatementName.KNOWN_ISSUE_PACK,
        }
    ),
}


class _Validity(Statement):
    not_before: UnixSeconds
    not_after: UnixSeconds

    @model_validator(mode="after")
    def _ends_after_it_starts(self) -> Self:
        if self.not_after <= self.not_before:
            raise ValueError("not_after must be later than not_before")
        return self


class IssuerCertificate(_Validity):
    """Signed by the root."""

    statement_name: ClassVar[StatementName] = StatementName.ISSUER_CERTIFICATE

    root: Hash
    serial: Serial
    organisation: PersonName
    role: IssuerRole
    key: PublicKey
    signs: Annotated[tuple[StatementName, ...], Field(max_length=16)]

    @model_validator(mode="after")
    def _signs_only_what_its_role_allows(self) -> Self:
        beyond = set(self.signs) - ROLE_MAY_SIGN[self.role]
        if beyond:
            raise ValueError(f"a {self.role} issuer never signs {', '.join(sorted(beyond))}")
        return self


class TechnicianCertificate(_Validity):
    """Signed by a certifying issuer. Names the person, their three keys, and for whom they may do what."""

    statement_name: ClassVar[StatementName] = StatementName.TECHNICIAN_CERTIFICATE

    root: Hash
    serial: Serial
    organisation: PersonName
    name: PersonName
    tier: Annotated[int, Field(ge=1, le=3)]
    signing_key: PublicKey
    noise_key: PublicKey
    age_recipient: AgeRecipient
    customers: Annotated[tuple[CustomerName, ...], Field(max_length=256)]
    scopes: Annotated[tuple[Scope, ...], Field(max_length=32)]


class DeviceCertificate(_Validity):
    """Signed by a certifying issuer. Says which customer owns the device; the server's word never does."""

    statement_name: ClassVar[StatementName] = StatementName.DEVICE_CERTIFICATE

    root: Hash
    serial: Serial
    device: DeviceId
    customer: CustomerName
    signing_key: PublicKey
    noise_key: PublicKey
    witness_key: PublicKey


class RootRotation(Statement):
    """Signed by the old root and the new one, in this order.

    `floors`: those that hold under the new root. They may be lower than what a device has seen: whoever stole an issuer
    key could sign the highest version there is, and only a new root ends that. Empty: the floors of before.
    """

    statement_name: ClassVar[StatementName] = StatementName.ROOT_ROTATION

    old_root: Hash
    new_root: Hash
    new_root_key: PublicKey
    sequence: Version
    issued_at: UnixSeconds
    floors: Annotated[dict[Annotated[str, Field(max_length=64)], Version], Field(max_length=32, default_factory=dict)]


class Published(Statement):
    """A document that replaces its predecessor: a rising version and an end."""

    root: Hash
    version: Version
    issued_at: UnixSeconds
    not_after: UnixSeconds

    @property
    def floor_name(self) -> str:
        """Documents with one floor name replace one another."""
        return self.statement_name.value


class Revocations(Published):
    """Serials that no longer count. `kind` leaves: signed by a certifying issuer; issuers: by the root itself."""

    statement_name: ClassVar[StatementName] = StatementName.REVOCATIONS

    kind: Literal["leaves", "issuers"]
    serials: Annotated[tuple[Serial, ...], Field(max_length=1000)]

    @property
    def floor_name(self) -> str:
        return f"{self.statement_name.value}-{self.kind}"


class OrganisationPolicy(Published):
    """What an organisation tells its devices: where its server is and which key signs its log. No power."""

    statement_name: ClassVar[StatementName] = StatementName.ORGANISATION_POLICY

    organisation: PersonName
    server_origin: Origin
    log_name: Annotated[str, Field(pattern=r"^[a-z0-9.\-/:]{1,120}$")]
    log_key: PublicKey


class Recipient(WireModel):
    name: PersonName
    age: AgeRecipient


class BundleRecipients(Published):
    """To whom evidence and bundles are encrypted."""

    statement_name: ClassVar[StatementName] = StatementName.BUNDLE_RECIPIENTS

    recipients: Annotated[tuple[Recipient, ...], Field(min_length=1, max_length=64)]


class PackedIssue(WireModel):
    """One text, in the TOML that diagnostics reads: a known issue, the stop of one, or the watch of an application."""

    id: IssueId
    toml: Annotated[str, Field(max_length=32_768)]


class KnownIssuePack(Published):
    statement_name: ClassVar[StatementName] = StatementName.KNOWN_ISSUE_PACK
    max_bytes: ClassVar[int] = PACK_STATEMENT_MAX_BYTES

    issues: Annotated[tuple[PackedIssue, ...], Field(max_length=1000)]


class Chain(WireModel):
    """A leaf statement with the issuer certificate that leads to the root. The root itself is pinned, not sent."""

    issuer: Envelope
    leaf: Envelope


class Document(WireModel):
    """A published document. `issuer` is absent only where the root itself signed (revocation of issuers)."""

    issuer: Envelope | None
    statement: Envelope
