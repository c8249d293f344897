"""The organisation's books: one SQLite file, so that a version number is never given out twice and a serial never lost.

    facts          name → value        organisation, root key, issuer certificates, the pinned server
    versions       floor name → number the last version signed under that name
    certificates   serial → chain      technicians and devices, with their revocation
    tokens         id → customer       enrolment tokens and the device that used each
    documents      floor name → bytes  the newest of each, as published
    issuers        serial → envelope   every issuer certificate the root ever signed, with its revocation
    left_roots     number → rotation   roots that were left, and the certifying issuer's certificate under each

Nothing here is secret (keys and the enrolment secret are key files), but all of it is worth a backup.
"""

import sqlite3
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal, Self

from protocol.certificates import Chain, Document
from protocol.statements import Envelope
from technician.private_files import private_folder
from technician.problems import Problem

_TABLES: Final = (
    "CREATE TABLE IF NOT EXISTS facts (name TEXT PRIMARY KEY, value BLOB NOT NULL) STRICT",
    "CREATE TABLE IF NOT EXISTS versions (name TEXT PRIMARY KEY, version INTEGER NOT NULL) STRICT",
    """CREATE TABLE IF NOT EXISTS certificates (
        serial TEXT PRIMARY KEY, kind TEXT NOT NULL, subject TEXT NOT NULL, chain BLOB NOT NULL,
        issued_at INTEGER NOT NULL, not_after INTEGER NOT NULL, revoked_at INTEGER, reason TEXT NOT NULL DEFAULT ''
    ) STRICT""",
    """CREATE TABLE IF NOT EXISTS tokens (
        token_id TEXT PRIMARY KEY, customer TEXT NOT NULL, issued_at INTEGER NOT NULL, not_after INTEGER NOT NULL,
        device TEXT
    ) STRICT""",
    """CREATE TABLE IF NOT EXISTS documents (
        name TEXT PRIMARY KEY, version INTEGER NOT NULL, document BLOB NOT NULL
    ) STRICT""",
    """CREATE TABLE IF NOT EXISTS issuers (
        serial TEXT PRIMARY KEY, role TEXT NOT NULL, root_key BLOB NOT NULL, envelope BLOB NOT NULL,
        not_after INTEGER NOT NULL, revoked_at INTEGER, reason TEXT NOT NULL DEFAULT ''
    ) STRICT""",
    """CREATE TABLE IF NOT EXISTS left_roots (
        sequence INTEGER PRIMARY KEY, root_key BLOB NOT NULL, rotation BLOB NOT NULL, certifying BLOB NOT NULL
    ) STRICT""",
)
_LOCK_TIMEOUT_S: Final = 30  # another bellpull org command holds the books for milliseconds

CertificateKind = Literal["technician", "device"]


@dataclass(frozen=True)
class CertificateRecord:
    """`subject`: a technician's name or a device id."""

    serial: str
    kind: CertificateKind
    subject: str
    chain: Chain
    issued_at: int
    not_after: int
    revoked_at: int | None
    reason: str


@dataclass(frozen=True)
class TokenRecord:
    token_id: str
    customer: str
    issued_at: int
    not_after: int
    device: str | None


@dataclass(frozen=True)
class IssuerRecord:
    """An issuer certificate under `root_key`, which may have been left since."""

    serial: str
    role: str
    root_key: bytes
    envelope: Envelope
    not_after: int
    revoked_at: int | None
    reason: str


@dataclass(frozen=True)
class LeftRootRecord:
    """`certifying`: that issuer's certificate under the root that was left; the server may still know that one."""

    sequence: int
    root_key: bytes
    rotation: Envelope
    certifying: Envelope


