"""What this device believes, kept: every change is on the disk before anybody acts on it.

`protocol.trust.Trust` decides; this file remembers. An older document, or a second one with the same version, is
refused and kept as an alarm that `status` shows until the organisation has been told. Only verified statements reach
the clock as a second source.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import StrEnum

from agent.clocks import Clocks
from agent.identity.identity import Identity
from agent.refusal import Refusal
from agent.store.database import Database
from protocol import strict_json
from protocol.certificates import Chain, DeviceCertificate, Document, IssuerCertificate, RootRotation
from protocol.errors import ProtocolError, RemoteProtocolError
from protocol.fields import root_hash
from protocol.limits import DOCUMENT_MAX_BYTES
from protocol.statements import Envelope, VerifyKey, parse_payload, verify
from protocol.trust import Floor, ForkedDocumentError, LeftRoot, RollbackError, Trust


class AlarmKind(StrEnum):
    ROLLBACK = "rollback"  # somebody showed an older document than one already seen
    FORK = "fork"  # two documents with one version: an issuer key signs two truths
    DAMAGED = "damaged"  # what was kept on this disk is not what was accepted
    SPLIT_VIEW = "split-view"  # the server's log shows different histories


@dataclass(frozen=True)
class Alarm:
    """Kept for ever; the same alarm twice is one."""

    at: int
    kind: AlarmKind
    name: str
    expected: str
    got: str


class TrustStore:
    """The trust of one enrolled device. `confirm_time` hears the times in verified statements, and who signed them."""

    def __init__(
        self,
        database: Database,
        identity: Identity,
        clocks: Clocks,
        *,
        confirm_time: Callable[[int, str], None] = lambda unix_s, signer: None,
    ) -> None:
        self._database = database
        self._identity = identity
        self._clocks = clocks
        self._confirm_time = confirm_time
        self._trust = self._load() or self._pin()
        self._certificate = self._load_certificate()
        for name, version in identity.token.floors.items():
            self._raise_floor(name, version)

    @property
    def trust(self) -> Trust:
        return self._trust

    @property
    def certificate(self) -> Chain | None:
        """This device's own certificate, or None until the organisation has approved it."""
        return self._certificate

    @property
    def device_certificate(self) -> DeviceCertificate | None:
        """Its body. Verified when it was accepted; whether it is still valid, `trust.device` says."""
        return None if self._certificate is None else parse_payload(self._certificate.leaf, DeviceCertificate)

    # --- what comes in --------------------------------------------------------------------------------------

    def accept(self, document: Document) -> bool:
        """Take a published document: True when it is new. Raises RemoteProtocolError; alarms are kept first."""
        self._hear_time(document)
        try:
            decided = self._trust.accept(document, self._clocks.wall())
        except RollbackError as error:
            self.raise_alarm(AlarmKind.ROLLBACK, error.what, error.expected, error.got)
            raise
        except ForkedDocumentError as error:
            self.raise_alarm(AlarmKind.FORK, error.what, error.expected, document.statement.hash.hex()[:16])
            raise
        if decided is self._trust:
            return False
        body = self._trust.check_document(document, self._clocks.wall())
        floor = decided.floors[body.floor_name]
        with self._database.transaction() as connection:
            _put_floor(connection.execute, body.floor_name, floor)
            connection.execute(
                "INSERT INTO trust_documents VALUES (?, ?) "
                "ON CONFLICT (name) DO UPDATE SET document = excluded.document",
                (body.floor_name, strict_json.dump(document)),
            )
        self._trust = decided
        return True

    def _hear_time(self, document: Document) -> None:
        """A device whose clock is dead cannot judge validity, but it can judge signatures: they say how late it is."""
        try:
            unix_s, signer = self._trust.time_in(document)
        except ProtocolError:
            return  # not the organisation's: `accept` says so
        self._confirm_time(unix_s, signer)

    def accept_rotation(self, envelope: Envelope) -> bool:
        """Follow a rotation of the root; one already followed is False. Documents of the old root are dropped.

        A second rotation away from a root that was left, or one that leads back to it, is refused with an alarm. One
        from before the root that this device was enrolled under says nothing to it.
        """
        claimed = parse_payload(envelope, RootRotation)
        known = {root_hash(root.public) for root in self._trust.roots}
        if claimed.sequence <= self._trust.rotation_sequence and claimed.old_root not in known:
            return False
        try:
            decided = self._trust.rotate(envelope)
        except ForkedDocumentError as error:
            self.raise_alarm(AlarmKind.FORK, error.what, error.expected, envelope.hash.hex()[:16])
            raise
        except RollbackError as error:
            self.raise_alarm(AlarmKind.ROLLBACK, error.what, error.expected, error.got)
            raise
        if decided is self._trust:
            return False
        with self._database.transaction() as connection:
            connection.execute(
                "UPDATE trust_root SET root_key = ?, rotation_sequence = ? WHERE id = 1",
                (decided.root.public, decided.rotation_sequence),
            )
            connection.execute(
                "INSERT INTO trust_rotations VALUES (?, ?, ?)",
                (decided.rotation_sequence, self._trust.root.public, strict_json.dump(envelope)),
            )
            connection.execute("DELETE FROM trust_floors")
            for name, floor in decided.floors.items():
                _put_floor(connection.execute, name, floor)
            connection.execute("DELETE FROM trust_documents")
            connection.execute("DELETE FROM trust_certificate")
        self._trust, self._certificate = decided, None
        self._confirm_time(claimed.issued_at, "root")
        return True

    def accept_certificate(self, chain: Chain) -> None:
        """This device's certificate, as the organisation signed it. Raises RemoteProtocolError for any other.

        An older one than the one in force is refused with an alarm: it may name a customer that the device left.
        """
        body = self._trust.device(chain, self._clocks.wall()).body
        if chain == self._certificate:
            return
        own = (
            ("device", self._identity.device, body.device),
            ("signing key", self._identity.signing.public, body.signing_key),
            ("noise key", self._identity.noise.public_key().public_bytes_raw(), body.noise_key),
            ("witness key", self._identity.witness.verifier.public_key, body.witness_key),
        )
        for what, expected, got in own:
            if expected != got:
                raise RemoteProtocolError(
                    f"a device certificate with another {what}", expected="this device's own", got="another"
                )
        kept = self._certificate_in_force()
        if kept is not None and body.not_before < kept.not_before:
            what, expected, got = "device certificate", f"one from {kept.not_before} or later", f"{body.not_before}"
            self.raise_alarm(AlarmKind.ROLLBACK, what, expected, got)
            raise RollbackError("an older device certificate than the one in force", expected=expected, got=got)
        with self._database.transaction() as connection:
            connection.execute(
                "INSERT INTO trust_certificate VALUES (1, ?) ON CONFLICT (id) DO UPDATE SET chain = excluded.chain",
                (strict_json.dump(chain),),
            )
        self._certificate = chain
        self._confirm_time(body.not_before, "certificate")

    def _certificate_in_force(self) -> DeviceCertificate | None:
        if self._certificate is None:
            return None
        try:
            return self._trust.device(self._certificate, self._clocks.wall()).body
        except RemoteProtocolError:
            return None  # over, or revoked: any that holds is better

    # --- alarms ---------------------------------------------------------------------------------------------

    def alarms(self) -> list[Alarm]:
        rows = self._database.query("SELECT at, kind, name, expected, got FROM trust_alarms ORDER BY id LIMIT 100")
        return [Alarm(row["at"], AlarmKind(row["kind"]), row["name"], row["expected"], row["got"]) for row in rows]

    def raise_alarm(self, kind: AlarmKind, name: str, expected: str, got: str) -> None:
        with self._database.transaction() as connection:
            connection.execute(
                "INSERT OR IGNORE INTO trust_alarms (at, kind, name, expected, got) VALUES (?, ?, ?, ?, ?)",
                (self._clocks.wall(), kind.value, name[:200], expected[:200], got[:200]),
            )

    # --- keeping --------------------------------------------------------------------------------------------

    def _pin(self) -> Trust:
        token = self._identity.token
        trust = Trust(
            root=self._identity.root_key,
            rotation_sequence=token.rotations,
            floors={name: Floor(version) for name, version in token.floors.items()},
        )
        with self._database.transaction() as connection:
            connection.execute("INSERT INTO trust_root VALUES (1, ?, ?)", (trust.root.public, token.rotations))
            for name, floor in trust.floors.items():
                _put_floor(connection.execute, name, floor)
        if self._clocks.wall() > token.not_after:
            # A token is used within a day. What is pinned for the first time after that has lost its memory.
            self.raise_alarm(AlarmKind.DAMAGED, "what this device remembers", "its own database", "an empty one")
        return trust

    def _raise_floor(self, name: str, version: int) -> None:
        """A newer token of the same root may carry higher floors than those kept; lower ones change nothing."""
        floor = self._trust.floors.get(name)
        if floor is not None and floor.version >= version:
            return
        with self._database.transaction() as connection:
            _put_floor(connection.execute, name, Floor(version))
            connection.execute("DELETE FROM trust_documents WHERE name = ?", (name,))
        loaded = self._load()
        assert loaded is not None  # noqa: S101 - pinned before
        self._trust = loaded

    def _load(self) -> Trust | None:
        rows = self._database.query("SELECT root_key, rotation_sequence FROM trust_root")
        if not rows:
            return None
        root, sequence = VerifyKey(rows[0]["root_key"]), rows[0]["rotation_sequence"]
        if sequence == self._identity.token.rotations and root != self._identity.root_key:
            raise Refusal(
                "the database of this state folder belongs to another organisation",
                expected=f"root {self._identity.root_key.key_id}",
                got=f"root {root.key_id}",
                hint="Keys and database of two devices were mixed. Restore both from one backup.",
            )
        floors = {
            row["name"]: Floor(row["version"], row["hash"])
            for row in self._database.query("SELECT name, version, hash FROM trust_floors")
        }
        documents: dict[str, Document] = {}
        for row in self._database.query("SELECT name, document FROM trust_documents"):
            document = self._read_document(row["name"], row["document"], floors)
            if document is not None:
                documents[row["name"]] = document
            if document is None:
                continue
            # The document is proven; the number beside it may be what was damaged, and must not open the way back.
            version = _version_in(document)
            if floors[row["name"]].version != version:
                self.raise_alarm(AlarmKind.DAMAGED, row["name"], f"floor {version}", str(floors[row["name"]].version))
                floors[row["name"]] = replace(floors[row["name"]], version=version)
        left = tuple(
            LeftRoot(VerifyKey(row["root_key"]), Envelope.parse(row["rotation"]))
            for row in self._database.query("SELECT root_key, rotation FROM trust_rotations ORDER BY sequence")
        )
        return Trust(root=root, rotation_sequence=sequence, floors=floors, documents=documents, left=left)

    def _read_document(self, name: str, stored: bytes, floors: dict[str, Floor]) -> Document | None:
        """What was accepted, or None with an alarm when the disk holds something else. The floor stays."""
        floor = floors.get(name)
        try:
            document = strict_json.parse(stored, Document, what=name, max_bytes=DOCUMENT_MAX_BYTES)
        except ProtocolError as error:
            self.raise_alarm(AlarmKind.DAMAGED, name, "the document that was accepted", error.got or error.what)
            return None
        if floor is None or document.statement.hash != floor.hash:
            self.raise_alarm(AlarmKind.DAMAGED, name, "the document that was accepted", "other bytes")
            return None
        return document

    def _load_certificate(self) -> Chain | None:
        rows = self._database.query("SELECT chain FROM trust_certificate")
        if not rows:
            return None
        try:
            # Whether it still counts, `trust.device` says; here only that it is the one that was accepted.
            chain = strict_json.parse(rows[0]["chain"], Chain, what="device certificate", max_bytes=DOCUMENT_MAX_BYTES)
            issuer = verify(chain.issuer, IssuerCertificate, self._trust.root).body
            body = verify(chain.leaf, DeviceCertificate, VerifyKey(issuer.key)).body
        except ProtocolError as error:
            self.raise_alarm(AlarmKind.DAMAGED, "device certificate", "the one that was accepted", error.what)
            return None
        return chain if body.device == self._identity.device else None


def _version_in(document: Document) -> int:
    """Of a document that was accepted: every published one carries its version."""
    value = strict_json.check_json(document.statement.payload, what="document", max_bytes=DOCUMENT_MAX_BYTES)
    assert isinstance(value, dict)  # noqa: S101 - it was parsed when it was accepted, and is the same by its hash
    return int(value["version"])


def _put_floor(execute: Callable[[str, tuple[object, ...]], object], name: str, floor: Floor) -> None:
    execute(
        "INSERT INTO trust_floors VALUES (?, ?, ?) "
        "ON CONFLICT (name) DO UPDATE SET version = excluded.version, hash = excluded.hash",
        (name, floor.version, floor.hash),
    )
