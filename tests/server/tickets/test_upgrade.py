"""A database from before histories were kept: its tickets get the part that can still be known."""

import pytest
from alembic import command
from sqlalchemy import Connection, text

from server.storage.engine import Database
from server.storage.migrate import alembic_config, migrate
from server.tickets.history import events_of
from tests.making import NOW
from tests.server.actors import uuid

DEVICE = "d-" + "a" * 26


def as_of_second_version(connection: Connection) -> None:
    config = alembic_config()
    config.attributes["connection"] = connection
    command.upgrade(config, "0002")
    connection.execute(
        text(
            "INSERT INTO devices (device, signing_key, witness_key, label, request, received_at, state, asked_customer)"
            " VALUES (:device, :key, :key, 'old', '{}', 1, 'approved', 'Acme')"
        ),
        {"device": DEVICE, "key": b"k" * 32},
    )
    for name, state, outcome in (
        ("new", "new", None),
        ("mended", "solved", "solved-mechanically"),
        ("told", "closed", None),
    ):
        connection.execute(
            text(
                "INSERT INTO tickets (ticket, case_id, device, origin, words, opened_at, received_at, updated_at,"
                " state, outcome, level, cost, doing, next, eta, statement) VALUES (:ticket, 'c-aaaaaaaaaaaaaaaa',"
                " :device, 'customer', 'x', 1, 1, :now, :state, :outcome, 1, 'a', 'b', 'c', 1, '{}')"
            ),
            {"ticket": uuid(name), "device": DEVICE, "now": NOW, "state": state, "outcome": outcome},
        )
    for at, source in ((NOW - 50, "customer"), (NOW - 40, "desk"), (NOW - 30, "technician")):
        connection.execute(
            text("INSERT INTO messages (ticket, at, source, text) VALUES (:ticket, :at, :source, 'x')"),
            {"ticket": uuid("told"), "at": at, "source": source},
        )


@pytest.fixture
def old_database(empty_database_url: str) -> Database:
    return Database(empty_database_url)


async def test_old_tickets_keep_how_they_ended_when_they_were_answered_and_who_wrote(old_database: Database) -> None:
    async with old_database.write() as connection:
        await connection.run_sync(as_of_second_version)
    await migrate(old_database)
    told = {
        name: sorted(
            (one.kind.value, one.at, one.after, one.by.kind.value) for one in await events_of(old_database, uuid(name))
        )
        for name in ("new", "mended", "told")
    }
    await old_database.close()
    assert told == {
        "new": [],
        "mended": [("outcome", NOW, "solved-mechanically", "server"), ("state", NOW, "solved", "server")],
        "told": [
            ("answered", NOW - 40, None, "server"),
            ("outcome", NOW, "by-person", "server"),
            ("state", NOW, "closed", "server"),
            ("wrote", NOW - 50, None, "device"),
        ],
    }
