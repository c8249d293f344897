"""Keeps a database of each schema version: `python -m tests.server.storage.keep_schema`, after a migration was added.

Each is a real SQLite file of that version with a row in every table, as SQL text in schemas/NNNN.sql. What was written
once is never written again: it stands for databases that are out there.
"""

import sqlite3
import sys
from pathlib import Path
from typing import Final

from alembic import command
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, MetaData, create_engine, types

from server.storage.migrate import alembic_config

SCHEMAS: Final = Path(__file__).parent / "schemas"


def revisions() -> list[str]:
    """Oldest first."""
    return [script.revision for script in ScriptDirectory.from_config(alembic_config()).walk_revisions()][::-1]


def value_for(kind: types.TypeEngine[object]) -> object:
    """The same for every column of a kind, so that one row in each table refers to the one row of another."""
    match kind:
        case types.LargeBinary():
            return b"\x01" * 32
        case types.Boolean():
            return True
        case types.Integer():
            return 1
        case types.Float() | types.Numeric():
            return 1.5
        case types.String():
            return "x"
        case types.JSON():
            return {}
        case _:
            raise TypeError(f"say here what stands in a column of {kind!r}")


def fill(connection: Connection) -> None:
    """One row in each table that has none."""
    tables = MetaData()
    tables.reflect(connection)
    for table in tables.sorted_tables:
        if table.name != "alembic_version" and connection.execute(table.select()).first() is None:
            connection.execute(table.insert().values({column.name: value_for(column.type) for column in table.columns}))


def dump(revision: str) -> str:
    """A database of this version, with data, as SQL."""
    engine = create_engine("sqlite://")
    with engine.connect() as connection:
        config = alembic_config()
        config.attributes["connection"] = connection
        command.upgrade(config, revision)
        fill(connection)
        connection.commit()
        raw = connection.connection.dbapi_connection
        if not isinstance(raw, sqlite3.Connection):
            raise TypeError(f"not SQLite: {raw!r}")
        text = "\n".join(raw.iterdump()) + "\n"
    engine.dispose()
    return text


def main() -> int:
    SCHEMAS.mkdir(exist_ok=True)
    for revision in revisions():
        file = SCHEMAS / f"{revision}.sql"
        if not file.exists():
            file.write_text(dump(revision), encoding="utf-8")
            print(file)
    return 0


if __name__ == "__main__":
    sys.exit(main())
