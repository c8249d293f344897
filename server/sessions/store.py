"""Keeps who asked for which room, when it was paired and ended, how much went through, and the grant it led to."""

from collections.abc import Set
from typing import Any

from sqlalchemy import select, update

from protocol.actions.scopes import Scope
from protocol.audit import AuditEntry, AuditWord
from protocol.messages.api import SessionRow
from server.clock import Clock
from server.devices.model import devices
from server.sessions.model import sessions
from server.storage.engine import Database


class SessionStore:
    def __init__(self, database: Database, now: Clock) -> None:
        self._database = database
        self._now = now

    async def close_left_open(self) -> int:
        """At start: rooms live in memory, so what a stopped server left open is over."""
        async with self._database.write() as connection:
            done = await connection.execute(
                update(sessions)
                .where(sessions.c.ended_at.is_(None))
                .values(ended_at=self._now(), end_reason="the server was restarted")
            )
            return int(done.rowcount)

    async def asked(self, room: str, device: str, ticket: str | None, serial: str) -> None:
        async with self._database.write() as connection:
            await connection.execute(
                sessions.insert().values(room=room, device=device, ticket=ticket, serial=serial, asked_at=self._now())
            )

    async def paired(self, room: str) -> None:
        await self._set(room, paired_at=self._now())

    async def ended(self, room: str, reason: str, *, to_device: int, to_technician: int) -> None:
        await self._set(
            room,
            ended_at=self._now(),
            end_reason=reason[:120],
            bytes_to_device=to_device,
            bytes_to_technician=to_technician,
        )

    async def noticed(self, device: str, entry: AuditEntry) -> None:
        """A device's entry says which grant its newest room led to. The room itself is not in the log."""
        if entry.word is not AuditWord.SESSION_STARTED or entry.session is None:
            return
        async with self._database.write() as connection:
            room = await connection.scalar(
                select(sessions.c.room)
                .where(sessions.c.device == device, sessions.c.paired_at.is_not(None), sessions.c.grant_hash.is_(None))
                .order_by(sessions.c.asked_at.desc(), sessions.c.paired_at.desc())
                .limit(1)
            )
            await connection.execute(
                update(sessions)
                .where(sessions.c.room == room)
                .values(grant_hash=entry.session, scopes=",".join(entry.scopes))
            )

    async def rows(
        self, customers: Set[str] | None, *, ticket: str = "", device: str = "", limit: int = 500
    ) -> tuple[SessionRow, ...]:
        """Sessions on devices of `customers` (all when None), newest first."""
        query = (
            select(sessions)
            .join(devices, devices.c.device == sessions.c.device)
            .order_by(sessions.c.asked_at.desc())
            .limit(limit)
        )
        if customers is not None:
            names = sorted(customers)
            approved = devices.c.customer.in_(names)
            query = query.where(approved | (devices.c.customer.is_(None) & devices.c.asked_customer.in_(names)))
        if ticket:
            query = query.where(sessions.c.ticket == ticket)
        if device:
            query = query.where(sessions.c.device == device)
        async with self._database.read() as connection:
            return tuple(_row(row) for row in await connection.execute(query))

    async def _set(self, room: str, **values: object) -> None:
        async with self._database.write() as connection:
            await connection.execute(update(sessions).where(sessions.c.room == room).values(**values))


def _row(row: Any) -> SessionRow:
    return SessionRow(
        room=row.room,
        device=row.device,
        ticket=row.ticket,
        serial=row.serial,
        asked_at=row.asked_at,
        paired_at=row.paired_at,
        ended_at=row.ended_at,
        end_reason=row.end_reason,
        bytes_to_device=row.bytes_to_device,
        bytes_to_technician=row.bytes_to_technician,
        grant=row.grant_hash,
        scopes=tuple(Scope(scope) for scope in row.scopes.split(",") if scope),
    )
