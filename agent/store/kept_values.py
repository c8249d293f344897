"""Single values that outlive a restart: the clock's floor, the time of the last upload, counters."""

from typing import Final

from agent.store.database import Database

TABLES: Final = ("CREATE TABLE IF NOT EXISTS kept_values (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT",)


class KeptValues:
    def __init__(self, database: Database) -> None:
        self._database = database

    def get(self, name: str) -> str | None:
        rows = self._database.query("SELECT value FROM kept_values WHERE name = ?", (name,))
        return str(rows[0]["value"]) if rows else None

    def get_int(self, name: str, default: int = 0) -> int:
        value = self.get(name)
        return default if value is None else int(value)

    def put(self, name: str, value: str | int) -> None:
        """On the disk when this returns; NotWritten otherwise."""
        with self._database.transaction() as connection:
            connection.execute(
                "INSERT INTO kept_values VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value",
                (name, str(value)),
            )
