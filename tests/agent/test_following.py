"""Documents and certificates as a server hands them out: honest, older, forged, endless."""

from collections.abc import Callable

import pytest

from agent.identity.following import Following
from agent.identity.identity import Identity
from agent.identity.trust_store import AlarmKind, TrustStore
from agent.link.link import Link
from agent.link.outbox import Outbox
from agent.paths import StateFolder
from agent.store.database import Database
from protocol import strict_json
from protocol.certificates import Document, KnownIssuePack, PackedIssue, Revocations, RootRotation
from protocol.errors import RemoteProtocolError
from protocol.fields import sha256
from protocol.limits import DOCUMENT_PART_BYTES, PACK_STATEMENT_MAX_BYTES
from protocol.messages.documents import (
    DocumentPart,
    Documents,
    FetchDocumentPart,
    FetchDocuments,
    LargeDocument,
    LargeDocuments,
)
from protocol.messages.login import Certified, Welcome
from protocol.strict_json import WireModel
from tests.agent.doubles import HandClocks, MemoryLog, device_certificate, enrol_in_memory, recipients
from tests.making import DAY, NOW, Organisation, rotation, serial


class NotedLink(Link):
    """Keeps what would be sent."""

    def __init__(self, identity: Identity, outbox: Outbox, clocks: HandClocks, log: MemoryLog) -> None:
        super().__init__(identity, outbox, clocks, log=log)
        self.sent: list[WireModel] = []

    def send(self, message: WireModel) -> None:
        self.sent.append(message)


class Bench:
    def __init__(self, identity: Identity, trust: TrustStore, outbox: Outbox, clocks: HandClocks, log: MemoryLog):
        self.identity, self.trust, self.log = identity, trust, log
        self.link = NotedLink(identity, outbox, clocks, log)
        self.changes = 0
        self.following = Following(trust, self.link, log=log, changed=self._changed)

    async def _changed(self) -> None:
        self.changes += 1

    async def documents(self, *documents: Document, more: bool = False) -> None:
        await self.following.documents(Documents(documents=documents, more=more))

    @property
    def asked(self) -> list[dict[str, int]]:
        return [dict(message.have) for message in self.link.sent if isinstance(message, FetchDocuments)]


@pytest.fixture
def bench(identity: Identity, trust_store: TrustStore, outbox: Outbox, clocks: HandClocks, log: MemoryLog) -> Bench:
    return Bench(identity, trust_store, outbox, clocks, log)


async def test_a_welcome_brings_the_certificate_and_asks_for_what_is_newer(
    bench: Bench, organisation: Organisation
) -> None:
    await bench.documents(recipients(organisation, 3))
    chain = device_certificate(organisation, bench.identity)
    await bench.following.welcomed(Welcome(certificate=chain, versions={"revocations-leaves": 9}))
    assert bench.trust.certificate == chain
    assert bench.asked == [{"bundle-recipients": 3}] * 2, "once when it was told, once in the greeting"
    assert bench.changes == 2


async def test_one_bad_document_does_not_stop_the_others(bench: Bench, organisation: Organisation) -> None:
    forged = recipients(Organisation("Mallory GmbH"), 9)
    await bench.documents(forged, organisation.revocations(2), recipients(organisation, 1))
    assert set(bench.trust.trust.documents) == {"revocations-leaves", "bundle-recipients"}
    assert bench.log.events("warning") == ["document-refused"]


async def test_an_older_document_is_an_alarm_and_changes_nothing(bench: Bench, organisation: Organisation) -> None:
    await bench.documents(organisation.revocations(5, ("ab" * 16,)))
    await bench.documents(organisation.revocations(4))
    assert bench.trust.trust.is_revoked("ab" * 16)
    assert [alarm.kind for alarm in bench.trust.alarms()] == [AlarmKind.ROLLBACK]
    assert bench.changes == 1


async def test_a_server_that_always_has_more_is_not_asked_for_ever(bench: Bench, organisation: Organisation) -> None:
    for version in range(1, 60):
        await bench.documents(recipients(organisation, version), more=True)
    assert 1 <= len(bench.asked) <= 8
    await bench.documents(recipients(organisation, 59), more=True)
    assert len(bench.asked) <= 8


async def test_somebody_elses_certificate_is_logged_and_left(bench: Bench, organisation: Organisation) -> None:
    await bench.following.certified(Certified(certificate=organisation.device("another")))
    assert bench.trust.certificate is None
    assert bench.log.events("warning") == ["certificate-refused"]


SECOND, THIRD = Organisation("Helpful Ltd, second root"), Organisation("Helpful Ltd, third root")


