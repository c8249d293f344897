"""The organisation's keys as files, and its identity: who it is, its root, its two issuers.

    root.key        offline after `org init`: signs issuers, and nothing daily
    certifying.key  technicians, devices, revocations, enrolment tokens, signing in to the server
    content.key     recipients, policy, known-issue packs
    enrolment.key   32 bytes from which every enrolment token's secret is derived; never leaves this machine

Each daily command opens only the keys it needs. The root is asked for at `init` alone, so root.key may be moved to a
drawer right after it; the program says so.
"""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from protocol.certificates import ROLE_MAY_SIGN, IssuerCertificate, IssuerRole
from protocol.fields import root_hash
from protocol.limits import CLOCK_SKEW_S, ENROLMENT_SECRET_BYTES
from protocol.statements import Envelope, SigningKey, VerifyKey
from protocol.trust import Trust
from technician.keys.key_file import is_sealed, open_key, seal_key
from technician.keys.passphrase import Passphrases
from technician.organisation.records import Records
from technician.private_files import private_folder, read_private, write_private
from technician.problems import Problem

ISSUER_YEARS: Final = 3
_YEAR_S: Final = 365 * 86_400
_SEAL_RANDOM_BYTES: Final = 28
_ENROLMENT_INFO: Final = b"bellpull enrolment secret v1 "


@dataclass(frozen=True)
class Identity:
    """Who the organisation is, as its own books say. `issuers`: the certificate of each role."""

    name: str
    root_key: bytes
    issuers: dict[IssuerRole, Envelope]

    @property
    def root_hash(self) -> bytes:
        return root_hash(self.root_key)

    @property
    def trust(self) -> Trust:
        return Trust(root=VerifyKey(self.root_key))

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
    issuers = {
        role: root.sign(
            IssuerCertificate(
                root=root_hash(root.public),
                serial=new_serial(),
                organisation=name,
                role=role,
                key=key.public,
                signs=tuple(sorted(ROLE_MAY_SIGN[role])),
                not_before=now - CLOCK_SKEW_S,
                not_after=now + ISSUER_YEARS * _YEAR_S,
            )
        )
        for role, key in keys.items()
    }
    _write_key(folder, "root", root.public, root.seed(), passphrase)
    for role, key in keys.items():
        _write_key(folder, role.value, key.public, key.seed(), passphrase)
    _write_key(folder, "enrolment", b"", os.urandom(32), passphrase)
    with Records(folder / "organisation.db", create=True) as records:
        records.set_facts(
            organisation=name.encode(),
            root_key=root.public,
            **{f"issuer_{role.value}": envelope.to_bytes() for role, envelope in issuers.items()},
        )
    identity = Identity(name, root.public, issuers)
    return identity, {"root": root.verify_key, **{role.value: key.verify_key for role, key in keys.items()}}


def read_identity(records: Records) -> Identity:
    name, root_key = records.fact("organisation"), records.fact("root_key")
    if name is None or root_key is None:
        raise Problem("the organisation's books are incomplete", hint="Restore organisation.db from a backup.")
    issuers: dict[IssuerRole, Envelope] = {}
    for role in IssuerRole:
        envelope = records.fact(f"issuer_{role.value}")
        if envelope is not None:
            issuers[role] = Envelope.parse(envelope)
    return Identity(name.decode(), root_key, issuers)


def open_issuer(folder: Path, role: IssuerRole, passphrases: Passphrases) -> SigningKey:
    return SigningKey(_open(folder, role.value, passphrases))


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
    passphrase = passphrases.existing("the organisation's keys") if is_sealed(data) else None
    opened = open_key(data, passphrase, where=f"{name}.key")
    if opened.name != name:
        raise Problem(f"{name}.key holds another key", expected=name, got=opened.name)
    return opened.secret
