"""Brings a database to this version's tables, at every start. A database of a newer version is refused.

Migrations are files in migrations/versions/, shipped with the package; a test holds them against the tables in code.
"""

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
    config = AlembicConfig()
    config.set_main_option("script_location", str(_SCRIPTS).replace("%", "%%"))
    config.attributes["connection"] = connection
    known = {script.revision for script in ScriptDirectory.from_config(config).walk_revisions()}
    current = MigrationContext.configure(connection).get_current_revision()
    if current is not None and current not in known:
        raise ConfigError(
            f"the database was written by a newer bellpull-server (revision {current}). "
            "Run that version, or restore a backup made before the upgrade."
        )
    command.upgrade(config, "head")
