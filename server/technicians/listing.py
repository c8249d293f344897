"""Reading technicians for people: names of serials, and certificates, bounded: renewals of a year are thousands."""

from collections.abc import Iterable
from typing import Any, Final

from sqlalchemy import Select, or_, select

from protocol.certificates import Chain
from server.storage.engine import Database
from server.technicians.model import technicians

#: Of ended certificates, as many as a page of people may need to say "this one has ended".
ENDED_MAX: Final = 200
CURRENT_MAX: Final = 2000


class TechnicianListing:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def names(self, serials: Iterable[str]) -> dict[str, str]:
        """Serial → name, as its certificate said when it was verified and kept."""
        query = select(technicians.c.serial, technicians.c.name).where(technicians.c.serial.in_(sorted(set(serials))))
        async with self._database.read() as connection:
            return {row.serial: row.name for row in await connection.execute(query)}

    async def current(self, now: int) -> tuple[Chain, ...]:
        """Certificates whose time has not ended, newest first. Whether they hold is for trust to say."""
        query = select(technicians.c.certificate).where(technicians.c.not_after >= now)
        return await self._chains(query.order_by(technicians.c.stored_at.desc()).limit(CURRENT_MAX))

    async def current_and_lately_ended(self, now: int) -> tuple[Chain, ...]:
        lately = select(technicians.c.serial).order_by(technicians.c.stored_at.desc()).limit(ENDED_MAX)
        query = select(technicians.c.certificate).where(
            or_(technicians.c.not_after >= now, technicians.c.serial.in_(lately))
        )
        return await self._chains(query.order_by(technicians.c.stored_at.desc()).limit(CURRENT_MAX))

    async def _chains(self, query: Select[Any]) -> tuple[Chain, ...]:
        async with self._database.read() as connection:
            rows = await connection.execute(query)
            return tuple(Chain.model_validate_json(text) for text in rows.scalars())
