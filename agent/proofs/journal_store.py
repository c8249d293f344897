"""The journal on disk: append-only, hash-chained, one line before each act and one after.

What an entry may say is `protocol.journal`; here it gets its number and its place in the chain. Values that may hold
names (arguments, who the technician is) are kept in a table of their own with the salt of their commitment, so that
they can be erased and the chain still holds.
"""

import os
import sqlite3
from collections.abc import Callable
from typing import Any, Final

from agent.store.database import Database
from protocol import strict_json
from protocol.errors import RemoteProtocolError
from protocol.journal import GENESIS, JournalEntry, JournalWord, check_range, commitment

SALT_BYTES: Final = 16
_ENTRY_MAX_BYTES: Final = 8192


class JournalStore:
    """`salt`: 16 fresh random bytes at each call; given by tests."""

    def __init__(self, database: Database, *, salt: Callable[[], bytes] = lambda: os.urandom(SALT_BYTES)) -> None:
        self._database = database
        self._salt = salt

    def append(
        self,
        connection: sqlite3.Connection,
        word: JournalWord,
        *,
        at: int,
        grant: bytes,
        value: bytes | None = None,
        **said: Any,
    ) -> JournalEntry:
        """Add one entry inside the caller's transaction. `value` goes in as a salted commitment, and beside."""
        newest = connection.execute("SELECT sequence, hash FROM journal ORDER BY sequence DESC LIMIT 1").fetchone()
        sequence, previous = (newest["sequence"] + 1, newest["hash"]) if newest else (1, GENESIS)
        committed = None
        if value is not None:
            salt = self._salt()
            committed = commitment(salt, value)
            connection.execute(
                "INSERT INTO journal_values VALUES (?, ?, ?, ?)", (sequence, said.get("action") or word, salt, value)
            )
        entry = JournalEntry(
            sequence=sequence, previous=previous, at=at, word=word, grant=grant, arguments=committed, **said
        )
        connection.execute("INSERT INTO journal VALUES (?, ?, ?, ?)", (sequence, grant, entry.to_bytes(), entry.hash))
        return entry

    def of_grant(self, grant: bytes) -> list[JournalEntry]:
        """The entries of one grant, oldest first."""
        rows = self._database.query("SELECT entry FROM journal WHERE grant_hash = ? ORDER BY sequence", (grant,))
        return [_read(row["entry"]) for row in rows]

    def between(self, first: int, last: int) -> list[JournalEntry]:
        """Every entry from `first` to `last`, whatever it is about: what a proof carries."""
        rows = self._database.query(
            "SELECT entry FROM journal WHERE sequence BETWEEN ? AND ? ORDER BY sequence", (first, last)
        )
        return [_read(row["entry"]) for row in rows]

    def value_of(self, sequence: int) -> bytes | None:
        """The value behind an entry's commitment, or None when there is none or it was erased."""
        rows = self._database.query("SELECT value FROM journal_values WHERE sequence = ?", (sequence,))
        return bytes(rows[0]["value"]) if rows else None

    def erase_values(self, before: int) -> int:
        """Forget the values of entries older than `before` (unix seconds). The chain stays whole."""
        with self._database.transaction() as connection:
            rows = connection.execute(
                "SELECT sequence, entry FROM journal WHERE sequence IN (SELECT sequence FROM journal_values)"
                " ORDER BY sequence"
            )
            old: list[int] = []
            for row in rows:
                if _read(row["entry"]).at >= before:
                    break
                old.append(row["sequence"])
            for sequence in old:
                connection.execute("DELETE FROM journal_values WHERE sequence = ?", (sequence,))
        return len(old)

    def check(self) -> int:
        """Walk the whole chain; the number of entries. Raises RemoteProtocolError where it is broken."""
        entries = [_read(row["entry"]) for row in self._database.query("SELECT entry FROM journal ORDER BY sequence")]
        if not entries:
            return 0
        if entries[0].sequence != 1 or entries[0].previous != GENESIS:
            raise RemoteProtocolError(
                "the journal has lost its beginning", expected="entry 1", got=str(entries[0].sequence)
            )
        newest = self._database.query("SELECT hash FROM journal ORDER BY sequence DESC LIMIT 1")[0]["hash"]
        check_range(entries, newest)
        return len(entries)


def _read(stored: bytes) -> JournalEntry:
    return strict_json.parse(stored, JournalEntry, what="journal entry", max_bytes=_ENTRY_MAX_BYTES)