async def test_a_rotation_is_followed_once_and_a_forged_one_never(bench: Bench, organisation: Organisation) -> None:
    forged = rotation(Organisation("Mallory GmbH"), SECOND)
    await bench.following.documents(Documents(documents=(), rotations=(forged,)))
    assert bench.trust.trust.root == organisation.root.verify_key
    whole = rotation(organisation, SECOND)
    await bench.following.documents(Documents(documents=(), rotations=(whole,)))
    await bench.following.documents(Documents(documents=(), rotations=(whole,)))
    assert bench.trust.trust.root == SECOND.root.verify_key
    assert bench.changes == 1


async def test_a_device_that_was_away_a_year_follows_every_rotation_and_then_its_new_certificate_holds(
    bench: Bench, database: Database, clocks: HandClocks, organisation: Organisation
) -> None:
    """The greeting brings the certificate of the newest root first, the rotations and documents come after it."""
    await bench.documents(recipients(organisation, 3))
    chain = device_certificate(THIRD, bench.identity)
    await bench.following.welcomed(Welcome(certificate=chain, versions={"bundle-recipients": 9}))
    assert bench.trust.certificate is None
    await bench.following.documents(
        Documents(
            documents=(THIRD.revocations(7), recipients(THIRD, 9)),
            rotations=(rotation(organisation, SECOND), rotation(SECOND, THIRD, 2)),
        )
    )
    assert bench.trust.certificate == chain
    assert bench.trust.trust.root_hash == THIRD.root_hash == bench.link.root_now()
    assert bench.asked[-1] == {"bundle-recipients": 9, "revocations-leaves": 7}
    again = TrustStore(database, bench.identity, clocks)
    assert again.trust == bench.trust.trust
    assert again.certificate == chain
    assert again.trust.roots[-1] == organisation.root.verify_key
    with pytest.raises(RemoteProtocolError):
        again.accept(recipients(organisation, 10))


async def test_a_rotation_withheld_leaves_the_old_root_in_force(bench: Bench, organisation: Organisation) -> None:
    await bench.following.documents(Documents(documents=(), rotations=(rotation(SECOND, THIRD, 2),)))
    await bench.documents(recipients(THIRD, 9), organisation.revocations(1))
    assert bench.trust.trust.root_hash == organisation.root_hash
    assert set(bench.trust.trust.documents) == {"revocations-leaves"}
    assert bench.log.events("warning") == ["rotation-refused", "document-refused"]


async def test_a_forked_rotation_is_an_alarm_and_one_back_to_an_old_root_too(
    bench: Bench, organisation: Organisation
) -> None:
    fork = rotation(organisation, THIRD)
    back = rotation(SECOND, organisation, 2)
    await bench.following.documents(Documents(documents=(), rotations=(rotation(organisation, SECOND), fork, back)))
    assert bench.trust.trust.root_hash == SECOND.root_hash
    assert [alarm.kind for alarm in bench.trust.alarms()] == [AlarmKind.FORK, AlarmKind.ROLLBACK]


async def test_floors_of_the_new_root_are_kept_over_a_restart(
    bench: Bench, database: Database, clocks: HandClocks, organisation: Organisation
) -> None:
    await bench.documents(recipients(organisation, 1 << 53), organisation.revocations(4))
    body = RootRotation(
        old_root=organisation.root_hash,
        new_root=SECOND.root_hash,
        new_root_key=SECOND.root.public,
        sequence=1,
        issued_at=NOW,
        floors={"bundle-recipients": 7},
    )
    envelope = SECOND.root.add_signature(organisation.root.sign(body))
    await bench.following.documents(Documents(documents=(), rotations=(envelope,)))
    again = TrustStore(database, bench.identity, clocks)
    assert {name: floor.version for name, floor in again.trust.floors.items()} == {"bundle-recipients": 7}
    assert again.accept(recipients(SECOND, 8))


def test_a_device_enrolled_after_two_rotations_follows_the_third_and_ignores_the_old_ones(
    folder: StateFolder, database: Database, clocks: HandClocks
) -> None:
    identity = enrol_in_memory(folder, THIRD, rotations=2)
    store = TrustStore(database, identity, clocks)
    assert not store.accept_rotation(rotation(SECOND, THIRD, 2))
    fourth = Organisation("Helpful Ltd, fourth root")
    assert store.accept_rotation(rotation(THIRD, fourth, 3))
    assert TrustStore(database, identity, clocks).trust.root == fourth.root.verify_key
    assert store.alarms() == []


