"""Backup while the server runs, and restore into an empty directory.

    TO/.bellpull-server-backup   marker
    TO/server.json  TO/log-key   as they are
    TO/bellpull.db               SQLite's own online backup: one consistent moment
    TO/bundles/*.age             complete bundles

The database is copied first, so that every bundle it knows is copied after it. On PostgreSQL the
database is backed up by its own tools (pg_dump); this command then copies the rest and says so.
"""

import asyncio
import hashlib
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any, Final

from sqlalchemy import select

from server.audit.store import AuditLog, BrokenLog
from server.bundles.model import bundles
from server.clock import wall_clock
from server.config import MARKER, Config, ConfigError, load, write_private
from server.storage.engine import Database
from server.storage.migrate import migrate

BACKUP_MARKER: Final = ".bellpull-server-backup"
_FILES: Final = ("server.json", "log-key")


async def make_backup(config: Config, to: Path) -> dict[str, Any]:
    """Write a backup into `to`, which must not exist or be empty. The marker comes last: half a backup has none."""
    _make_empty(to, "a backup goes into a new directory")
    database = Database(config.database_url)
    try:
        if database.is_sqlite:
            await asyncio.to_thread(_copy_sqlite, config.data / "bellpull.db", to / "bellpull.db")
        # Read after the copy was made: no bundle that the copy knows is missing. One more does no harm.
        names = await _complete_bundles(database)
    finally:
        await database.close()
    (to / "bundles").mkdir(mode=0o700)
    for name in names:
        shutil.copyfile(config.bundles / f"{name}.age", to / "bundles" / f"{name}.age")
    for name in _FILES:
        write_private(to / name, (config.data / name).read_bytes())
    write_private(to / BACKUP_MARKER, b"A backup of a bellpull server's data. It holds the log key: guard it.\n")
    return {
        "backup": str(to),
        "bundles": len(names),
        "database": "copied" if database.is_sqlite else "not copied: use pg_dump",
    }


async def restore_backup(source: Path, data: Path) -> dict[str, Any]:
    """Restore into an empty directory; the audit log must be the one its checkpoint signs, bundles their hashes."""
    if not (source / BACKUP_MARKER).exists():
        raise ConfigError(f"{source} is not a finished backup (no {BACKUP_MARKER})")
    _make_empty(data, "restore into a new directory")
    (data / "bundles").mkdir(mode=0o700)
    for name in _FILES:
        write_private(data / name, (source / name).read_bytes())
    if (source / "bellpull.db").exists():
        # Not a plain copy: whoever looked into the backup may have left a write-ahead log beside it.
        await asyncio.to_thread(_copy_sqlite, source / "bellpull.db", data / "bellpull.db")
    for file in sorted((source / "bundles").glob("*.age")):
        shutil.copyfile(file, data / "bundles" / file.name)
    write_private(data / MARKER, b"Data of a bellpull server. Organisation keys do not belong here.\n")
    try:
        entries, missing = await _check(load(data))
    except (BrokenLog, ConfigError):
        # What cannot be trusted must not look like a server's data.
        (data / MARKER).unlink()
        raise
    return {"data": str(data), "audit_entries": entries, "audit": "verified", "bundles_damaged": missing}


async def _check(config: Config) -> tuple[int, list[str]]:
    from server.office import log_key

    database = Database(config.database_url)
    try:
        await migrate(database)
        log = AuditLog(database, log_key(config), wall_clock)
        await log.load()
        damaged = []
        async with database.read() as connection:
            for row in await connection.execute(select(bundles.c.id, bundles.c.sha256).where(bundles.c.complete)):
                file = config.bundles / f"{row.id}.age"
                if not file.exists() or hashlib.sha256(file.read_bytes()).digest() != row.sha256:
                    damaged.append(row.id)
        return log.size, damaged
    finally:
        await database.close()


async def _complete_bundles(database: Database) -> list[str]:
    async with database.read() as connection:
        return list((await connection.execute(select(bundles.c.id).where(bundles.c.complete))).scalars())


def _make_empty(directory: Path, hint: str) -> None:
    if directory.exists() and any(directory.iterdir()):
        raise ConfigError(f"{directory} is not empty: {hint}")
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    directory.chmod(0o700)


def _copy_sqlite(source: Path, target: Path) -> None:
    write_private(target, b"")
    with closing(sqlite3.connect(source)) as old, closing(sqlite3.connect(target)) as new:
        old.backup(new, pages=1000, sleep=0.01)
        # The copy stands alone: no write-ahead log beside it.
        new.execute("PRAGMA journal_mode=DELETE")