class Records:
    def __init__(self, path: Path, *, create: bool = False) -> None:
        private_folder(path.parent)
        if not create and not path.exists():
            raise Problem(
                "there is no organisation here",
                expected=str(path),
                got="nothing",
                hint="Make one first: bellpull org init --name NAME --keys DIR",
            )
        if create:
            path.touch(mode=0o600, exist_ok=True)
        elif sys.platform != "win32" and path.stat().st_mode & 0o077:
            raise Problem(f"others can read {path}", expected="mode 600", hint=f"Close it first: chmod 600 {path}")
        self._connection = sqlite3.connect(path, timeout=_LOCK_TIMEOUT_S, isolation_level=None)
        self._connection.row_factory = sqlite3.Row
        self._connection.execute("PRAGMA synchronous = FULL")
        for table in _TABLES:
            self._connection.execute(table)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._connection.close()

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """One writer at a time, over processes: what is read inside is still true when it is written."""
        self._connection.execute("BEGIN IMMEDIATE")
        try:
            yield self._connection
        except BaseException:
            self._connection.execute("ROLLBACK")
            raise
        self._connection.execute("COMMIT")

    # --- facts -------------------------------------------------------------------------------------------

    def fact(self, name: str) -> bytes | None:
        row = self._connection.execute("SELECT value FROM facts WHERE name = ?", (name,)).fetchone()
        return None if row is None else bytes(row["value"])

    def set_facts(self, **values: bytes) -> None:
        with self.transaction() as connection:
            connection.executemany("INSERT OR REPLACE INTO facts VALUES (?, ?)", values.items())

    # --- root and issuers --------------------------------------------------------------------------------

    def keep_issuers(
        self, root_key: bytes, issuers: Sequence[IssuerRecord], left: LeftRootRecord | None = None
    ) -> None:
        """The issuers in force from now on, and the root that was left for it: all at once or not at all."""
        with self.transaction() as connection:
            facts = {f"issuer_{issuer.role}": issuer.envelope.to_bytes() for issuer in issuers}
            connection.executemany(
                "INSERT OR REPLACE INTO facts VALUES (?, ?)", [("root_key", root_key), *facts.items()]
            )
            connection.executemany(
                "INSERT OR IGNORE INTO issuers VALUES (?, ?, ?, ?, ?, NULL, '')",
                [
                    (issuer.serial, issuer.role, issuer.root_key, issuer.envelope.to_bytes(), issuer.not_after)
                    for issuer in issuers
                ],
            )
            if left is not None:
                connection.execute(
                    "INSERT INTO left_roots VALUES (?, ?, ?, ?)",
                    (left.sequence, left.root_key, left.rotation.to_bytes(), left.certifying.to_bytes()),
                )

    def issuers(self) -> list[IssuerRecord]:
        rows = self._connection.execute("SELECT * FROM issuers ORDER BY not_after, serial")
        return [
            IssuerRecord(
                row["serial"],
                row["role"],
                row["root_key"],
                Envelope.parse(row["envelope"]),
                row["not_after"],
                row["revoked_at"],
                row["reason"],
            )
            for row in rows
        ]

    def revoke_issuer(self, serial: str, reason: str, now: int) -> None:
        with self.transaction() as connection:
            connection.execute(
                "UPDATE issuers SET revoked_at = ?, reason = ? WHERE serial = ? AND revoked_at IS NULL",
                (now, reason, serial),
            )

    def left_roots(self) -> list[LeftRootRecord]:
        """Oldest first."""
        rows = self._connection.execute("SELECT * FROM left_roots ORDER BY sequence")
        return [
            LeftRootRecord(
                row["sequence"], row["root_key"], Envelope.parse(row["rotation"]), Envelope.parse(row["certifying"])
            )
            for row in rows
        ]

    # --- versions ----------------------------------------------------------------------------------------

    def next_version(self, name: str) -> int:
        """The next number under `name`, taken for ever, before anything is signed with it."""
        with self.transaction() as connection:
            row = connection.execute(
                "INSERT INTO versions VALUES (?, 1) ON CONFLICT (name) DO UPDATE SET version = version + 1"
                " RETURNING version",
                (name,),
            ).fetchone()
        return int(row["version"])

    def floors(self) -> dict[str, int]:
        """Floor name → the version of the newest document published under it."""
        rows = self._connection.execute("SELECT name, version FROM documents ORDER BY name")
        return {row["name"]: row["version"] for row in rows}

    def keep_document(self, name: str, version: int, document: Document) -> None:
        """Two commands at once: the one with the higher version stays."""
        with self.transaction() as connection:
            connection.execute(
                "INSERT INTO documents VALUES (?, ?, ?) ON CONFLICT (name) DO UPDATE"
                " SET version = excluded.version, document = excluded.document WHERE excluded.version > version",
                (name, version, document.model_dump_json().encode()),
            )

    def documents(self) -> list[Document]:
        rows = self._connection.execute("SELECT document FROM documents ORDER BY name")
        return [Document.model_validate_json(row["document"]) for row in rows]

    # --- certificates ------------------------------------------------------------------------------------

    def keep_certificate(self, record: CertificateRecord) -> None:
        with self.transaction() as connection:
            connection.execute(
                "INSERT INTO certificates VALUES (?, ?, ?, ?, ?, ?, NULL, '')",
                (
                    record.serial,
                    record.kind,
                    record.subject,
                    record.chain.model_dump_json().encode(),
                    record.issued_at,
                    record.not_after,
                ),
            )

    def certificates(self, kind: CertificateKind | None = None) -> list[CertificateRecord]:
        rows = self._connection.execute(
            "SELECT * FROM certificates WHERE kind = ?1 OR ?1 IS NULL ORDER BY issued_at, rowid", (kind,)
        )
        return [
            CertificateRecord(
                row["serial"],
                row["kind"],
                row["subject"],
                Chain.model_validate_json(row["chain"]),
                row["issued_at"],
                row["not_after"],
                row["revoked_at"],
                row["reason"],
            )
            for row in rows
        ]

    def revoke(self, serial: str, reason: str, now: int) -> None:
        with self.transaction() as connection:
            connection.execute(
                "UPDATE certificates SET revoked_at = ?, reason = ? WHERE serial = ? AND revoked_at IS NULL",
                (now, reason, serial),
            )

    def revoked_serials(self, now: int) -> tuple[str, ...]:
        """Revoked and not expired by themselves: an expired certificate is refused anyway."""
        rows = self._connection.execute(
            "SELECT serial FROM certificates WHERE revoked_at IS NOT NULL AND not_after >= ? ORDER BY revoked_at",
            (now,),
        )
        return tuple(row["serial"] for row in rows)

    # --- enrolment tokens --------------------------------------------------------------------------------

    def keep_token(self, token: TokenRecord) -> None:
        with self.transaction() as connection:
            connection.execute(
                "INSERT INTO tokens VALUES (?, ?, ?, ?, NULL)",
                (token.token_id, token.customer, token.issued_at, token.not_after),
            )

    def token(self, token_id: str) -> TokenRecord | None:
        row = self._connection.execute("SELECT * FROM tokens WHERE token_id = ?", (token_id,)).fetchone()
        return None if row is None else TokenRecord(*row)

    def use_token(self, token_id: str, device: str) -> bool:
        """Bind the token to `device`; False when another device has used it."""
        with self.transaction() as connection:
            connection.execute("UPDATE tokens SET device = ? WHERE token_id = ? AND device IS NULL", (device, token_id))
            row = connection.execute("SELECT device FROM tokens WHERE token_id = ?", (token_id,)).fetchone()
        return row is not None and row["device"] == device