async def test_a_list_of_revoked_issuers_is_taken_before_what_they_signed(
    bench: Bench, organisation: Organisation
) -> None:
    body = Revocations(
        root=organisation.root_hash,
        version=1,
        issued_at=NOW,
        not_after=NOW + DAY,
        kind="issuers",
        serials=(serial(f"{organisation.name} content"),),
    )
    await bench.documents(recipients(organisation, 3), Document(issuer=None, statement=organisation.root.sign(body)))
    assert set(bench.trust.trust.documents) == {"revocations-issuers"}
    assert bench.log.events("warning") == ["document-refused"]


# --- documents that fit no message ------------------------------------------------------------------------------


class PartServer:
    """Answers for parts, as a server does; `bend` changes an answer on its way."""

    def __init__(self, bench: Bench, document: Document) -> None:
        self.bench = bench
        self.data = strict_json.dump(document)
        self.asked: list[int] = []
        self.bend: Callable[[DocumentPart], DocumentPart] = lambda part: part

    async def offer(self, **changes: object) -> None:
        offered = LargeDocument(
            name="known-issue-pack", version=1, sha256=sha256(self.data), size_bytes=len(self.data)
        ).model_copy(update=changes)
        await self.bench.following.offered(LargeDocuments(documents=(offered,)))

    def due(self) -> FetchDocumentPart | None:
        asked = [each for each in self.bench.link.sent if isinstance(each, FetchDocumentPart)]
        return asked[len(self.asked)] if len(asked) > len(self.asked) else None

    async def serve(self, parts: int = 100) -> None:
        for _ in range(parts):
            wanted = self.due()
            if wanted is None:
                return
            self.asked.append(wanted.offset)
            data = self.data[wanted.offset : wanted.offset + DOCUMENT_PART_BYTES]
            await self.bench.following.part(
                self.bend(DocumentPart(sha256=wanted.sha256, offset=wanted.offset, data=data))
            )


def pack_of_a_mebibyte(organisation: Organisation, version: int = 1) -> Document:
    issues = tuple(PackedIssue(id=f"issue-{number}", toml="x" * 32_000) for number in range(32))
    body = KnownIssuePack(
        root=organisation.root_hash, version=version, issued_at=NOW, not_after=NOW + DAY, issues=issues
    )
    assert 1_000_000 < len(body.payload()) <= PACK_STATEMENT_MAX_BYTES
    return organisation.publish(body)


async def test_a_pack_of_a_mebibyte_arrives_in_parts(bench: Bench, organisation: Organisation) -> None:
    server = PartServer(bench, pack_of_a_mebibyte(organisation))
    await server.offer()
    await server.serve()
    assert len(server.asked) == -(-len(server.data) // DOCUMENT_PART_BYTES)
    pack = bench.trust.trust.known_issues(NOW)
    assert pack is not None
    assert len(pack.issues) == 32
    assert bench.asked[-1] == {"known-issue-pack": 1}
    await server.offer()
    assert server.due() is None, "nobody fetches what is here"


async def test_a_cut_in_the_middle_goes_on_where_it_was(bench: Bench, organisation: Organisation) -> None:
    server = PartServer(bench, pack_of_a_mebibyte(organisation))
    await server.offer()
    await server.serve(parts=3)
    await bench.following.welcomed(Welcome(certificate=None, versions={}))
    server.asked.append(-1)  # the question that went with the old connection
    await server.offer()
    await server.serve()
    assert server.asked[:5] == [0, DOCUMENT_PART_BYTES, 2 * DOCUMENT_PART_BYTES, -1, 3 * DOCUMENT_PART_BYTES]
    assert bench.trust.trust.known_issues(NOW) is not None


@pytest.mark.parametrize("lie", ["other bytes", "nothing", "too much", "another document", "somebody else's"])
async def test_parts_that_lie_come_to_nothing(bench: Bench, organisation: Organisation, lie: str) -> None:
    by = Organisation("Mallory GmbH") if lie == "somebody else's" else organisation
    server = PartServer(bench, pack_of_a_mebibyte(by))
    changes: dict[str, dict[str, object]] = {
        "other bytes": {"data": b"\0" * DOCUMENT_PART_BYTES},
        "nothing": {"data": b""},
        "too much": {"data": b"x" * DOCUMENT_PART_BYTES},
        "another document": {"sha256": bytes(32)},
        "somebody else's": {},
    }
    server.bend = lambda part: part.model_copy(update=changes[lie])
    await server.offer()
    await server.serve()
    assert bench.trust.trust.documents == {}
    assert bench.trust.alarms() == []
    assert bench.log.events("warning") == ([] if lie == "another document" else ["document-refused"])


async def test_a_part_that_nobody_asked_for_is_dropped(bench: Bench, organisation: Organisation) -> None:
    await bench.following.part(DocumentPart(sha256=bytes(32), offset=0, data=b"x"))
    assert (bench.link.sent, bench.log.lines) == ([], [])
