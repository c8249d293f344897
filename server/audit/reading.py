"""Reading the log for people: pages from the newest back, search, one entry, and what a visit left in it.

Search is for bytes in the leaves, which are compact JSON: what is shown of an entry is what is searched. What people
call things by is turned into such bytes in about.py.
"""

import json
import re
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import LargeBinary, Select, false, func, literal, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.sql import ColumnElement

from protocol import strict_json
from protocol.audit import AuditEntry, AuditLeaf, AuditWord
from protocol.certificates import Chain
from protocol.fields import encode_base64
from protocol.messages.api import WitnessLine
from server.audit.about import About, needles
from server.audit.model import cosignatures, leaves
from server.devices.model import devices
from server.storage.engine import Database

PAGE_ROWS: Final = 50
NOTHING_ELSE: Final = About()
_VISIT_ROWS_MAX: Final = 2000
_HASH_IN_HEX: Final = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True)
class Entry:
    """One leaf: its place, its exact bytes, and what they say. `received_at`: the server's clock."""

    index: int
    leaf: bytes
    received_at: int
    entry: AuditEntry


@dataclass(frozen=True)
class EntryPage:
    """`older`: what to ask for next as `below`; none where the log begins."""

    entries: tuple[Entry, ...]
    older: int | None


class AuditReading:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def page(
        self,
        *,
        below: int | None = None,
        word: AuditWord | None = None,
        text: str = "",
        about: About = NOTHING_ELSE,
        rows: int = PAGE_ROWS,
    ) -> EntryPage:
        """Entries with an index below `below`, newest first. `text`: an id, an action, or a hash in hex."""
        query = select(leaves.c.index, leaves.c.leaf).order_by(leaves.c.index.desc()).limit(rows + 1)
        if below is not None:
            query = query.where(leaves.c.index < below)
        if word is not None:
            query = query.where(self._holds(f'"word":"{word}"'.encode()))
        if text:
            query = query.where(self._holds(_needle(text)))
        async with self._database.read() as connection:
            for alternatives in await needles(connection, about):
                query = query.where(or_(false(), *map(self._holds, alternatives)))
            if about.since_s is not None:
                query = query.where(leaves.c.index >= await _first_since(connection, about.since_s))
            if about.until_s is not None:
                query = query.where(leaves.c.index < await _first_since(connection, about.until_s))
        found = await self._entries(query)
        return EntryPage(found[:rows], found[rows - 1].index if len(found) > rows else None)

    async def get(self, index: int) -> Entry | None:
        found = await self._entries(select(leaves.c.index, leaves.c.leaf).where(leaves.c.index == index))
        return found[0] if found else None

    async def of_session(self, device: str, grant: bytes) -> tuple[Entry, ...]:
        """What `device` wrote about the visit under `grant`, in order."""
        query = (
            select(leaves.c.index, leaves.c.leaf)
            .where(leaves.c.device == device, self._holds(f'"session":"{encode_base64(grant)}"'.encode()))
            .order_by(leaves.c.index)
            .limit(_VISIT_ROWS_MAX)
        )
        return await self._entries(query)

    async def witnesses(self, rows: int) -> tuple[tuple[WitnessLine, ...], int]:
        """The lines of the devices that have seen most of the log, and how many certified devices witness it at all."""
        certified = cosignatures.join(devices, devices.c.device == cosignatures.c.device)
        holds = devices.c.certificate.is_not(None)
        query = (
            select(cosignatures.c.device, cosignatures.c.size, cosignatures.c.line, devices.c.certificate)
            .select_from(certified)
            .where(holds)
            .order_by(cosignatures.c.size.desc(), cosignatures.c.device)
            .limit(rows)
        )
        async with self._database.read() as connection:
            count = await connection.scalar(select(func.count()).select_from(certified).where(holds))
            lines = tuple(
                WitnessLine(
                    device=row.device,
                    certificate=Chain.model_validate_json(row.certificate),
                    size=row.size,
                    line=row.line,
                )
                for row in await connection.execute(query)
            )
        return lines, int(count or 0)

    async def _entries(self, query: Select[Any]) -> tuple[Entry, ...]:
        async with self._database.read() as connection:
            return tuple(_entry(row) for row in await connection.execute(query))

    def _holds(self, needle: bytes) -> ColumnElement[bool]:
        wanted = literal(needle, LargeBinary)
        if self._database.is_sqlite:
            return func.instr(leaves.c.leaf, wanted) > 0
        return func.position(wanted.op("IN")(leaves.c.leaf)) > 0


async def _first_since(connection: AsyncConnection, at_s: int) -> int:
    """The index of the first entry received at `at_s` or later. Entries are in the order in which they came: where the
    server's clock was turned back, the order is what counts, and a time may be found a little off."""
    low, high = 0, int(await connection.scalar(select(func.count()).select_from(leaves)) or 0)
    while low < high:
        middle = (low + high) // 2
        leaf: bytes = (await connection.execute(select(leaves.c.leaf).where(leaves.c.index == middle))).scalar_one()
        if strict_json.parse(leaf, AuditLeaf, what="audit leaf").received_at < at_s:
            low = middle + 1
        else:
            high = middle
    return low


def _needle(text: str) -> bytes:
    """What to look for in compact JSON. Hashes are shown in hex and stored in base64."""
    plain = text.strip().lower()
    if _HASH_IN_HEX.fullmatch(plain):
        return encode_base64(bytes.fromhex(plain)).encode()
    return json.dumps(text.strip(), ensure_ascii=False)[1:-1].encode("utf-8", "surrogatepass")


def _entry(row: Any) -> Entry:
    leaf = strict_json.parse(row.leaf, AuditLeaf, what="audit leaf")
    return Entry(index=row.index, leaf=row.leaf, received_at=leaf.received_at, entry=leaf.entry)
