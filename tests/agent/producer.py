"""A small agent for the kill tests: opens the state folder, links to the desk, queues items, tells what it promised.

Each id goes down the pipe only after the outbox had taken the item: from then on it is an obligation. With a count of
0 it only delivers, and ends when the outbox is empty. Started by a fork server, so that a life costs milliseconds.
"""

import asyncio
from dataclasses import replace
from multiprocessing.connection import Connection
from pathlib import Path

from agent.clocks import SystemClocks
from agent.identity.identity import Identity
from agent.link.link import Link
from agent.link.outbox import Outbox
from agent.paths import Mode, StateFolder
from agent.store.database import Database
from protocol.messages.desk import CustomerText
from tests.agent.doubles import MemoryLog, item_id

WORDS = "An item that must arrive. " * 20


def main(state: Path, origin: str, first: int, count: int, ticket: str, promised: Connection) -> None:
    asyncio.run(produce(state, origin, first, count, ticket, promised))


async def produce(state: Path, origin: str, first: int, count: int, ticket: str, promised: Connection) -> None:
    folder = StateFolder(state, Mode.USER)
    identity = Identity.load(folder.identity)
    assert identity is not None
    database = Database(folder.database)
    clocks = SystemClocks(database)
    outbox = Outbox(database)
    link = Link(replace(identity, origin=origin), outbox, clocks, log=MemoryLog(), uniform=lambda: 0.001)
    running = asyncio.create_task(link.run())
    for number in range(first, first + count):
        link.enqueue(CustomerText(id=item_id(number), ticket=ticket, text=WORDS, at=clocks.wall()))
        promised.send_bytes(item_id(number).encode())
        await asyncio.sleep(0)
    while outbox.numbers().items:  # noqa: ASYNC110 - polls its own database; nobody else tells a test program
        await asyncio.sleep(0.005)
    running.cancel()
    database.close()
