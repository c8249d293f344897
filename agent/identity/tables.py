"""What identity keeps in the database: the decided trust. Keys are files, never rows."""

from typing import Final

TABLES: Final = (
    """CREATE TABLE IF NOT EXISTS trust_root (
        id INTEGER PRIMARY KEY CHECK (id = 1), root_key BLOB NOT NULL, rotation_sequence INTEGER NOT NULL) STRICT""",
    # The roots that were left, each with the rotation that led away from it.
    """CREATE TABLE IF NOT EXISTS trust_rotations (
        sequence INTEGER PRIMARY KEY, root_key BLOB NOT NULL, rotation BLOB NOT NULL) STRICT""",
    """CREATE TABLE IF NOT EXISTS trust_floors (
        name TEXT PRIMARY KEY, version INTEGER NOT NULL, hash BLOB NOT NULL) STRICT""",
    "CREATE TABLE IF NOT EXISTS trust_documents (name TEXT PRIMARY KEY, document BLOB NOT NULL) STRICT",
    "CREATE TABLE IF NOT EXISTS trust_certificate (id INTEGER PRIMARY KEY CHECK (id = 1), chain BLOB NOT NULL) STRICT",
    """CREATE TABLE IF NOT EXISTS trust_alarms (
        id INTEGER PRIMARY KEY AUTOINCREMENT, at INTEGER NOT NULL, kind TEXT NOT NULL, name TEXT NOT NULL,
        expected TEXT NOT NULL, got TEXT NOT NULL, UNIQUE (kind, name, expected, got)) STRICT""",
)
