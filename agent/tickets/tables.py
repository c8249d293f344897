"""The device's own tickets. A session needs one of these: what a server says about tickets is never enough."""

from typing import Final

TABLES: Final = (
    # `fingerprint`: of the finding it was opened for, this device only. `signed`: the ticket statement as it was sent.
    """CREATE TABLE IF NOT EXISTS tickets (
        ticket TEXT PRIMARY KEY, case_id TEXT NOT NULL, origin TEXT NOT NULL, words TEXT NOT NULL,
        fingerprint TEXT, code TEXT, severity TEXT, opened_at INTEGER NOT NULL, signed BLOB NOT NULL,
        state TEXT NOT NULL, facts TEXT, updated_at INTEGER NOT NULL, outcome TEXT) STRICT""",
    # `author`: the verified name of a technician, or NULL for words that came via the server unverified, or
    # 'customer' for the customer's own (kind = 'own').
    """CREATE TABLE IF NOT EXISTS ticket_messages (
        id INTEGER PRIMARY KEY AUTOINCREMENT, ticket TEXT NOT NULL, kind TEXT NOT NULL, author TEXT, sequence INTEGER,
        text TEXT NOT NULL, at INTEGER NOT NULL, digest BLOB NOT NULL UNIQUE) STRICT""",
    # What was expected before, each time the desk moved it; `at`: when this device heard.
    """CREATE TABLE IF NOT EXISTS ticket_etas (
        id INTEGER PRIMARY KEY AUTOINCREMENT, ticket TEXT NOT NULL, eta INTEGER NOT NULL,
        at INTEGER NOT NULL) STRICT""",
    # The customer's answer to "did it help?", until the ticket opens again.
    """CREATE TABLE IF NOT EXISTS ticket_verdicts (
        ticket TEXT PRIMARY KEY, helped INTEGER NOT NULL, mark INTEGER, at INTEGER NOT NULL) STRICT""",
    # A technician's signed wish for a bundle, until one goes or the ticket is over. Nothing is sent by it.
    """CREATE TABLE IF NOT EXISTS evidence_asked (
        ticket TEXT PRIMARY KEY, author TEXT NOT NULL, at INTEGER NOT NULL) STRICT""",
)
