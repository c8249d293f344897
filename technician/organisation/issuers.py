"""The organisation's keys as files, and its identity: who it is, its root, its two issuers.

    root.key        offline after `org init`: signs issuers, and nothing daily
    certifying.key  technicians, devices, revocations, enrolment tokens, signing in to the server
    content.key     recipients, policy, known-issue packs
    enrolment.key   32 bytes from which every enrolment token's secret is derived; never leaves this machine

Each daily command opens only the keys it needs. The root is asked for at `init` and when root or issuers are replaced
(rotation.py), so root.key may be moved to a drawer right after it; the program says so.

A replaced key is written as NAME.new.key, then the books change, then it takes its place: whichever step was the last
before a crash, the books say which file is the key.
"""

import os
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from protocol.certificates import ROLE_MAY_SIGN, Document, IssuerCertificate, IssuerRole, Revocations
from protocol.fields import root_hash
from protocol.limits import CLOCK_SKEW_S, ENROLMENT_SECRET_BYTES
from protocol.statements import Envelope, SigningKey, VerifyKey, parse_payload
from protocol.trust import LeftRoot, Trust
from technician.keys.key_file import is_sealed, open_key, read_key_file, seal_key
from technician.keys.passphrase import Passphrases
from technician.organisation.records import IssuerRecord, LeftRootRecord, Records
from technician.private_files import private_folder, read_private, write_private
from technician.problems import Problem

ISSUER_YEARS: Final = 3
_YEAR_S: Final = 365 * 86_400
_SEAL_RANDOM_BYTES: Final = 28
_ENROLMENT_INFO: Final = b"bellpull enrolment secret v1 "


@dataclass(frozen=True)
class Identity:
    """Who the organisation is, as its own books say. `issuers`: the certificate of each role. `left`: oldest first."""

    name: str
    root_key: bytes
    issuers: dict[IssuerRole, Envelope]
    left: tuple[LeftRootRecord, ...] = ()
    issuer_revocations: Document | None = None

    @property
    def root_hash(self) -> bytes:
        return root_hash(self.root_key)

    @property
    def trust(self) -> Trust:
        """What a device believes that has heard everything: the root, and which issuers were revoked."""
        trust = Trust(
            root=VerifyKey(self.root_key),
            rotation_sequence=len(self.left),
            left=tuple(LeftRoot(VerifyKey(each.root_key), each.rotation) for each in self.left),
        )
        document = self.issuer_revocations
        if document is None:
            return trust
        name = parse_payload(document.statement, Revocations).floor_name
        return replace(trust, documents={name: document})

    def issuer_body(self, role: IssuerRole) -> IssuerCertificate:
        """What the certificate says, also when it is over."""
        return parse_payload(self.issuers[role], IssuerCertificate)

    @property
    def rotations(self) -> tuple[Envelope, ...]:
        return tuple(each.rotation for each in self.left)

    @property
    def first_root_key(self) -> bytes:
        return self.left[0].root_key if self.left else self.root_key

    def left_root(self, root_key: bytes | None) -> LeftRootRecord | None:
        """The root we left that somebody else still knows as ours."""
        return next((each for each in self.left if each.root_key == root_key), None)

    def issuer(self, role: IssuerRole, now: int) -> IssuerCertificate:
        return self.trust.issuer(self.issuers[role], now).body


def new_serial() -> str:
    return os.urandom(16).hex()


def create(folder: Path, name: str, passphrases: Passphrases | None, now: int) -> tuple[Identity, dict[str, VerifyKey]]:
    """Make root, issuers and enrolment key in `folder`. `passphrases` None: keys lie plain, by the owner's own wish."""
    private_folder(folder)
    if (folder / "root.key").exists() or (folder / "organisation.db").exists():
        raise Problem(
            "an organisation is already kept here",
            expected="an empty folder",
            got=str(folder),
            hint="Its keys were not touched. Choose another folder with --keys.",
        )
    passphrase = passphrases.new("the organisation's keys") if passphrases else None
    root = SigningKey(os.urandom(32))
    keys = {role: SigningKey(os.urandom(32)) for role in IssuerRole}
    issuers = {role: certify_issuer(root, role, key.public, name, now) for role, key in keys.items()}
    _write_key(folder, "root", root.public, root.seed(), passphrase)
    for role, key in keys.items():
        _write_key(folder, role.value, key.public, key.seed(), passphrase)
    _write_key(folder, "enrolment", b"", os.urandom(32), passphrase)
    with Records(folder / "organisation.db", create=True) as records:
        records.set_facts(organisation=name.encode())
        records.keep_issuers(root.public, [record_of(root.public, envelope) for envelope in issuers.values()])
    identity = Identity(name, root.public, issuers)
    return identity, {"root": root.verify_key, **{role.value: key.verify_key for role, key in keys.items()}}


