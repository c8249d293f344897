"""What changed on a device, read from the numbers it reports: fixes that ended, restarts, software that came or went.

    remedies.solved-mechanically  3 → 5      two fixes ended so between these reports
    system.uptime-s          812340 → 95     it was restarted
    packages.installed         1412 → 1415   software was installed

Nothing else is published about changes: which program it was only the device knows (DIAGNOSTICS). Only rows that differ
from the one before are read out of the database, whatever the time shown.
"""

from collections.abc import Iterable
from enum import StrEnum
from typing import Final, NamedTuple

from sqlalchemy import func, or_, select

from server.findings.counters import REMEDY_PREFIX, Point, grown
from server.findings.model import metrics
from server.storage.engine import Database

UPTIME: Final = "system.uptime-s"
PACKAGES: Final = "packages.installed"
#: More changes than this within the time shown are no history but noise; the newest are kept.
ROWS_MAX: Final = 400


class ChangeKind(StrEnum):
    FIX = "fix"
    RESTART = "restart"
    SOFTWARE = "software"


class Change(NamedTuple):
    """`what`: how a fix ended, in diagnostics' word. `by`: runs of fixes; packages more or less."""

    kind: ChangeKind
    at: int
    what: str
    by: int


class Differing(NamedTuple):
    """A number that differs from the one reported before it."""

    name: str
    at: int
    before: float
    value: float


class ChangeReading:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def since(self, device: str, since: int) -> tuple[Change, ...]:
        """Oldest first."""
        before = func.lag(metrics.c.value).over(partition_by=metrics.c.name, order_by=metrics.c.at).label("before")
        rows = (
            select(metrics.c.name, metrics.c.at, before, metrics.c.value)
            .where(
                metrics.c.device == device,
                metrics.c.instance == "",
                or_(metrics.c.name.in_([UPTIME, PACKAGES]), metrics.c.name.startswith(REMEDY_PREFIX)),
            )
            .subquery()
        )
        changed = or_(rows.c.value < rows.c.before, (rows.c.name != UPTIME) & (rows.c.value > rows.c.before))
        query = select(rows).where(changed, rows.c.at >= since).order_by(rows.c.at.desc()).limit(ROWS_MAX)
        async with self._database.read() as connection:
            return changes_of(Differing._make(row) for row in await connection.execute(query))


def changes_of(rows: Iterable[Differing]) -> tuple[Change, ...]:
    """Pure."""
    found = []
    for row in rows:
        if row.name == UPTIME:
            if row.value < row.before:
                found.append(Change(ChangeKind.RESTART, row.at, "", 1))
        elif row.name == PACKAGES:
            found.append(Change(ChangeKind.SOFTWARE, row.at, "", int(row.value) - int(row.before)))
        elif row.name.startswith(REMEDY_PREFIX):
            points = (Point("", row.name, row.at - 1, row.before), Point("", row.name, row.at, row.value))
            found += [
                Change(ChangeKind.FIX, one.at, one.name.removeprefix(REMEDY_PREFIX), one.by) for one in grown(points)
            ]
    return tuple(sorted(found, key=lambda one: (one.at, one.kind.value)))
