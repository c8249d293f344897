import pytest

from agent.identity.identity import Identity
from agent.identity.trust_store import AlarmKind, TrustStore
from agent.paths import StateFolder
from agent.refusal import Refusal
from agent.store.database import Database, NotWritten
from agent.store.kept_values import KeptValues
from protocol import strict_json
from protocol.errors import RemoteProtocolError
from protocol.trust import ForkedDocumentError, RollbackError
from tests.agent.doubles import HandClocks, device_certificate, enrol_in_memory, recipients
from tests.making import DAY, NOW, Organisation, serial


def reopened(database: Database, identity: Identity, clocks: HandClocks) -> TrustStore:
    return TrustStore(database, identity, clocks)


def test_a_document_is_kept_and_read_again(
    trust_store: TrustStore, database: Database, identity: Identity, clocks: HandClocks, organisation: Organisation
) -> None:
    assert trust_store.accept(recipients(organisation, 3))
    assert not trust_store.accept(recipients(organisation, 3))
    again = reopened(database, identity, clocks)
    assert again.trust == trust_store.trust
    body = again.trust.recipients(NOW)
    assert body is not None
    assert body.version == 3


def test_an_older_document_is_refused_and_kept_as_an_alarm_over_a_restart(
    trust_store: TrustStore, database: Database, identity: Identity, clocks: HandClocks, organisation: Organisation
) -> None:
    trust_store.accept(recipients(organisation, 3))
    for _ in range(5):
        with pytest.raises(RollbackError):
            trust_store.accept(recipients(organisation, 2))
    (alarm,) = reopened(database, identity, clocks).alarms()
    assert (alarm.kind, alarm.got) == (AlarmKind.ROLLBACK, "version 2")
    assert trust_store.trust.recipients(NOW) == reopened(database, identity, clocks).trust.recipients(NOW)


def test_two_documents_with_one_version_raise_an_alarm(trust_store: TrustStore, organisation: Organisation) -> None:
    trust_store.accept(recipients(organisation, 3))
    with pytest.raises(ForkedDocumentError):
        trust_store.accept(recipients(organisation, 3, not_after=NOW + 2 * DAY))
    assert [alarm.kind for alarm in trust_store.alarms()] == [AlarmKind.FORK]


def test_the_tokens_floors_hold_on_a_fresh_device(
    folder: StateFolder, database: Database, clocks: HandClocks, organisation: Organisation
) -> None:
    identity = enrol_in_memory(folder, organisation, floors={"bundle-recipients": 5})
    store = TrustStore(database, identity, clocks)
    with pytest.raises(RollbackError):
        store.accept(recipients(organisation, 4))
    assert store.accept(recipients(organisation, 5))


def test_a_newer_token_raises_floors_and_never_lowers_them(
    folder: StateFolder, database: Database, clocks: HandClocks, organisation: Organisation
) -> None:
    store = TrustStore(database, enrol_in_memory(folder, organisation, floors={"bundle-recipients": 5}), clocks)
    store.accept(recipients(organisation, 7))
    lower = TrustStore(database, enrol_in_memory(folder, organisation, floors={"bundle-recipients": 2}), clocks)
    assert lower.trust.floors["bundle-recipients"].version == 7
    assert lower.trust.recipients(NOW) is not None
    higher = TrustStore(database, enrol_in_memory(folder, organisation, floors={"bundle-recipients": 9}), clocks)
    assert higher.trust.recipients(NOW) is None
    with pytest.raises(RollbackError):
        higher.accept(recipients(organisation, 8))


def test_a_document_of_another_root_changes_nothing(trust_store: TrustStore) -> None:
    before = trust_store.trust
    with pytest.raises(RemoteProtocolError):
        trust_store.accept(recipients(Organisation("Mallory GmbH")))
    assert trust_store.trust is before


def test_what_the_disk_did_not_take_is_not_believed(
    trust_store: TrustStore, database: Database, organisation: Organisation
) -> None:
    database.query(f"PRAGMA max_page_count={database.query('PRAGMA page_count')[0][0]}")
    kept = KeptValues(database)
    with pytest.raises(NotWritten):
        fill(kept)
    before = trust_store.trust
    with pytest.raises(NotWritten):
        trust_store.accept(recipients(organisation, 3, recipients=tuple(_many_recipients())))
    assert trust_store.trust is before
    assert before.recipients(NOW) is None


def fill(kept: KeptValues) -> None:
    for number in range(10_000):
        kept.put(f"filler {number}", "x" * 3000)


