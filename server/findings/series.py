"""Reading metrics for plots: averaged into steps by the database, so that a month is as quick as an hour."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Final

from sqlalchemy import and_, func, select

from server.findings.model import metrics
from server.storage.engine import Database

#: A device with more instances of one metric than this is not plotted whole.
ROWS_MAX: Final = 20_000


@dataclass(frozen=True)
class Step:
    """The average of one metric's values within one step. `at`: the first of them; `slot`: which step."""

    name: str
    instance: str
    slot: int
    at: int
    value: float


@dataclass(frozen=True)
class Newest:
    name: str
    instance: str
    at: int
    value: float


class SeriesReading:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def steps(self, device: str, names: Collection[str], *, since: int, step_s: int) -> tuple[Step, ...]:
        """In order of name, instance and time."""
        slot = (metrics.c.at - since) // step_s
        query = (
            select(
                metrics.c.name,
                metrics.c.instance,
                slot.label("slot"),
                func.min(metrics.c.at).label("at"),
                func.avg(metrics.c.value).label("value"),
            )
            .where(metrics.c.device == device, metrics.c.name.in_(list(names)), metrics.c.at >= since)
            .group_by(metrics.c.name, metrics.c.instance, slot)
            .order_by(metrics.c.name, metrics.c.instance, slot)
            .limit(ROWS_MAX)
        )
        async with self._database.read() as connection:
            return tuple(Step(*row) for row in await connection.execute(query))

    async def newest(self, device: str) -> tuple[Newest, ...]:
        """The last value of every metric and instance."""
        last = (
            select(metrics.c.name, metrics.c.instance, func.max(metrics.c.at).label("at"))
            .where(metrics.c.device == device)
            .group_by(metrics.c.name, metrics.c.instance)
            .subquery()
        )
        same = and_(
            metrics.c.device == device,
            metrics.c.name == last.c.name,
            metrics.c.instance == last.c.instance,
            metrics.c.at == last.c.at,
        )
        query = select(metrics.c.name, metrics.c.instance, metrics.c.at, metrics.c.value).select_from(
            last.join(metrics, same)
        )
        async with self._database.read() as connection:
            rows = await connection.execute(query.order_by(metrics.c.name, metrics.c.instance).limit(1000))
            return tuple(Newest(*row) for row in rows)

    async def first_at(self, device: str) -> int | None:
        """When the oldest kept value was measured."""
        async with self._database.read() as connection:
            found: int | None = await connection.scalar(
                select(func.min(metrics.c.at)).where(metrics.c.device == device)
            )
            return found
