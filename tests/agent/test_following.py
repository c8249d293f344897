"""Documents and certificates as a server hands them out: honest, older, forged, endless."""

import pytest

from agent.identity.following import Following
from agent.identity.identity import Identity
from agent.identity.trust_store import AlarmKind, TrustStore
from agent.link.link import Link
from agent.link.outbox import Outbox
from protocol.certificates import Document, RootRotation
from protocol.messages.documents import Documents, FetchDocuments
from protocol.messages.login import Certified, Welcome
from protocol.strict_json import WireModel
from tests.agent.doubles import HandClocks, MemoryLog, device_certificate, recipients
from tests.making import NOW, Organisation


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
    assert bench.asked == [{"bundle-recipients": 3}]
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


async def test_a_rotation_is_followed_once_and_a_forged_one_never(bench: Bench, organisation: Organisation) -> None:
    after = Organisation("Helpful Ltd after")
    body = RootRotation(
        old_root=organisation.root_hash,
        new_root=after.root_hash,
        new_root_key=after.root.public,
        sequence=1,
        issued_at=NOW,
    )
    whole = after.root.add_signature(organisation.root.sign(body))
    mallory = Organisation("Mallory GmbH")
    forged = after.root.add_signature(mallory.root.sign(body))
    await bench.following.documents(Documents(documents=(), rotations=(forged,)))
    assert bench.trust.trust.root == organisation.root.verify_key
    await bench.following.documents(Documents(documents=(), rotations=(whole,)))
    await bench.following.documents(Documents(documents=(), rotations=(whole,)))
    assert bench.trust.trust.root == after.root.verify_key
    assert bench.changes == 1
