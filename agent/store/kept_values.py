"""Single values that outlive a restart: the clock's floor, the time of the last upload, counters.

Numbers carry a checksum (`1793491200 5f3c21aa`): another digit would be another time, and as good as any. One that is
damaged counts as never kept. Older versions wrote none.
"""

import zlib
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
        found = self.find_int(name)
        return default if found is None else found

    def find_int(self, name: str) -> int | None:
        """None: never kept, or damaged."""
        number, _, check = (self.get(name) or "").partition(" ")
        if not number.removeprefix("-").isdecimal() or not number.isascii():
            return None
        return int(number) if check in ("", _check(name, number)) else None

    def put(self, name: str, value: str | int) -> None:
        """On the disk when this returns; NotWritten otherwise."""
        with self._database.transaction() as connection:
            connection.execute(
                "INSERT INTO kept_values VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value",
                (name, f"{value} {_check(name, str(value))}" if isinstance(value, int) else value),
            )


def _check(name: str, number: str) -> str:
    return f"{zlib.crc32(f'{name} {number}'.encode()):08x}"
