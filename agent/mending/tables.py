"""The step journal: one row before and one after each step of each run. Never changed, never deleted."""

from typing import Final

TABLES: Final = (
    """CREATE TABLE IF NOT EXISTS mending_steps (
        seq INTEGER PRIMARY KEY AUTOINCREMENT,
        run TEXT NOT NULL,
        remedy TEXT NOT NULL,
        step TEXT NOT NULL,
        phase TEXT NOT NULL,
        at INTEGER NOT NULL,
        detail TEXT NOT NULL
    ) STRICT""",
    "CREATE INDEX IF NOT EXISTS mending_steps_by_run ON mending_steps (run, seq)",
    # What a run is about, for the recheck: the finding's fingerprint and the check that raises it.
    """CREATE TABLE IF NOT EXISTS mending_runs (
        run TEXT PRIMARY KEY,
        remedy TEXT NOT NULL,
        fingerprint TEXT,
        check_id TEXT,
        asked_at INTEGER NOT NULL,
        local_user TEXT NOT NULL
    ) STRICT""",
    # The owner's policy: one row, or none.
    "CREATE TABLE IF NOT EXISTS mending_policy (one INTEGER PRIMARY KEY CHECK (one = 1), policy TEXT NOT NULL) STRICT",
)