def certify_issuer(
    root: SigningKey, role: IssuerRole, key: bytes, organisation: str, now: int, not_after: int | None = None
) -> Envelope:
    """The root's word on an issuer: all that its role may sign, for three years unless said otherwise."""
    return root.sign(
        IssuerCertificate(
            root=root_hash(root.public),
            serial=new_serial(),
            organisation=organisation,
            role=role,
            key=key,
            signs=tuple(sorted(ROLE_MAY_SIGN[role])),
            not_before=now - CLOCK_SKEW_S,
            not_after=not_after or now + ISSUER_YEARS * _YEAR_S,
        )
    )


def read_identity(records: Records) -> Identity:
    name, root_key = records.fact("organisation"), records.fact("root_key")
    if name is None or root_key is None:
        raise Problem("the organisation's books are incomplete", hint="Restore organisation.db from a backup.")
    issuers: dict[IssuerRole, Envelope] = {}
    for role in IssuerRole:
        envelope = records.fact(f"issuer_{role.value}")
        if envelope is not None:
            issuers[role] = Envelope.parse(envelope)
    revocations = next((document for document in records.documents() if document.issuer is None), None)
    if revocations is not None and parse_payload(revocations.statement, Revocations).root != root_hash(root_key):
        revocations = None  # of the root that was left; the new one signs its own
    return Identity(name.decode(), root_key, issuers, tuple(records.left_roots()), revocations)


def record_of(root_key: bytes, envelope: Envelope) -> IssuerRecord:
    body = parse_payload(envelope, IssuerCertificate)
    return IssuerRecord(body.serial, body.role.value, root_key, envelope, body.not_after, None, "")


def open_issuer(folder: Path, role: IssuerRole, passphrases: Passphrases, identity: Identity) -> SigningKey:
    public = parse_payload(identity.issuers[role], IssuerCertificate).key
    return SigningKey(open_key_of(folder / f"{role.value}.key", role.value, public, passphrases))


def open_key_of(path: Path, name: str, public: bytes, passphrases: Passphrases, *, keep: str = "") -> bytes:
    """The secret of the key that the books name, also when a replacement stopped before it took its place.

    `keep`: the name that an outdated file gets; without it, it is replaced.
    """
    new = path.with_name(f"{path.stem}.new.key")
    for candidate in (path, new):
        if not candidate.exists():
            continue
        data = read_private(candidate, what=f"{name} key")
        if read_key_file(data).public != public:
            continue
        secret = _open_bytes(data, name, candidate.name, passphrases)
        if candidate == new:
            take_place(path, keep=keep)
        return secret
    if not path.exists():
        read_private(
            path, what=f"{name} key", hint="Name its folder with --keys DIR, the root's file with --root FILE."
        )
    raise Problem(
        f"{path} is not the {name} key of now",
        expected=f"key {VerifyKey(public).key_id}",
        got=f"key {VerifyKey(read_key_file(read_private(path, what=f'{name} key')).public).key_id}",
        hint="It was replaced since; use the copy that was made after that.",
    )


def take_place(path: Path, *, keep: str = "") -> None:
    """NAME.new.key becomes NAME.key; what was there is kept under `keep`, or gone."""
    if keep and path.exists():
        path.replace(path.with_name(keep))
    path.with_name(f"{path.stem}.new.key").replace(path)


def write_new_key(path: Path, name: str, key: SigningKey, passphrases: Passphrases, *, sealed: bool) -> None:
    """NAME.new.key beside `path`, sealed with the same passphrase when the old one is."""
    passphrase = passphrases.existing("the organisation's keys") if sealed else None
    data = seal_key(name, key.public, key.seed(), passphrase, random=os.urandom(_SEAL_RANDOM_BYTES))
    write_private(path.with_name(f"{path.stem}.new.key"), data)


def enrolment_secret(folder: Path, token_id: str, passphrases: Passphrases) -> bytes:
    """The 32-byte secret of one token: HKDF over the enrolment key, so that nothing has to be kept for each token."""
    key = _open(folder, "enrolment", passphrases)
    info = _ENROLMENT_INFO + token_id.encode("ascii")
    return HKDF(algorithm=SHA256(), length=ENROLMENT_SECRET_BYTES, salt=None, info=info).derive(key)


def _write_key(folder: Path, name: str, public: bytes, secret: bytes, passphrase: str | None) -> None:
    sealed = seal_key(name, public, secret, passphrase, random=os.urandom(_SEAL_RANDOM_BYTES))
    write_private(folder / f"{name}.key", sealed)


def _open(folder: Path, name: str, passphrases: Passphrases) -> bytes:
    private_folder(folder)
    data = read_private(folder / f"{name}.key", what=f"{name} key", hint="Name its folder with --keys DIR.")
    return _open_bytes(data, name, f"{name}.key", passphrases)


def _open_bytes(data: bytes, name: str, where: str, passphrases: Passphrases) -> bytes:
    passphrase = passphrases.existing("the organisation's keys") if is_sealed(data) else None
    opened = open_key(data, passphrase, where=where)
    if opened.name != name:
        raise Problem(f"{where} holds another key", expected=name, got=opened.name)
    return opened.secret
