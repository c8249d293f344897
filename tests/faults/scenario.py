"""What an agent does with its outbox, small enough to be stopped at every single call to the file system.

    open the state folder ─► link ─► enqueue, tell the parent ─► … ─► server has all ─► close

Forked from a server that has everything imported, so that a life costs milliseconds. It waits for "go", so that a
tracer can take hold of it first. Told to the parent, one message each: `promised ID` once `enqueue` returned,
`refused ID` where the disk did not take it, `trouble WORDS` where the service would not have started.
"""

import asyncio
import sys
from dataclasses import replace
from multiprocessing.connection import Connection
from pathlib import Path

from agent.clocks import SystemClocks
from agent.identity.identity import Identity
from agent.link.link import Link
from agent.link.outbox import Outbox
from agent.paths import Mode, StateFolder
from agent.refusal import Refusal
from agent.store.database import Database, NotWritten
from protocol.messages.desk import CustomerText
from tests.agent.doubles import MemoryLog, item_id
from tests.making import NOW

#: More than a page of the database: an item that could be there by half.
SIZE = 6000
#: The service says plainly why it does not start; its supervisor tries again.
NOT_STARTED = 3


def words(number: int) -> CustomerText:
    return CustomerText(id=item_id(number), ticket=item_id(0), text=f"{number} " + "x" * (SIZE // 2), at=NOW)


def main(state: Path, origin: str, first: int, count: int, pipe: Connection) -> None:
    pipe.recv_bytes()
    try:
        asyncio.run(live(StateFolder(state, Mode.USER), origin, first, count, pipe))
    except Refusal as refusal:
        pipe.send_bytes(f"trouble {refusal}".encode())
        sys.exit(NOT_STARTED)


async def live(folder: StateFolder, origin: str, first: int, count: int, pipe: Connection) -> None:
    identity = Identity.load(folder.identity)
    assert identity is not None
    database = Database(folder.database)
    outbox = Outbox(database)
    link = Link(
        replace(identity, origin=origin), outbox, SystemClocks(database), log=MemoryLog(), uniform=lambda: 0.001
    )
    running = asyncio.create_task(link.run())
    for number in range(first, first + count):
        try:
            link.enqueue(words(number))
            pipe.send_bytes(f"promised {item_id(number)}".encode())
        except NotWritten:
            pipe.send_bytes(f"refused {item_id(number)}".encode())
        await asyncio.sleep(0)
    while outbox.numbers().items:
        if running.done():
            running.result()
        await asyncio.sleep(0.002)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    database.close()
