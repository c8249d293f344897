"""What a technician's program believes, kept on disk: the pinned root, floors, documents, the newest checkpoint.

`TrustStore.accept` writes before the new trust is used, so that a crash never lowers a floor. Rollbacks and forks are
kept as alarms: they mean that somebody withholds or signs two truths.
"""

from typing import Annotated, Literal

from pydantic import Field

from protocol import strict_json
from protocol.certificates import Document
from protocol.fields import Base64, PublicKey, UnixSeconds, Version
from protocol.limits import PACK_STATEMENT_MAX_BYTES
from protocol.statements import VerifyKey
from protocol.strict_json import WireModel
from protocol.trust import Floor, ForkedDocumentError, RollbackError, Trust
from technician.home import Home
from technician.private_files import read_private, write_private
from technician.problems import Problem


class StoredFloor(WireModel):
    version: Version
    hash: Base64


class StoredTrust(WireModel):
    format: Literal["bellpull trust 1"] = "bellpull trust 1"
    root_key: PublicKey
    rotation_sequence: Annotated[int, Field(ge=0)]
    floors: dict[str, StoredFloor]
    documents: dict[str, Document]


class Alarm(WireModel):
    """One line of alarms.jsonl."""

    at: UnixSeconds
    kind: Literal["rollback", "fork", "split-view", "receipt"]
    text: Annotated[str, Field(max_length=1000)]


class TrustStore:
    def __init__(self, home: Home, trust: Trust) -> None:
        self._home = home
        self._trust = trust

    @classmethod
    def open(cls, home: Home) -> "TrustStore":
        hint = "Install your certificate first: bellpull keys install CERTIFICATE"
        data = read_private(home.trust, what="pinned organisation root", hint=hint)
        stored = strict_json.parse(data, StoredTrust, what="trust file", max_bytes=8 * PACK_STATEMENT_MAX_BYTES)
        trust = Trust(
            root=VerifyKey(stored.root_key),
            rotation_sequence=stored.rotation_sequence,
            floors={name: Floor(floor.version, floor.hash) for name, floor in stored.floors.items()},
            documents=stored.documents,
        )
        return cls(home, trust)

    @classmethod
    def pin(cls, home: Home, root_key: bytes) -> "TrustStore":
        """Pin the organisation's root. Another root than the one pinned before is refused for ever."""
        if home.trust.exists():
            store = cls.open(home)
            if store.trust.root.public != root_key:
                raise Problem(
                    "this certificate comes from another organisation root",
                    expected=f"root {store.trust.root.fingerprint[:19]}",
                    got=f"root {VerifyKey(root_key).fingerprint[:19]}",
                    hint="Use another --home for another organisation.",
                )
            return store
        store = cls(home, Trust(root=VerifyKey(root_key)))
        store._write(store.trust)
        return store

    @property
    def trust(self) -> Trust:
        return self._trust

    def accept(self, document: Document, now: int) -> bool:
        """Take a newer document; True when it changed something. Older and forked ones raise and leave an alarm."""
        try:
            accepted = self._trust.accept(document, now)
        except RollbackError as error:
            self.alarm("rollback", str(error), now)
            raise
        except ForkedDocumentError as error:
            self.alarm("fork", str(error), now)
            raise
        if accepted is self._trust:
            return False
        self._write(accepted)
        self._trust = accepted
        return True

    def alarm(self, kind: Literal["rollback", "fork", "split-view", "receipt"], text: str, now: int) -> None:
        """Keep what must not be forgotten."""
        kept = read_private(self._home.alarms, what="alarms") if self._home.alarms.exists() else b""
        line = strict_json.dump(Alarm(at=now, kind=kind, text=text[:1000])) + b"\n"
        write_private(self._home.alarms, kept + line)

    def alarms(self) -> list[Alarm]:
        if not self._home.alarms.exists():
            return []
        lines = read_private(self._home.alarms, what="alarms").splitlines()
        return [Alarm.model_validate_json(line) for line in lines]

    def newest_checkpoint(self) -> str:
        """The newest checkpoint of the server's log this technician has seen; empty before the first."""
        if not self._home.checkpoint.exists():
            return ""
        return read_private(self._home.checkpoint, what="checkpoint").decode()

    def keep_checkpoint(self, note: str) -> None:
        write_private(self._home.checkpoint, note.encode())

    def _write(self, trust: Trust) -> None:
        stored = StoredTrust(
            root_key=trust.root.public,
            rotation_sequence=trust.rotation_sequence,
            floors={name: StoredFloor(version=floor.version, hash=floor.hash) for name, floor in trust.floors.items()},
            documents=dict(trust.documents),
        )
        write_private(self._home.trust, strict_json.dump(stored))
