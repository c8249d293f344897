"""What the watch keeps: findings with their life, when each check last ran, and the history of numbers."""

from typing import Final

TABLES: Final = (
    # `body`: diagnostics' Finding as JSON; `words`: language → title and text; `known_issue`, `advice` (as `words`)
    # and `article`: what explains it.
    """CREATE TABLE IF NOT EXISTS findings (
        fingerprint TEXT PRIMARY KEY, body TEXT NOT NULL, words TEXT NOT NULL, known_issue TEXT,
        advice TEXT NOT NULL, article TEXT NOT NULL, snoozed_until INTEGER, updated_at INTEGER NOT NULL) STRICT""",
    """CREATE TABLE IF NOT EXISTS check_runs (
        id TEXT PRIMARY KEY, status TEXT NOT NULL, reason TEXT NOT NULL, ms INTEGER NOT NULL, at INTEGER NOT NULL)
        STRICT""",
    """CREATE TABLE IF NOT EXISTS metric_history (
        name TEXT NOT NULL, instance TEXT NOT NULL, at INTEGER NOT NULL, value REAL NOT NULL,
        PRIMARY KEY (name, instance, at)) STRICT, WITHOUT ROWID""",
    # The owner's `vendor-watch` statements. No envelope: the owner does not want it watched. `version` only rises.
    """CREATE TABLE IF NOT EXISTS vendor_watches (
        application TEXT PRIMARY KEY, version INTEGER NOT NULL, envelope BLOB) STRICT""",
)
