"""Databases of earlier versions, kept as they were, are brought to this version with everything that was in them."""

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from server.storage.engine import Database
from server.storage.migrate import migrate
from tests.server.storage.keep_schema import SCHEMAS, revisions

KEPT = sorted(SCHEMAS.glob("*.sql"))


def make(kept: Path, path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript(kept.read_text("utf-8"))


def content(path: Path) -> dict[str, list[dict[str, Any]]]:
    with closing(sqlite3.connect(path)) as connection:
        connection.row_factory = sqlite3.Row
        names = [
            row[0]
            for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
            if not row[0].startswith(("sqlite_", "alembic_"))
        ]
        return {name: [dict(row) for row in connection.execute(f'SELECT * FROM "{name}"')] for name in names}  # noqa: S608


@pytest.mark.parametrize("kept", KEPT, ids=lambda path: path.stem)
async def test_an_old_database_comes_forward_with_its_data(kept: Path, tmp_path: Path) -> None:
    """Every row of every table, and every value of it whose column is still there."""
    path = tmp_path / "bellpull.db"
    make(kept, path)
    before = content(path)
    database = Database(f"sqlite+aiosqlite:///{path}")
    await migrate(database)
    await database.close()
    after = content(path)
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("SELECT version_num FROM alembic_version").fetchall() == [(revisions()[-1],)]
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        assert connection.execute("PRAGMA foreign_key_check").fetchall() == []
    for table, rows in before.items():
        assert len(rows) >= 1
        kept_rows = [{name: row[name] for name in rows[0] if name in row} for row in after[table]]
        assert kept_rows == [{name: row[name] for name in rows[0] if name in after[table][0]} for row in rows], table


def test_the_kept_ones_are_of_versions_that_are_known() -> None:
    assert {path.stem for path in KEPT} <= set(revisions())
    assert KEPT[0].stem == revisions()[0], "the first one there was"
