"""What consent keeps: every question ever put to a person here, so that limits hold over restarts."""

from typing import Final

from agent.consent import freeze, unattended
from agent.consent.policy import Answer, PastPrompt
from agent.store.database import Database

TABLES: Final = (
    """CREATE TABLE IF NOT EXISTS prompts (
        number INTEGER PRIMARY KEY AUTOINCREMENT,
        asked_at INTEGER NOT NULL,
        request BLOB NOT NULL,
        serial TEXT NOT NULL,
        text TEXT NOT NULL,
        answer TEXT,
        answered_at INTEGER
    ) STRICT""",
    *freeze.TABLES,
    *unattended.TABLES,
)

# Longer ago than any limit looks back; the rows stay until then and are pruned afterwards.
_KEPT_S: Final = 90 * 86_400


class PromptStore:
    def __init__(self, database: Database) -> None:
        self._database = database

    def asked(self, *, now: int, request: bytes, serial: str, text: str) -> int:
        """On the disk before anybody sees it: a crash cannot make it uncounted. Returns the question's number."""
        with self._database.transaction() as connection:
            connection.execute("DELETE FROM prompts WHERE asked_at < ?", (now - _KEPT_S,))
            cursor = connection.execute(
                "INSERT INTO prompts (asked_at, request, serial, text) VALUES (?, ?, ?, ?)",
                (now, request, serial, text),
            )
            number = cursor.lastrowid
        assert number is not None  # noqa: S101 - sqlite always numbers an inserted row
        return number

    def answered(self, number: int, answer: Answer, *, now: int) -> None:
        with self._database.transaction() as connection:
            connection.execute(
                "UPDATE prompts SET answer = ?, answered_at = ? WHERE number = ? AND answer IS NULL",
                (answer.value, now, number),
            )

    def since(self, moment: int) -> list[PastPrompt]:
        """Questions asked or answered at or after `moment`."""
        rows = self._database.query(
            "SELECT asked_at, answer, answered_at FROM prompts WHERE asked_at >= ? OR answered_at >= ?",
            (moment, moment),
        )
        return [PastPrompt(row["asked_at"], _answer(row["answer"]), row["answered_at"]) for row in rows]


def _answer(stored: str | None) -> Answer | None:
    """An answer that is damaged on the disk counts as a no: limits may get narrower by it, never wider."""
    if not stored:
        return None
    return Answer(stored) if stored in list(Answer) else Answer.NO
