"""Ten thousand devices with their findings, put straight into the tables; the same for the same numbers."""

import random
from typing import Any, Final

from server.devices.model import devices
from server.findings.model import findings
from server.storage.engine import Database
from tests.making import NOW
from tests.server.console.rows import device_id

CODES: Final = (
    ("disk-space-low", "error"), ("memory-pressure", "warning"), ("service-failed", "error"), ("dns-slow", "warning"),
    ("disk-failing", "critical"), ("update-failed", "warning"), ("clock-wrong", "warning"), ("backup-old", "info"),
)  # fmt: skip
ROWS_AT_ONCE: Final = 500


async def put_fleet(database: Database, number: int = 10_000, customers: int = 60) -> list[str]:
    """`number` devices of many customers, every third with findings, some long over. Returns the ids."""
    chance = random.Random(5)
    fleet: list[dict[str, Any]] = []
    found: list[dict[str, Any]] = []
    for at in range(number):
        owner, device = f"Customer {int(chance.paretovariate(1.1)) % customers:02}", device_id(f"fleet {at}")
        fleet.append({
            "device": device, "signing_key": b"k" * 32, "witness_key": b"w" * 32, "label": f"pc-{at:05}",
            "request": "{}", "received_at": NOW, "state": "approved", "asked_customer": owner, "customer": owner,
            "last_seen": NOW - at,
        })  # fmt: skip
        for code, severity in chance.sample(CODES, k=chance.choice((0, 0, 1, 4))):
            found.append({
                "device": device, "code": code, "instance": "a" * 16, "severity": severity, "first_seen": NOW - 900,
                "state": chance.choice(("active", "active", "pending", "resolved")), "last_seen": NOW, "count": 3,
                "known_issue": None, "reported_at": NOW,
            })  # fmt: skip
    async with database.write() as connection:
        for table, rows in ((devices, fleet), (findings, found)):
            for first in range(0, len(rows), ROWS_AT_ONCE):
                await connection.execute(table.insert(), rows[first : first + ROWS_AT_ONCE])
    return [row["device"] for row in fleet]