def _many_recipients():  # type: ignore[no-untyped-def]
    from protocol.certificates import Recipient
    from tests.making import AGE

    return [Recipient(name=f"Technician {number}", age=AGE) for number in range(60)]


@pytest.mark.parametrize("table", ["document", "floor"])
def test_a_flipped_bit_is_an_alarm_and_never_a_policy(
    trust_store: TrustStore,
    database: Database,
    identity: Identity,
    clocks: HandClocks,
    organisation: Organisation,
    table: str,
) -> None:
    trust_store.accept(recipients(organisation, 3))
    with database.transaction() as connection:
        if table == "document":
            document = recipients(organisation, 3)
            payload = bytearray(document.statement.payload)
            payload[len(payload) // 2] ^= 1
            damaged = document.statement.model_copy(update={"payload": bytes(payload)})
            flipped = strict_json.dump(document.model_copy(update={"statement": damaged}))
            connection.execute("UPDATE trust_documents SET document = ?", (flipped,))
        else:
            connection.execute("UPDATE trust_floors SET hash = zeroblob(32)")
    again = reopened(database, identity, clocks)
    assert again.trust.recipients(NOW) is None
    assert [alarm.kind for alarm in again.alarms()] == [AlarmKind.DAMAGED]
    assert again.trust.floors["bundle-recipients"].version == 3


def test_the_devices_own_certificate_is_kept(
    trust_store: TrustStore, database: Database, identity: Identity, clocks: HandClocks, organisation: Organisation
) -> None:
    chain = device_certificate(organisation, identity)
    trust_store.accept_certificate(chain)
    again = reopened(database, identity, clocks)
    assert again.certificate == chain
    assert again.device_certificate is not None
    assert again.device_certificate.customer == "Acme"


@pytest.mark.parametrize("key", ["noise_key", "witness_key"])
def test_a_certificate_with_another_key_is_refused(
    trust_store: TrustStore, identity: Identity, organisation: Organisation, key: str
) -> None:
    with pytest.raises(RemoteProtocolError, match="another"):
        trust_store.accept_certificate(device_certificate(organisation, identity, **{key: bytes(32)}))
    assert trust_store.certificate is None


def test_somebody_elses_certificate_is_refused(trust_store: TrustStore, organisation: Organisation) -> None:
    with pytest.raises(RemoteProtocolError, match="another device"):
        trust_store.accept_certificate(organisation.device("another"))


def test_an_older_certificate_is_refused_with_an_alarm_while_the_newer_one_holds(
    trust_store: TrustStore, identity: Identity, clocks: HandClocks, organisation: Organisation
) -> None:
    older = device_certificate(organisation, identity, not_before=NOW - 2 * DAY, customer="Former Owner")
    newer = device_certificate(organisation, identity, not_before=NOW - 60, serial=serial("newer"))
    trust_store.accept_certificate(older)
    trust_store.accept_certificate(newer)
    with pytest.raises(RollbackError, match="older device certificate"):
        trust_store.accept_certificate(older)
    assert trust_store.certificate == newer
    assert [alarm.kind for alarm in trust_store.alarms()] == [AlarmKind.ROLLBACK]
    trust_store.accept(organisation.revocations(1, (serial("newer"),)))
    trust_store.accept_certificate(older)
    assert trust_store.certificate == older


def test_a_revoked_certificate_is_refused(
    trust_store: TrustStore, identity: Identity, organisation: Organisation
) -> None:
    trust_store.accept(organisation.revocations(1, (serial(identity.device),)))
    with pytest.raises(RemoteProtocolError, match="revoked"):
        trust_store.accept_certificate(device_certificate(organisation, identity))


def test_the_keys_of_one_organisation_and_the_database_of_another_do_not_mix(
    trust_store: TrustStore, database: Database, folder: StateFolder, clocks: HandClocks
) -> None:
    assert trust_store.trust.floors == {}
    other = enrol_in_memory(folder, Organisation("Mallory GmbH"))
    with pytest.raises(Refusal, match="another organisation"):
        TrustStore(database, other, clocks)


def test_verified_documents_are_a_second_source_for_the_clock(
    database: Database, identity: Identity, clocks: HandClocks, organisation: Organisation
) -> None:
    heard: list[int] = []
    store = TrustStore(database, identity, clocks, confirm_time=lambda unix_s, signer: heard.append(unix_s))
    store.accept(recipients(organisation, 1, issued_at=NOW - 7))
    with pytest.raises(RemoteProtocolError):
        store.accept(recipients(Organisation("Mallory GmbH"), 9, issued_at=NOW + 99))
    assert heard == [NOW - 7]
