"""Forgets the ids of items taken long ago: an outbox that still holds one is older than any outbox may be."""

from sqlalchemy import delete

from server.link.model import items
from server.storage.engine import Database

#: An agent keeps an item until it is answered, and a machine may lie in a drawer for a season.
KEPT_S = 180 * 86_400


async def sweep_items(database: Database, now: int) -> None:
    async with database.write() as connection:
        await connection.execute(delete(items).where(items.c.received_at < now - KEPT_S))
