"""The health of all devices at once: how many of each customer are well, and which findings are on how many.

A device counts under its gravest present finding; one that was never seen is unknown, not well. Both counts are made by
the database, so that ten thousand devices cost one pass each. Versions are not counted: no device publishes its own.
"""

from collections.abc import Set
from dataclasses import dataclass
from typing import Final

from sqlalchemy import and_, case, func, select

from protocol.messages.api import EnrolmentState
from protocol.messages.report import ReportedSeverity
from server.devices.listing import gravest_of_each, visible
from server.devices.model import devices
from server.findings.model import findings
from server.findings.rules import PRESENT
from server.storage.engine import Database

#: As many as a person reads; the filters know all of them.
LINES_MAX: Final = 12
_PRESENT: Final = [state.value for state in PRESENT]
_SEVERITIES: Final = tuple(ReportedSeverity)


@dataclass(frozen=True)
class CustomerHealth:
    """`counts`: gravest severity → devices. `well`: nothing present. `unknown`: never seen."""

    customer: str
    devices: int
    well: int
    unknown: int
    counts: dict[ReportedSeverity, int]


@dataclass(frozen=True)
class FindingSpread:
    """A finding that is present now: its gravest severity, and on how many devices."""

    code: str
    severity: ReportedSeverity
    devices: int


class FleetReading:
    """`customers` everywhere: whose devices the reader may see; none means all. Refused devices are not counted."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def by_customer(self, customers: Set[str] | None, *, limit: int = LINES_MAX) -> tuple[CustomerHealth, ...]:
        """Those with the most devices in trouble first."""
        gravest = gravest_of_each()
        owner = func.coalesce(devices.c.customer, devices.c.asked_customer)
        rank = func.coalesce(gravest.c.rank, 0)
        never = case((and_(devices.c.last_seen.is_(None), gravest.c.rank.is_(None)), 1), else_=0)
        query = (
            select(owner, rank, never, func.count())
            .select_from(devices.outerjoin(gravest, gravest.c.device == devices.c.device))
            .where(*visible(customers), devices.c.state != EnrolmentState.REFUSED)
            .group_by(owner, rank, never)
        )
        found: dict[str, dict[tuple[int, int], int]] = {}
        async with self._database.read() as connection:
            for name, standing, unknown, number in await connection.execute(query):
                found.setdefault(name, {})[standing, unknown] = number
        lines = [
            CustomerHealth(
                customer=name,
                devices=sum(numbers.values()),
                well=numbers.get((0, 0), 0),
                unknown=numbers.get((0, 1), 0),
                counts={
                    severity: number
                    for rank_of, severity in enumerate(_SEVERITIES, start=1)
                    if (number := numbers.get((rank_of, 0), 0))
                },
            )
            for name, numbers in found.items()
        ]
        lines.sort(
            key=lambda line: (*(-line.counts.get(severity, 0) for severity in reversed(_SEVERITIES)), line.customer)
        )
        return tuple(lines[:limit])

    async def by_finding(
        self, customers: Set[str] | None, *, customer: str = "", limit: int = LINES_MAX
    ) -> tuple[FindingSpread, ...]:
        """Those on most devices first."""
        rank = case(
            *((findings.c.severity == severity, at) for at, severity in enumerate(_SEVERITIES, start=1)), else_=1
        )
        number = func.count(findings.c.device.distinct())
        query = select(findings.c.code, func.max(rank), number).where(findings.c.state.in_(_PRESENT))
        if customers is not None or customer:
            owned = select(devices.c.device).where(*visible(customers))
            if customer:
                owned = owned.where(func.coalesce(devices.c.customer, devices.c.asked_customer) == customer)
            query = query.where(findings.c.device.in_(owned))
        query = query.group_by(findings.c.code).order_by(number.desc(), findings.c.code).limit(limit)
        async with self._database.read() as connection:
            return tuple(
                FindingSpread(code, _SEVERITIES[standing - 1], count)
                for code, standing, count in await connection.execute(query)
            )
