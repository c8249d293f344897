"""What a visit keeps on disk: grants, the technician's action statements in order, the changes the customer made."""

from typing import Final

from agent.session import chat

TABLES: Final = (
    """CREATE TABLE IF NOT EXISTS grants (
        number INTEGER PRIMARY KEY,
        hash BLOB NOT NULL UNIQUE,
        grant_envelope BLOB NOT NULL,
        request_envelope BLOB NOT NULL,
        technician_chain BLOB NOT NULL,
        device_chain BLOB,
        granted_at INTEGER NOT NULL,
        opened INTEGER NOT NULL DEFAULT 0,
        ended_by TEXT,
        ended_at INTEGER
    ) STRICT""",
    # One row is one use of a sequence number: written before the action runs, so none can run twice.
    """CREATE TABLE IF NOT EXISTS grant_actions (
        grant_hash BLOB NOT NULL,
        sequence INTEGER NOT NULL,
        envelope BLOB NOT NULL,
        action TEXT NOT NULL,
        scope TEXT,
        risk INTEGER NOT NULL,
        arguments BLOB NOT NULL,
        started_at INTEGER NOT NULL,
        PRIMARY KEY (grant_hash, sequence)
    ) STRICT""",
    """CREATE TABLE IF NOT EXISTS grant_changes (
        grant_hash BLOB NOT NULL,
        number INTEGER NOT NULL,
        envelope BLOB NOT NULL,
        PRIMARY KEY (grant_hash, number)
    ) STRICT""",
    *chat.TABLES,
)
