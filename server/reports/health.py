"""Counts what is present on the fleet, once an hour: the last count of a day is that day's.

Findings are kept as they stand now, not as they stood; what a report says of last month must be written down then.
Devices that never reported are not counted: nothing is known of them.
"""

from collections import Counter
from typing import Any, Final

from sqlalchemy import delete, func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from protocol.messages.report import ReportedSeverity
from server.clock import Clock
from server.devices.model import devices
from server.findings.model import checks, findings
from server.findings.rules import PRESENT
from server.reports.model import health_days
from server.reports.rows import DAY_S
from server.storage.engine import Database

NOTHING: Final = "none"
_RANKS: Final = {severity.value: rank for rank, severity in enumerate(ReportedSeverity)}


class HealthCounter:
    def __init__(self, database: Database, now: Clock) -> None:
        self._database = database
        self._now = now

    async def count_today(self) -> None:
        async with self._database.read() as connection:
            rows = await self._rows(connection)
        day = self._now() // DAY_S
        async with self._database.write() as connection:
            await connection.execute(delete(health_days).where(health_days.c.day == day))
            if rows:
                insert = self._database.insert(health_days).on_conflict_do_nothing()  # another node counted it too
                await connection.execute(insert, [{"day": day, **row} for row in rows])

    async def _rows(self, connection: AsyncConnection) -> list[dict[str, Any]]:
        owner = func.coalesce(devices.c.customer, devices.c.asked_customer).label("customer")
        present = [state.value for state in PRESENT]
        heard = select(checks.c.device).union(select(findings.c.device)).subquery()
        reporting = select(devices.c.device, owner).join(heard, heard.c.device == devices.c.device)
        customers = {
            row.device: row.customer for row in await connection.execute(reporting.where(devices.c.state != "refused"))
        }
        found = (
            select(findings.c.device, findings.c.severity, func.count().label("number"))
            .where(findings.c.state.in_(present))
            .group_by(findings.c.device, findings.c.severity)
        )
        numbers: Counter[tuple[str, str]] = Counter()
        gravest: dict[str, str] = {}
        for row in await connection.execute(found):
            if row.device not in customers:
                continue
            numbers[customers[row.device], row.severity] += row.number
            known = gravest.get(row.device)
            if known is None or _RANKS[row.severity] > _RANKS[known]:
                gravest[row.device] = row.severity
        standing = Counter((customer, gravest.get(device, NOTHING)) for device, customer in customers.items())
        return [
            {"customer": customer, "severity": severity, "findings": numbers[key], "devices": standing[key]}
            for key in sorted(numbers.keys() | standing.keys())
            for customer, severity in [key]
        ]
