"""Replacing the root or an issuer: the only commands, after `org init`, that need root.key.

    rotate_root     new root ── statement signed by old and new ──► both issuers certified anew, same keys
    rotate_issuer   new key ── certificate by the root ──► the old one revoked by the root, or left to its own end
    revoke_issuer   an issuer that was left to its end is revoked after all

All of them change files and books here and nothing else; `org publish` carries it to the server, `org recertify`
re-signs technicians and devices. The books change in one transaction between writing a new key and its taking the
place of the old one, so a crash at any step leaves one key that the books name.

The root that was left stays beside the new one as root.left-N.key until its owner destroys it: whoever holds it can
mislead devices that have not heard of the rotation yet, and nobody else.
"""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from protocol.certificates import Document, IssuerCertificate, IssuerRole, Revocations, RootRotation
from protocol.fields import root_hash
from protocol.statements import SigningKey, StatementName, VerifyKey, parse_payload
from technician.keys.key_file import is_sealed
from technician.keys.passphrase import Passphrases
from technician.organisation.issuers import (
    Identity,
    certify_issuer,
    open_key_of,
    record_of,
    take_place,
    write_new_key,
)
from technician.organisation.records import IssuerRecord, LeftRootRecord, Records
from technician.private_files import private_folder, read_private
from technician.problems import Problem

ISSUER_REVOCATIONS: Final = f"{StatementName.REVOCATIONS}-issuers"
#: Only the root can sign these again, and every issuer they could name is over long before.
_ISSUER_REVOCATIONS_S: Final = 10 * 365 * 86_400


@dataclass(frozen=True)
class RootKey:
    """root.key, opened; `file` is where its successor goes."""

    key: SigningKey
    file: Path
    sealed: bool


def open_root(file: Path, identity: Identity, passphrases: Passphrases) -> RootKey:
    """The root of now. `file`: root.key in the organisation's folder, or wherever it lies."""
    private_folder(file.parent)
    keep = _left_name(file, len(identity.left)) if identity.left else ""
    secret = open_key_of(file, "root", identity.root_key, passphrases, keep=keep)
    return RootKey(SigningKey(secret), file, is_sealed(read_private(file, what="root key")))


def rotate_root(
    root: RootKey, *, records: Records, identity: Identity, passphrases: Passphrases, now: int
) -> VerifyKey:
    """Leave this root for a new one. The issuers keep their keys; their certificates come from the new root.

    The floors under it are those of our books: what a thief signed beyond them with a stolen issuer key is over.
    """
    new = SigningKey(os.urandom(32))
    sequence = len(identity.left) + 1
    rotation = RootRotation(
        old_root=root_hash(root.key.public),
        new_root=root_hash(new.public),
        new_root_key=new.public,
        sequence=sequence,
        issued_at=now,
        floors=records.floors(),
    )
    envelope = new.add_signature(root.key.sign(rotation))
    identity.trust.rotate(envelope)  # what devices will be shown must hold
    issuers = []
    for role in IssuerRole:
        old = parse_payload(identity.issuers[role], IssuerCertificate)
        if now >= old.not_after:
            raise Problem(
                f"the {role} issuer is over",
                expected="issuers in force",
                got=f"ended at {old.not_after}",
                hint=f"Replace it first: bellpull org rotate-issuer {role}",
            )
        issuers.append(
            record_of(new.public, certify_issuer(new, role, old.key, identity.name, now, not_after=old.not_after))
        )
    write_new_key(root.file, "root", new, passphrases, sealed=root.sealed)
    records.keep_issuers(
        new.public,
        issuers,
        LeftRootRecord(sequence, root.key.public, envelope, identity.issuers[IssuerRole.CERTIFYING]),
    )
    take_place(root.file, keep=_left_name(root.file, sequence))
    _sign_revocations(new, records, now)
    return new.verify_key


def rotate_issuer(
    root: RootKey,
    folder: Path,
    role: IssuerRole,
    *,
    revoke: bool,
    records: Records,
    identity: Identity,
    passphrases: Passphrases,
    now: int,
) -> VerifyKey:
    """A new key for this role. `revoke`: the old certificate ends with the next publishing, else by its own end."""
    new = SigningKey(os.urandom(32))
    old = record_of(root.key.public, identity.issuers[role])
    path = folder / f"{role.value}.key"
    write_new_key(path, role.value, new, passphrases, sealed=root.sealed)
    envelope = certify_issuer(root.key, role, new.public, identity.name, now)
    records.keep_issuers(root.key.public, [old, record_of(root.key.public, envelope)])
    take_place(path)
    if revoke:
        records.revoke_issuer(old.serial, f"replaced by {new.verify_key.key_id}", now)
    _sign_revocations(root.key, records, now)
    return new.verify_key


def revoke_issuer(root: RootKey, issuer: IssuerRecord, reason: str, *, records: Records, now: int) -> None:
    records.revoke_issuer(issuer.serial, reason, now)
    _sign_revocations(root.key, records, now)


def find_issuer(records: Records, identity: Identity, wanted: str) -> IssuerRecord | None:
    """An issuer by its serial. The one in force is replaced, never only revoked: nothing could be signed then."""
    found = next((issuer for issuer in records.issuers() if issuer.serial == wanted), None)
    if found is None:
        return None
    if found.root_key != identity.root_key:
        raise Problem("this issuer ended with the root that signed it", expected="one of the root of now", got=wanted)
    if found.envelope in identity.issuers.values():
        raise Problem(
            f"this is the {found.role} issuer in force",
            expected="an issuer that was replaced",
            got=wanted,
            hint=f"Replace and revoke it in one step: bellpull org rotate-issuer {found.role} --revoke",
        )
    return found


def _sign_revocations(root: SigningKey, records: Records, now: int) -> None:
    """The list of revoked issuers, whenever there is or was one: devices that heard of it trust nobody without it."""
    ended = [
        issuer.serial
        for issuer in records.issuers()
        if issuer.revoked_at is not None and issuer.root_key == root.public and issuer.not_after >= now
    ]
    if not ended and ISSUER_REVOCATIONS not in records.floors():
        return
    body = Revocations(
        root=root_hash(root.public),
        version=records.next_version(ISSUER_REVOCATIONS),
        issued_at=now,
        not_after=now + _ISSUER_REVOCATIONS_S,
        kind="issuers",
        serials=tuple(ended),
    )
    records.keep_document(ISSUER_REVOCATIONS, body.version, Document(issuer=None, statement=root.sign(body)))


def _left_name(file: Path, sequence: int) -> str:
    return f"{file.stem}.left-{sequence}.key"
