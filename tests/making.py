"""A small organisation made in memory, with every key derived from a name: the same bytes on every run."""

import hashlib
from dataclasses import dataclass, field

from protocol.actions.scopes import Scope
from protocol.certificates import (
    ROLE_MAY_SIGN,
    Chain,
    DeviceCertificate,
    Document,
    IssuerCertificate,
    IssuerRole,
    Published,
    Revocations,
    RootRotation,
    TechnicianCertificate,
)
from protocol.fields import device_id, root_hash
from protocol.statements import Envelope, SigningKey
from protocol.trust import Trust

NOW = 1_800_000_000
DAY = 86_400
AGE = "age1" + "q" * 58
ALL_SCOPES = tuple(Scope)


def seed(name: str) -> bytes:
    return hashlib.sha256(f"test seed {name}".encode()).digest()


def signing_key(name: str) -> SigningKey:
    return SigningKey(seed(name))


def serial(name: str) -> str:
    return hashlib.sha256(name.encode()).hexdigest()[:32]


@dataclass
class Organisation:
    """Root, both issuers, and certificates on demand. `name` makes two organisations differ in every key."""

    name: str = "Helpful Ltd"
    not_before: int = NOW - 10 * DAY
    not_after: int = NOW + 100 * DAY
    root: SigningKey = field(init=False)
    certifying: SigningKey = field(init=False)
    content: SigningKey = field(init=False)

    def __post_init__(self) -> None:
        self.root = signing_key(f"{self.name} root")
        self.certifying = signing_key(f"{self.name} certifying")
        self.content = signing_key(f"{self.name} content")

    @property
    def root_hash(self) -> bytes:
        return root_hash(self.root.public)

    @property
    def trust(self) -> Trust:
        return Trust(root=self.root.verify_key)

    def issuer(self, role: IssuerRole = IssuerRole.CERTIFYING, **changes: object) -> Envelope:
        key = self.certifying if role is IssuerRole.CERTIFYING else self.content
        body = IssuerCertificate(
            not_before=self.not_before,
            not_after=self.not_after,
            root=self.root_hash,
            serial=serial(f"{self.name} {role}"),
            organisation=self.name,
            role=role,
            key=key.public,
            signs=tuple(sorted(ROLE_MAY_SIGN[role])),
        )
        return self.root.sign(body.model_copy(update=changes))

    def technician_body(self, name: str = "Ada Tech", **changes: object) -> TechnicianCertificate:
        body = TechnicianCertificate(
            not_before=NOW - DAY,
            not_after=NOW + DAY,
            root=self.root_hash,
            serial=serial(f"{self.name} {name}"),
            organisation=self.name,
            name=name,
            tier=1,
            signing_key=signing_key(f"{self.name} {name}").public,
            noise_key=seed(f"{self.name} {name} noise"),
            age_recipient=AGE,
            customers=("Acme",),
            scopes=ALL_SCOPES,
        )
        return body.model_copy(update=changes)

    def technician(self, name: str = "Ada Tech", **changes: object) -> Chain:
        return Chain(issuer=self.issuer(), leaf=self.certifying.sign(self.technician_body(name, **changes)))

    def device(self, name: str = "laptop", **changes: object) -> Chain:
        key = signing_key(f"device {name}")
        body = DeviceCertificate(
            not_before=NOW - DAY,
            not_after=NOW + DAY,
            root=self.root_hash,
            serial=serial(f"{self.name} {name}"),
            device=device_id(key.public),
            customer="Acme",
            signing_key=key.public,
            noise_key=seed(f"device {name} noise"),
            witness_key=seed(f"device {name} witness"),
        )
        return Chain(issuer=self.issuer(), leaf=self.certifying.sign(body.model_copy(update=changes)))

    def publish(self, body: Published, role: IssuerRole = IssuerRole.CONTENT) -> Document:
        key = self.certifying if role is IssuerRole.CERTIFYING else self.content
        return Document(issuer=self.issuer(role), statement=key.sign(body))

    def revocations(self, version: int = 1, serials: tuple[str, ...] = (), issued_at: int = NOW) -> Document:
        body = Revocations(
            root=self.root_hash,
            version=version,
            issued_at=issued_at,
            not_after=issued_at + 30 * DAY,
            kind="leaves",
            serials=serials,
        )
        return self.publish(body, IssuerRole.CERTIFYING)


def rotation(away: Organisation, to: Organisation, sequence: int = 1, now: int = NOW) -> Envelope:
    """From one root to the next, signed by both."""
    body = RootRotation(
        old_root=away.root_hash,
        new_root=to.root_hash,
        new_root_key=to.root.public,
        sequence=sequence,
        issued_at=now,
    )
    return to.root.add_signature(away.root.sign(body))
