"""What a technician's program believes, kept on disk: the pinned root, floors, documents, the newest checkpoint.

`TrustStore.accept` writes before the new trust is used, so that a crash never lowers a floor. Rollbacks and forks are
kept as alarms: they mean that somebody withholds or signs two truths.

The clock has a floor too: the newest time that a verified document of the organisation named. A clock turned back, or
one that starts in 1970, does not bring an expired certificate back to life. The server's word about time is no source.
"""

from collections.abc import Iterable
from typing import Annotated, Literal

from pydantic import Field

from protocol import strict_json
from protocol.certificates import Document, RootRotation
from protocol.fields import Base64, PublicKey, UnixSeconds, Version, root_hash
from protocol.limits import CLOCK_SKEW_S, PACK_STATEMENT_MAX_BYTES
from protocol.statements import Envelope, VerifyKey, parse_payload
from protocol.strict_json import WireModel
from protocol.trust import Floor, ForkedDocumentError, LeftRoot, RollbackError, Trust
from technician.home import Home
from technician.private_files import read_private, write_private
from technician.problems import Problem


class StoredFloor(WireModel):
    version: Version
    hash: Base64


class StoredLeftRoot(WireModel):
    root_key: PublicKey
    rotation: Envelope


class StoredTrust(WireModel):
    format: Literal["bellpull trust 1"] = "bellpull trust 1"
    root_key: PublicKey
    rotation_sequence: Annotated[int, Field(ge=0)]
    floors: dict[str, StoredFloor]
    documents: dict[str, Document]
    left: tuple[StoredLeftRoot, ...] = ()
    clock_floor: UnixSeconds = 0


class Alarm(WireModel):
    """One line of alarms.jsonl."""

    at: UnixSeconds
    kind: Literal["rollback", "fork", "split-view", "receipt"]
    text: Annotated[str, Field(max_length=1000)]


class TrustStore:
    def __init__(self, home: Home, trust: Trust, clock_floor: int = 0) -> None:
        self._home = home
        self._trust = trust
        self._clock_floor = clock_floor

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
            left=tuple(LeftRoot(VerifyKey(each.root_key), each.rotation) for each in stored.left),
        )
        return cls(home, trust, stored.clock_floor)

    @classmethod
    def pin(cls, home: Home, proven: Trust, now: int) -> "TrustStore":
        """Pin the organisation's root. Another root than the one pinned before is refused for ever, unless the
        rotations in `proven` lead from the one to the other."""
        if not home.trust.exists():
            store = cls(home, proven)
            store._write(store.trust)
            return store
        store = cls.open(home)
        store.follow(tuple(left.rotation for left in proven.left), now)
        if store.trust.root != proven.root:
            raise Problem(
                "this certificate comes from another organisation root",
                expected=f"root {store.trust.root.fingerprint[:19]}",
                got=f"root {proven.root.fingerprint[:19]}",
                hint="Use another --home for another organisation.",
            )
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
        # Only once it was verified; `now` keeps a statement from the future from setting the clock.
        body = self._trust.check_document(document, now)
        self._clock_floor = max(self._clock_floor, min(body.issued_at, now + CLOCK_SKEW_S))
        self._write(accepted)
        self._trust = accepted
        return True

    def follow(self, rotations: Iterable[Envelope], now: int) -> bool:
        """Follow the root where the organisation has moved it; True when it moved. A fork raises and leaves an alarm.

        Rotations from before the root that was pinned here first say nothing to us.
        """
        before = self._trust
        for envelope in rotations:
            claimed = parse_payload(envelope, RootRotation)
            known = {root_hash(root.public) for root in self._trust.roots}
            if claimed.sequence <= self._trust.rotation_sequence and claimed.old_root not in known:
                continue
            try:
                followed = self._trust.rotate(envelope)
            except (ForkedDocumentError, RollbackError) as error:
                self.alarm("fork" if isinstance(error, ForkedDocumentError) else "rollback", str(error), now)
                raise
            if followed is not self._trust:
                self._write(followed)
                self._trust = followed
        return self._trust is not before

    def now(self, clock: int) -> int:
        """The time by this computer's clock, never before what verified documents have shown to be past."""
        return max(clock, self._clock_floor)

    @property
    def clock_floor(self) -> int:
        return self._clock_floor

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
            left=tuple(StoredLeftRoot(root_key=each.key.public, rotation=each.rotation) for each in trust.left),
            clock_floor=self._clock_floor,
        )
        write_private(self._home.trust, strict_json.dump(stored))
