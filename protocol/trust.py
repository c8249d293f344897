"""The decider: what a device or a technician's program believes, apart from disk and network.

Pure and immutable: `Trust` holds the pinned root, the floors, and the documents accepted so far; every method takes
`now` and either returns what was proven or raises. `accept` returns a new Trust to be persisted before it is used.

    Trust.pin(root key) ── accept(document) ──► Trust with a higher floor ── technician(chain) ──► who this is

Order of refusal: wrong type → wrong root → bad signature → issuer may not sign this → outside validity → revoked →
below the floor. Nothing is parsed before its signature holds (python-tuf's trusted_metadata_set is the model).

Roots change by rotations alone, one after the other. A root that was left stays known with the rotation that led away
from it: what was signed under it can still be proven, a second rotation away from it is a fork, and no rotation leads
back. Whoever has heard that issuers were revoked, and does not hold the list, trusts no issuer until it comes.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Final, TypeVar

from protocol.certificates import (
    BundleRecipients,
    Chain,
    DeviceCertificate,
    Document,
    IssuerCertificate,
    KnownIssuePack,
    OrganisationPolicy,
    Published,
    Revocations,
    RootRotation,
    TechnicianCertificate,
)
from protocol.errors import RemoteProtocolError
from protocol.fields import device_id, root_hash, sha256
from protocol.limits import REVOCATIONS_FRESH_S
from protocol.statements import (
    Envelope,
    Statement,
    StatementName,
    Verified,
    VerifyKey,
    parse_payload,
    verify,
    verify_both,
)

S = TypeVar("S", bound=Statement)

#: The documents a server may hand out, by the name in their payload type.
PUBLISHED: Final[dict[StatementName, type[Published]]] = {
    StatementName.REVOCATIONS: Revocations,
    StatementName.ORGANISATION_POLICY: OrganisationPolicy,
    StatementName.BUNDLE_RECIPIENTS: BundleRecipients,
    StatementName.KNOWN_ISSUE_PACK: KnownIssuePack,
}


class RollbackError(RemoteProtocolError):
    """An older document than one already seen."""


class ForkedDocumentError(RemoteProtocolError):
    """The same version with other bytes: somebody who holds an issuer key signs two truths. Raise an alarm."""


@dataclass(frozen=True)
class Floor:
    """The highest version seen under a name, and the hash of its signed bytes (empty: known by version only)."""

    version: int
    hash: bytes = b""


@dataclass(frozen=True)
class LeftRoot:
    """A root that was pinned before, and the rotation that led away from it."""

    key: VerifyKey
    rotation: Envelope

    @property
    def hash(self) -> bytes:
        return root_hash(self.key.public)


@dataclass(frozen=True)
class Trust:
    """What is believed. `documents` holds, per floor name, the newest accepted document as it travelled.

    `rotation_sequence`: how many rotations led to this root; `left`: those of them that were followed here.
    """

    root: VerifyKey
    rotation_sequence: int = 0
    floors: Mapping[str, Floor] = field(default_factory=dict)
    documents: Mapping[str, Document] = field(default_factory=dict)
    left: tuple[LeftRoot, ...] = ()

    @property
    def root_hash(self) -> bytes:
        return root_hash(self.root.public)

    @property
    def roots(self) -> tuple[VerifyKey, ...]:
        """The root of now, then those left before, newest first: under which of them something may have been signed."""
        return (self.root, *(left.key for left in reversed(self.left)))

    # --- who is this -------------------------------------------------------------------------------------

    def issuer(self, envelope: Envelope, now: int) -> Verified[IssuerCertificate]:
        """The issuer certificate, signed by the pinned root, valid now and not revoked."""
        issuer = verify(envelope, IssuerCertificate, self.root)
        self._check_root(issuer.body.root, "issuer certificate")
        _check_validity(issuer.body.not_before, issuer.body.not_after, now, "issuer certificate")
        self._check_not_revoked(issuer.body.serial, "issuers", "issuer certificate")
        return issuer

    def signed_by_issuer(self, chain: Chain, expected: type[S], now: int) -> tuple[Verified[S], IssuerCertificate]:
        """A statement that an issuer of this root signed and was allowed to sign."""
        issuer = self.issuer(chain.issuer, now).body
        if expected.statement_name not in issuer.signs:
            raise RemoteProtocolError(
                f"this issuer may not sign a {expected.statement_name}",
                expected=f"one of {', '.join(issuer.signs) or 'nothing'}",
                got=expected.statement_name,
            )
        return verify(chain.leaf, expected, VerifyKey(issuer.key)), issuer

    def technician(self, chain: Chain, now: int) -> Verified[TechnicianCertificate]:
        leaf, issuer = self.signed_by_issuer(chain, TechnicianCertificate, now)
        body = leaf.body
        self._check_leaf(body.root, body.serial, body.not_before, body.not_after, issuer, now, "technician certificate")
        return leaf

    def device(self, chain: Chain, now: int) -> Verified[DeviceCertificate]:
        leaf, issuer = self.signed_by_issuer(chain, DeviceCertificate, now)
        body = leaf.body
        self._check_leaf(body.root, body.serial, body.not_before, body.not_after, issuer, now, "device certificate")
        if device_id(body.signing_key) != body.device:
            raise RemoteProtocolError(
                "device certificate names another device",
                expected=device_id(body.signing_key),
                got=body.device,
            )
        return leaf

    # --- published documents -----------------------------------------------------------------------------

    def accept(self, document: Document, now: int) -> "Trust":
        """Take a published document: returns the new Trust, or self when it is the one already held.

        Raises RollbackError (older), ForkedDocumentError (same version, other bytes), RemoteProtocolError (rest).
        """
        body = self.check_document(document, now)
        name, hashed = body.floor_name, document.statement.hash
        floor = self.floors.get(name)
        if floor is not None:
            if body.version < floor.version:
                raise RollbackError(
                    f"an older {name} than one already seen",
                    expected=f"version {floor.version} or newer",
                    got=f"version {body.version}",
                    hint="Somebody withholds the newer one. What is already known stays in force.",
                )
            if body.version == floor.version and floor.hash not in (b"", hashed):
                raise ForkedDocumentError(
                    f"two different {name} with one version",
                    expected=f"the bytes already seen of version {floor.version}",
                    got="other bytes, validly signed",
                    hint="Tell the organisation: one of its issuer keys signs two truths.",
                )
            if body.version == floor.version and name in self.documents:
                return self
        return replace(
            self,
            floors={**self.floors, name: Floor(body.version, hashed)},
            documents={**self.documents, name: document},
        )

    def check_document(self, document: Document, now: int) -> Published:
        """The body of a document whose chain holds and whose end has not come. Floors are not looked at."""
        model = _published_model(document.statement)
        body: Published
        if document.issuer is None:
            if model is not Revocations:
                raise RemoteProtocolError("a document without an issuer", expected="an issuer certificate", got="none")
            body = verify(document.statement, Revocations, self.root).body
        else:
            body = self.signed_by_issuer(Chain(issuer=document.issuer, leaf=document.statement), model, now)[0].body
        if isinstance(body, Revocations) and (body.kind == "issuers") != (document.issuer is None):
            raise RemoteProtocolError(
                "revocations signed by the wrong key",
                expected="the root for issuers, a certifying issuer for leaves",
                got=f"kind {body.kind}",
            )
        self._check_root(body.root, model.statement_name)
        if now > body.not_after:
            raise RemoteProtocolError(
                f"{model.statement_name} has expired",
                expected="a current one",
                got=f"ended at {body.not_after}",
            )
        return body

    def time_in(self, document: Document) -> tuple[int, str]:
        """When a genuine document was signed, and by whom: its signatures hold, whatever the time is held to be.

        For clocks alone: says nothing about whether the document counts now.
        """
        body: Published
        if document.issuer is None:
            body, signer = verify(document.statement, Revocations, self.root).body, "root"
        else:
            issuer = verify(document.issuer, IssuerCertificate, self.root).body
            self._check_not_revoked(issuer.serial, "issuers", "issuer certificate")
            model = _published_model(document.statement)
            if model.statement_name not in issuer.signs:
                raise RemoteProtocolError(f"this issuer may not sign a {model.statement_name}")
            body, signer = verify(document.statement, model, VerifyKey(issuer.key)).body, issuer.serial
        self._check_root(body.root, "published document")
        return body.issued_at, signer

    def recipients(self, now: int) -> BundleRecipients | None:
        """The recipients in force, or None when there are none or they have expired: then nothing is sealed or sent."""
        document = self._standing(StatementName.BUNDLE_RECIPIENTS)
        if document is None:
            return None
        body = parse_payload(document.statement, BundleRecipients)
        return body if now <= body.not_after else None

    def policy(self) -> OrganisationPolicy | None:
        """The newest accepted policy, whether or not it is over: where the server and its log were last said to be.

        What was said before is older still. Falling back to it would reward whoever withholds the next policy.
        """
        document = self._standing(StatementName.ORGANISATION_POLICY)
        return None if document is None else parse_payload(document.statement, OrganisationPolicy)

    def known_issues(self, now: int) -> KnownIssuePack | None:
        document = self._standing(StatementName.KNOWN_ISSUE_PACK)
        if document is None:
            return None
        body = parse_payload(document.statement, KnownIssuePack)
        return body if now <= body.not_after else None

    def _standing(self, name: str) -> Document | None:
        """The newest accepted document of this name, unless the issuer that signed it was revoked since."""
        document = self.documents.get(name)
        return None if document is None or self._issuer_gone(document) else document

    def _issuer_gone(self, document: Document) -> bool:
        return document.issuer is not None and self.is_revoked(
            parse_payload(document.issuer, IssuerCertificate).serial, "issuers"
        )

    # --- revocation --------------------------------------------------------------------------------------

    def revocations(self, kind: str) -> Revocations | None:
        """The newest accepted revocations of a kind. An expired list still revokes; it only stops being fresh."""
        document = self.documents.get(f"{StatementName.REVOCATIONS}-{kind}")
        return None if document is None else parse_payload(document.statement, Revocations)

    def revocations_fresh(self, now: int) -> bool:
        """Whether the leaf revocations were issued within 72 h: else no unattended session, no risk ≥ 2.

        A list by an issuer that was revoked since still revokes; it is no word that nobody else is.
        """
        document = self._standing(f"{StatementName.REVOCATIONS}-leaves")
        return (
            document is not None
            and now - parse_payload(document.statement, Revocations).issued_at <= REVOCATIONS_FRESH_S
        )

    def is_revoked(self, serial: str, kind: str = "leaves") -> bool:
        newest = self.revocations(kind)
        return newest is not None and serial in newest.serials

    # --- root rotation -----------------------------------------------------------------------------------

    def rotate(self, envelope: Envelope) -> "Trust":
        """Follow a root rotation signed by the pinned root and the new one; self when it was followed before.

        Documents of the old root are dropped; floors stay unless the rotation names those of the new root. Raises
        ForkedDocumentError for a second rotation away from a root that was left, RollbackError for one out of sequence
        or back to such a root.
        """
        claimed = parse_payload(envelope, RootRotation)
        for left in self.left:
            if claimed.old_root == left.hash:
                return self._followed_before(envelope, claimed, left)
        rotation = verify_both(envelope, RootRotation, (self.root, VerifyKey(claimed.new_root_key))).body
        self._check_root(rotation.old_root, "root rotation")
        if rotation.new_root != root_hash(rotation.new_root_key):
            raise RemoteProtocolError("root rotation names another key", expected="the hash of its key", got="another")
        if rotation.sequence != self.rotation_sequence + 1:
            raise RollbackError(
                "root rotation out of sequence",
                expected=f"number {self.rotation_sequence + 1}",
                got=f"number {rotation.sequence}",
            )
        new = VerifyKey(rotation.new_root_key)
        if new in self.roots:
            raise RollbackError("root rotation back to a root that was left", expected="a new root", got=new.key_id)
        return replace(
            self,
            root=new,
            rotation_sequence=rotation.sequence,
            floors={name: Floor(version) for name, version in rotation.floors.items()} or self.floors,
            documents={},
            left=(*self.left, LeftRoot(self.root, envelope)),
        )

    def _followed_before(self, envelope: Envelope, claimed: RootRotation, left: LeftRoot) -> "Trust":
        if envelope.hash == left.rotation.hash:
            return self
        verify_both(envelope, RootRotation, (left.key, VerifyKey(claimed.new_root_key)))
        raise ForkedDocumentError(
            "two different rotations of one root",
            expected="the rotation already followed",
            got="another, validly signed by the root that was left",
            hint="Tell the organisation: somebody holds its old root key.",
        )

    # --- checks ------------------------------------------------------------------------------------------

    def _check_root(self, named: bytes, what: str) -> None:
        if named != self.root_hash:
            raise RemoteProtocolError(
                f"{what} belongs to another organisation",
                expected=f"root {self.root_hash.hex()[:16]}",
                got=f"root {named.hex()[:16]}",
                hint="This device answers to the organisation it was enrolled with, and to no other.",
            )

    def _check_not_revoked(self, serial: str, kind: str, what: str) -> None:
        if self.is_revoked(serial, kind):
            raise RemoteProtocolError(f"{what} was revoked", expected="one in force", got=f"serial {serial}")
        name = f"{StatementName.REVOCATIONS}-{kind}"
        if kind == "issuers" and name in self.floors and name not in self.documents:
            raise RemoteProtocolError(
                f"whether this {what} was revoked is not known",
                expected=f"the revocations of issuers, version {self.floors[name].version} or newer",
                got="none yet",
                hint="The organisation has revoked issuers. Until the list is here, none is trusted.",
            )

    def _check_leaf(
        self,
        root: bytes,
        serial: str,
        not_before: int,
        not_after: int,
        issuer: IssuerCertificate,
        now: int,
        what: str,
    ) -> None:
        self._check_root(root, what)
        if not_before < issuer.not_before or not_after > issuer.not_after:
            raise RemoteProtocolError(
                f"{what} outlives its issuer",
                expected=f"validity inside {issuer.not_before}–{issuer.not_after}",
                got=f"{not_before}–{not_after}",
            )
        _check_validity(not_before, not_after, now, what)
        self._check_not_revoked(serial, "leaves", what)


def _check_validity(not_before: int, not_after: int, now: int, what: str) -> None:
    if not not_before <= now <= not_after:
        state = "is not valid yet" if now < not_before else "has expired"
        raise RemoteProtocolError(
            f"{what} {state}",
            expected=f"a time within {not_before}–{not_after}",
            got=str(now),
            hint="Check the clocks of both computers; else ask the organisation for a new certificate.",
        )


def _published_model(envelope: Envelope) -> type[Published]:
    for name, model in PUBLISHED.items():
        if name.payload_type == envelope.payloadType:
            return model
    raise RemoteProtocolError(
        "not a document that organisations publish",
        expected=", ".join(PUBLISHED),
        got=envelope.payloadType,
    )


def documents_version(trust: Trust) -> dict[str, int]:
    """Floor name → version: what a device tells the server it has, and an end of a session tells the other."""
    return {name: floor.version for name, floor in sorted(trust.floors.items())}


def rotation_chain(first: VerifyKey, rotations: Iterable[Envelope]) -> Trust:
    """Trust in the root that `rotations` lead to from `first`: how a program that holds an old root gets to the new."""
    trust = Trust(root=first)
    for envelope in rotations:
        trust = replace(trust, rotation_sequence=parse_payload(envelope, RootRotation).sequence - 1).rotate(envelope)
    return trust


def trust_fingerprint(trust: Trust) -> bytes:
    """A hash of everything believed: two devices with equal fingerprints hold equal trust."""
    lines = [trust.root.public.hex(), str(trust.rotation_sequence)]
    lines += [f"{name} {floor.version} {floor.hash.hex()}" for name, floor in sorted(trust.floors.items())]
    return sha256("\n".join(lines).encode())
