"""Persons behind the log: kept apart, erased on both databases, told so by the log; and entries of other processes."""

import asyncio
from pathlib import Path

import pytest
from sqlalchemy import func, select
from typer.testing import CliRunner

from protocol import strict_json
from protocol.audit import AuditEntry, AuditLeaf, AuditWord, CommittedValues, value_commitment
from server.audit.model import waiting
from server.audit.rules import Kind, speaks_of
from server.audit.store import AuditLog
from server.audit.values import ValueStore
from server.audit.waiting import WaitingLine, ask_for_entry
from server.cli import app
from server.storage.engine import Database
from tests.making import NOW
from tests.server.actors import Clock
from tests.server.audit.test_log import running
from tests.server.conftest import running_world
from tests.server.stores import Stores


def line(database: Database, log: AuditLog) -> WaitingLine:
    return WaitingLine(database, lambda entry, item: log.append(entry, item=item))


async def entries(log: AuditLog) -> list[AuditEntry]:
    return [strict_json.parse(leaf, AuditLeaf).entry for leaf in await log.entries()]


async def test_a_person_is_not_in_the_log_and_behind_it_only_until_erased(database: Database, clock: Clock) -> None:
    values = ValueStore(database, clock)
    async with running(Stores(database, clock).log) as log:
        said = [
            "account anna",
            "account anna",
            "account anna: role admin, by ben",
            "account carl: removed, by anna",
            "account annabel",
            "technician anna",
        ]
        for value in said:
            await log.append(
                AuditEntry(word=AuditWord.SIGN_IN, author="server", at=NOW, commitment=await log.commit_to(value))
            )
        assert b"anna" not in b"".join(await log.entries())
        before = await entries(log)
        assert len({one.commitment for one in before}) == 6  # the same person is not recognised by the value
        gone = set(await values.of(Kind.ACCOUNT, "anna"))
        assert gone == {one.commitment for one in before[:4]}

        assert await values.erase(Kind.ACCOUNT, "anna") == 4
        assert await values.erase(Kind.ACCOUNT, "anna") == 0
        assert {one.value for one in await values.all()} == {"account annabel", "technician anna"}
        assert not await values.keeps(before[0].commitment or b"")
        assert await line(database, log).take() == 4
        told = (await entries(log))[6:]
        assert (await entries(log))[:6] == before  # nothing in the log has changed
        assert {one.commitment for one in told} == gone
        assert {one.word for one in told} == {AuditWord.VALUE_ERASED}


async def test_an_entry_in_line_is_taken_once_also_when_the_server_dies_before_it_is_struck_off(
    database: Database, clock: Clock
) -> None:
    asked = [AuditEntry(word=AuditWord.ACCOUNT_CHANGE, author="server", at=NOW + at) for at in range(3)]
    async with running(Stores(database, clock).log) as log:
        for entry in asked:
            async with database.write() as connection:
                await ask_for_entry(connection, entry)
        async with database.read() as connection:
            rows = (await connection.execute(select(waiting).order_by(waiting.c.asked_at))).all()
        for row in rows[:2]:  # written, and killed before the line was shortened
            await log.append(strict_json.parse(row.entry, AuditEntry), item=row.id)
    async with running(Stores(database, clock).log) as again:
        assert await line(database, again).take() == 3
        assert await entries(again) == asked
        assert await line(database, again).take() == 0


async def test_nothing_stays_in_line_of_a_transaction_that_failed(database: Database) -> None:
    async def fails() -> None:
        async with database.write() as connection:
            await ask_for_entry(connection, AuditEntry(word=AuditWord.VALUE_ERASED, author="server", at=NOW))
            raise RuntimeError

    with pytest.raises(RuntimeError):
        await fails()
    async with database.read() as connection:
        assert await connection.scalar(select(func.count()).select_from(waiting)) == 0


@pytest.mark.parametrize(
    ("value", "kind", "name", "speaks"),
    [
        ("technician 12 room ab", Kind.TECHNICIAN, "12", True),
        ("technician 12 room ab", Kind.TECHNICIAN, "1", False),
        ("technician 12", Kind.ACCOUNT, "12", False),
        ("issuer 12", Kind.ISSUER, "12", True),
        ("account a: technician b, by c", Kind.TECHNICIAN, "b", False),
        ("account a: technician b, by c", Kind.ACCOUNT, "c", True),
    ],
)
def test_who_a_value_speaks_of(value: str, kind: Kind, name: str, speaks: bool) -> None:
    assert speaks_of(value, kind, name) is speaks
    assert value_commitment(b"s" * 32, "a") != value_commitment(b"s" * 32, "b")


async def test_commands_beside_a_running_server_stand_in_its_log(tmp_path: Path) -> None:
    async with running_world(tmp_path, Clock()) as desk:
        assert desk.data is not None
        data, log = desk.data, desk.office.audit

        async def command(*arguments: str, code: int = 0) -> None:
            done = await asyncio.to_thread(CliRunner().invoke, app, [*arguments, "--data", str(data)])
            assert done.exit_code == code, done.output

        before = log.size
        await command("user", "add", "anna", "--role", "technician")
        await command("user", "role", "anna", "admin")
        await command("user", "link", "anna")
        await command("user", "role", "nobody", "admin", code=1)  # nothing is noted about who is not there
        await desk.office.waiting.take()
        told = (await entries(log))[before:]
        assert [one.word for one in told] == [AuditWord.ACCOUNT_CHANGE] * 3
        await command("audit", "values", "--out", str(tmp_path / "values.json"))
        kept = strict_json.parse((tmp_path / "values.json").read_bytes(), CommittedValues)
        said = {one.commitment: one.value for one in kept.values if one.fits}
        assert [said[one.commitment or b""] for one in told] == [
            "account anna: added as technician, by the command line",
            "account anna: role admin, by the command line",
            "account anna: one-use link, by the command line",
        ]
        assert (tmp_path / "values.json").stat().st_mode & 0o077 == 0
        await command("audit", "values", "--out", str(tmp_path / "values.json"), code=1)  # never over a file
        await command("audit", "erase", "account", "anna")
        await desk.office.waiting.take()
        assert [one.commitment for one in (await entries(log))[before + 3 :]] == sorted(
            one.commitment or b"" for one in told
        )
        assert not any("anna" in one.value for one in await desk.office.values.all())
