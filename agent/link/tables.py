"""What the link keeps: items not yet stored by the server, refused ones, and bundles waiting for upload."""

from typing import Final

TABLES: Final = (
    # `rank` 0 goes first. `sha256` tells a flipped bit from an item. `gap` cycles are counted inside a report.
    """CREATE TABLE IF NOT EXISTS outbox (
        seq INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, kind TEXT NOT NULL, rank INTEGER NOT NULL,
        body BLOB NOT NULL, sha256 BLOB NOT NULL, gap INTEGER NOT NULL, queued_at INTEGER NOT NULL) STRICT""",
    "CREATE INDEX IF NOT EXISTS outbox_order ON outbox (rank, seq)",
    """CREATE TABLE IF NOT EXISTS dead_letters (
        seq INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, kind TEXT NOT NULL, body BLOB NOT NULL,
        reason TEXT NOT NULL, refused_at INTEGER NOT NULL) STRICT""",
    """CREATE TABLE IF NOT EXISTS uploads (
        id TEXT PRIMARY KEY, ticket TEXT NOT NULL, case_id TEXT NOT NULL, path TEXT NOT NULL, sha256 BLOB NOT NULL,
        size_bytes INTEGER NOT NULL, queued_at INTEGER NOT NULL, attempts INTEGER NOT NULL DEFAULT 0,
        state TEXT NOT NULL DEFAULT 'waiting', reason TEXT NOT NULL DEFAULT '', ended_at INTEGER) STRICT""",
)
