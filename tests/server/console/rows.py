"""Rows put straight into the tables, for tests of reading: a thousand of them need no thousand signatures."""

from typing import Any

from protocol.messages.report import ReportedSeverity
from server.devices.model import devices
from server.findings.model import findings, metrics
from server.storage.engine import Database
from server.tickets.model import tickets
from tests.making import NOW
from tests.server.actors import case, uuid


def device_id(name: str) -> str:
    return "d-" + case(name)[2:].ljust(26, "a")


async def put_device(database: Database, name: str, owner: str = "Acme", **changes: Any) -> str:
    row = {
        "device": device_id(name), "signing_key": b"k" * 32, "witness_key": b"w" * 32, "label": name, "request": "{}",
        "received_at": NOW, "state": "approved", "asked_customer": owner, "customer": owner,
        "certificate": None, "serial": None, "last_seen": NOW,
    }  # fmt: skip
    async with database.write() as connection:
        await connection.execute(devices.insert().values({**row, **changes}))
    return device_id(name)


async def put_ticket(database: Database, device: str, name: str, **changes: Any) -> str:
    row = {
        "ticket": uuid(name), "case_id": case(name), "device": device, "origin": "customer", "finding": None,
        "instance": None, "severity": None, "words": name, "opened_at": NOW, "received_at": NOW, "updated_at": NOW,
        "state": "new", "outcome": None, "level": 1, "cost": "a", "doing": "b", "next": "c", "eta": NOW + 3600,
        "statement": "{}",
    }  # fmt: skip
    async with database.write() as connection:
        await connection.execute(tickets.insert().values({**row, **changes}))
    return uuid(name)


async def put_finding(
    database: Database, device: str, code: str, severity: ReportedSeverity, state: str = "active"
) -> None:
    async with database.write() as connection:
        await connection.execute(
            findings.insert().values(
                device=device, code=code, instance="a" * 16, severity=severity, state=state, first_seen=NOW,
                last_seen=NOW, count=1, known_issue=None, reported_at=NOW,
            )
        )  # fmt: skip


async def put_metrics(
    database: Database, device: str, name: str, points: list[tuple[int, float]], of: str = ""
) -> None:
    rows = [{"device": device, "name": name, "instance": of, "at": at, "value": value} for at, value in points]
    async with database.write() as connection:
        await connection.execute(metrics.insert(), rows)
