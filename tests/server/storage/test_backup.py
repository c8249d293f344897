"""Backup of a running server, restore into an empty directory, and a restored server that goes on."""

import sqlite3
from pathlib import Path

import pytest

from protocol.checkpoints import open_checkpoint
from server.audit.store import BrokenLog
from server.config import MARKER, ConfigError, load
from server.storage.backup import BACKUP_MARKER, make_backup, restore_backup
from tests.server.actors import World, log_verifier, sealed_bytes
from tests.server.bundles.test_uploads import sender


async def backed_up(desk: World, to: Path) -> bytes:
    """A backup taken while the server runs, with a bundle and a ticket in it."""
    data = sealed_bytes("bundle", 5000)
    async with sender(desk) as one:
        await one.send_all(await one.granted(data), data)
        await one.granted(data, "never finished")
    assert desk.data is not None
    answer = await make_backup(load(desk.data), to)
    assert (answer["bundles"], answer["database"]) == (1, "copied")
    return data


async def test_a_restored_server_has_everything_and_its_log_is_checked(desk: World, tmp_path: Path) -> None:
    backup, restored = tmp_path / "backup", tmp_path / "restored"
    data = await backed_up(desk, backup)
    size, facts = desk.office.audit.size, (await desk.get("/api/server")).json()
    answer = await restore_backup(backup, restored)
    assert answer == {
        "data": str(restored),
        "audit_entries": size,
        "audit": "verified",
        "bundles_damaged": [],
    }
    assert [file.read_bytes() for file in (restored / "bundles").iterdir()] == [data]
    assert desk.data is not None
    assert (restored / "log-key").read_bytes() == (desk.data / "log-key").read_bytes()
    assert open_checkpoint(desk.office.audit.note, log_verifier(facts)).size == size
    for private in ("log-key", "bellpull.db", "server.json"):
        assert (restored / private).stat().st_mode & 0o077 == 0


async def test_a_changed_log_is_not_restored_and_does_not_look_like_a_server(desk: World, tmp_path: Path) -> None:
    backup, restored = tmp_path / "backup", tmp_path / "restored"
    await backed_up(desk, backup)
    with sqlite3.connect(backup / "bellpull.db") as connection:
        connection.execute("UPDATE audit_leaves SET leaf = x'7b7d' WHERE \"index\" = 1")
    with pytest.raises(BrokenLog):
        await restore_backup(backup, restored)
    assert not (restored / MARKER).exists()


async def test_a_damaged_bundle_is_named(desk: World, tmp_path: Path) -> None:
    backup, restored = tmp_path / "backup", tmp_path / "restored"
    await backed_up(desk, backup)
    (file,) = (backup / "bundles").iterdir()
    file.write_bytes(file.read_bytes()[:-1] + b"?")
    assert (await restore_backup(backup, restored))["bundles_damaged"] == [file.stem]


async def test_nothing_is_written_over(desk: World, tmp_path: Path) -> None:
    backup = tmp_path / "backup"
    await backed_up(desk, backup)
    assert desk.data is not None
    for target in (backup, desk.data):
        with pytest.raises(ConfigError, match="not empty"):
            await restore_backup(backup, target)
        with pytest.raises(ConfigError, match="not empty"):
            await make_backup(load(desk.data), target)


async def test_half_a_backup_is_none(desk: World, tmp_path: Path) -> None:
    backup = tmp_path / "backup"
    await backed_up(desk, backup)
    (backup / BACKUP_MARKER).unlink()
    with pytest.raises(ConfigError, match="not a finished backup"):
        await restore_backup(backup, tmp_path / "restored")
