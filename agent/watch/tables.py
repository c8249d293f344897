"""What the watch keeps: findings with their life, metric history, and what the last cycle said."""

from typing import Final

TABLES: Final = (
    # `ticket`: the open ticket of this fingerprint, if any.
    """CREATE TABLE IF NOT EXISTS findings (
        fingerprint TEXT PRIMARY KEY, body TEXT NOT NULL, state TEXT NOT NULL, updated_at INTEGER NOT NULL) STRICT""",
    """CREATE TABLE IF NOT EXISTS metric_history (
        name TEXT NOT NULL, instance TEXT NOT NULL, at INTEGER NOT NULL, value REAL NOT NULL,
        PRIMARY KEY (name, instance, at)) STRICT, WITHOUT ROWID""",
)
