"""The journal on disk: a chain that cannot be shortened, changed or forked without being seen."""

import sqlite3
from pathlib import Path

import pytest

from agent.proofs.journal_store import JournalStore
from agent.store.database import Database
from protocol.errors import RemoteProtocolError
from protocol.journal import GENESIS, JournalWord, commitment
from tests.making import NOW, seed

GRANT = seed("grant")
SALT = bytes(range(16))


@pytest.fixture
def journal(tmp_path: Path) -> JournalStore:
    return JournalStore(Database(tmp_path / "agent.db"), salt=lambda: SALT)


def write(journal: JournalStore, count: int, value: bytes | None = None) -> None:
    for number in range(count):
        with journal._database.transaction() as connection:
            journal.append(
                connection, JournalWord.ACTION_STARTED, at=NOW + number, grant=GRANT, value=value, action="processes"
            )


def test_entries_follow_one_another_from_the_beginning(journal: JournalStore) -> None:
    write(journal, 3)
    first, second, third = journal.of_grant(GRANT)
    assert [first.sequence, second.sequence, third.sequence] == [1, 2, 3]
    assert first.previous == GENESIS
    assert second.previous == first.hash
    assert third.previous == second.hash
    assert journal.check() == 3


def test_a_value_is_in_the_chain_as_a_commitment_and_beside_it_in_clear(journal: JournalStore) -> None:
    write(journal, 1, b'{"text":"anna"}')
    (entry,) = journal.of_grant(GRANT)
    assert entry.arguments == commitment(SALT, b'{"text":"anna"}')
    assert b"anna" not in entry.to_bytes()
    assert journal.value_of(1) == b'{"text":"anna"}'


def test_values_can_be_erased_and_the_chain_still_holds(journal: JournalStore) -> None:
    write(journal, 3, b"value")
    assert journal.erase_values(NOW + 2) == 2
    assert [journal.value_of(number) for number in (1, 2, 3)] == [None, None, b"value"]
    assert journal.check() == 3


@pytest.mark.parametrize("statement", ["UPDATE journal SET entry = x'00'", "DELETE FROM journal"])
def test_no_statement_of_this_program_changes_or_removes_an_entry(journal: JournalStore, statement: str) -> None:
    write(journal, 2)
    with pytest.raises(sqlite3.IntegrityError, match="append-only"), journal._database.transaction() as connection:
        connection.execute(statement)
    assert journal.check() == 2


@pytest.mark.parametrize(
    "damage",
    [
        "DELETE FROM journal WHERE sequence = 2",
        "DELETE FROM journal WHERE sequence = 1",
        "UPDATE journal SET entry = CAST(replace(CAST(entry AS TEXT), 'processes', 'x') AS BLOB) WHERE sequence = 2",
        "UPDATE journal SET hash = zeroblob(32) WHERE sequence = 3",
    ],
)
def test_whoever_edits_the_file_is_found_out(journal: JournalStore, damage: str) -> None:
    write(journal, 3)
    database = sqlite3.connect(journal._database.path)
    database.execute("DROP TRIGGER journal_is_append_only_u")
    database.execute("DROP TRIGGER journal_is_append_only_d")
    database.execute(damage)
    database.commit()
    database.close()
    with pytest.raises(RemoteProtocolError):
        journal.check()


def test_an_empty_journal_is_whole(journal: JournalStore) -> None:
    assert journal.check() == 0
