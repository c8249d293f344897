"""What people ask the log for, as what stands in its entries: the log names no technician, ticket or label itself.

    device      a label or an id          →  "device":"d-…"
    technician  a name in a certificate   →  "session":"…" of their visits, "commitment":"…" to their serial
    ticket      its id                    →  "session":"…" of its visits,   "commitment":"…" to their rooms

What was erased behind a commitment is not found by name any more; the entry itself still is, by everything it says.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from sqlalchemy import Select, func, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from protocol.fields import encode_base64
from server.audit.model import salts
from server.audit.rules import Kind, speaks_of
from server.devices.model import devices
from server.sessions.model import sessions
from server.technicians.model import technicians

#: A search for somebody who made more visits finds those of the newest.
_VISITS_MAX: Final = 300
_DEVICES_MAX: Final = 50

#: One of these stands in the entry.
Alternatives = tuple[bytes, ...]


@dataclass(frozen=True)
class About:
    """What is empty asks for nothing. `since_s`, `until_s`: by the server's clock, the second not included."""

    device: str = ""
    technician: str = ""
    ticket: str = ""
    since_s: int | None = None
    until_s: int | None = None


async def needles(connection: AsyncConnection, about: About) -> list[Alternatives]:
    """Of each of these an entry must hold one. An empty one: there is nothing of the kind, so no entry matches."""
    found: list[Alternatives] = []
    if about.device:
        found.append(await _of_device(connection, about.device))
    if about.technician:
        found.append(await _of_technician(connection, about.technician))
    if about.ticket:
        visits = select(sessions.c.room, sessions.c.grant_hash).where(sessions.c.ticket == about.ticket)
        found.append(await _of_visits(connection, visits))
    return found


async def _of_device(connection: AsyncConnection, asked: str) -> Alternatives:
    query = (
        select(devices.c.device)
        .where(or_(devices.c.device == asked, func.lower(devices.c.label) == asked.lower()))
        .order_by(devices.c.device)
        .limit(_DEVICES_MAX)
    )
    return tuple(f'"device":"{device}"'.encode() for device in (await connection.execute(query)).scalars())


async def _of_technician(connection: AsyncConnection, name: str) -> Alternatives:
    query = select(technicians.c.serial).where(technicians.c.name == name)
    serials = tuple((await connection.execute(query)).scalars())
    commitments: list[bytes] = []
    for serial in serials:
        rows = await connection.execute(
            select(salts.c.commitment, salts.c.value).where(salts.c.value.startswith(f"{Kind.TECHNICIAN} {serial}"))
        )
        commitments += [row.commitment for row in rows if speaks_of(row.value, Kind.TECHNICIAN, serial)]
    visits = select(sessions.c.room, sessions.c.grant_hash).where(sessions.c.serial.in_(serials))
    return _committed(commitments) + await _of_visits(connection, visits)


async def _of_visits(connection: AsyncConnection, visits: Select[tuple[str, bytes]]) -> Alternatives:
    rows = (await connection.execute(visits.order_by(sessions.c.asked_at.desc()).limit(_VISITS_MAX))).all()
    grants = tuple(f'"session":"{encode_base64(row.grant_hash)}"'.encode() for row in rows if row.grant_hash)
    asked: list[bytes] = []
    for row in rows:
        query = select(salts.c.commitment).where(salts.c.value.endswith(f" room {row.room}"))
        asked += (await connection.execute(query)).scalars()
    return grants + _committed(asked)


def _committed(commitments: Iterable[bytes]) -> Alternatives:
    return tuple(f'"commitment":"{encode_base64(one)}"'.encode() for one in commitments)
