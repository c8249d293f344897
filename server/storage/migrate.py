"""Brings a database to this version's tables, at every start. A database of a newer version is refused.

Migrations are files in migrations/versions/, shipped with the package; a test holds them against the tables in code.
"""

from functools import cache
from pathlib import Path
from typing import Final

from alembic import command
from alembic.config import Config as AlembicConfig
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection

from server.config import ConfigError
from server.storage.engine import Database

_SCRIPTS: Final = Path(__file__).parent / "migrations"


async def migrate(database: Database) -> None:
    async with database.write() as connection:
        await connection.run_sync(_upgrade)


def _upgrade(connection: Connection) -> None:
    current = MigrationContext.configure(connection).get_current_revision()
    newest = _revisions()[0]
    if current == newest:
        return
    if current is not None and current not in _revisions():
        raise ConfigError(
            f"the database was written by a newer bellpull-server (revision {current}). "
            "Run that version, or restore a backup made before the upgrade."
        )
    config = alembic_config()
    config.attributes["connection"] = connection
    command.upgrade(config, "head")


def alembic_config() -> AlembicConfig:
    config = AlembicConfig()
    config.set_main_option("script_location", str(_SCRIPTS).replace("%", "%%"))
    return config


@cache
def _revisions() -> tuple[str, ...]:
    """Every revision this version knows, the newest first."""
    return tuple(script.revision for script in ScriptDirectory.from_config(alembic_config()).walk_revisions())
