"""What this room keeps. The journal cannot be changed or shortened by any statement of this program: triggers forbid
it. (Whoever owns the file can still edit the file; then the chain and every signed receipt say so.)"""

from typing import Final

TABLES: Final = (
    """CREATE TABLE IF NOT EXISTS journal (
        sequence INTEGER PRIMARY KEY,
        grant_hash BLOB NOT NULL,
        entry BLOB NOT NULL,
        hash BLOB NOT NULL
    ) STRICT""",
    "CREATE INDEX IF NOT EXISTS journal_by_grant ON journal (grant_hash, sequence)",
    """CREATE TRIGGER IF NOT EXISTS journal_is_append_only_u BEFORE UPDATE ON journal
        BEGIN SELECT RAISE(ABORT, 'the journal is append-only'); END""",
    """CREATE TRIGGER IF NOT EXISTS journal_is_append_only_d BEFORE DELETE ON journal
        BEGIN SELECT RAISE(ABORT, 'the journal is append-only'); END""",
    # The values behind the journal's commitments: may be erased without breaking the chain.
    """CREATE TABLE IF NOT EXISTS journal_values (
        sequence INTEGER NOT NULL,
        what TEXT NOT NULL,
        salt BLOB NOT NULL,
        value BLOB NOT NULL,
        PRIMARY KEY (sequence, what)
    ) STRICT""",
    # Audit entries that were journaled and not yet handed to the link: written in the journal's own transaction.
    """CREATE TABLE IF NOT EXISTS audit_waiting (
        id TEXT PRIMARY KEY,
        entry BLOB NOT NULL
    ) STRICT""",
    """CREATE TABLE IF NOT EXISTS receipts (
        grant_hash BLOB PRIMARY KEY,
        made_at INTEGER NOT NULL,
        rebuilt INTEGER NOT NULL,
        proof BLOB NOT NULL,
        item_id TEXT NOT NULL,
        sent TEXT NOT NULL DEFAULT 'waiting'
    ) STRICT""",
    """CREATE TABLE IF NOT EXISTS witness (
        id INTEGER PRIMARY KEY CHECK (id = 1),
        log_name TEXT NOT NULL,
        size INTEGER NOT NULL,
        root BLOB NOT NULL,
        note TEXT NOT NULL
    ) STRICT""",
)
