"""Kill -9 at random points with items in the outbox: none of what was promised is lost, none is stored twice.

The desk keeps what it stored over all the agent's lives. An item is promised once its id was printed, which happens
after `enqueue` returned. The desk drops connections at random too, between storing and answering.
"""

import asyncio
import multiprocessing
import random

from websockets.asyncio.server import ServerConnection

from agent.identity.identity import Identity
from agent.paths import StateFolder
from agent.store.database import Database
from protocol.messages.desk import CustomerText
from protocol.messages.link import parse_item
from protocol.strict_json import WireModel
from tests.agent import producer
from tests.agent.desk_server import DeskServer
from tests.agent.doubles import item_id
from tests.agent.producer import WORDS

ITEMS_A_LIFE = 40
FORKS = multiprocessing.get_context("forkserver")
FORKS.set_forkserver_preload(["tests.agent.producer"])


class ForgetfulDesk(DeskServer):
    """Sometimes stores an item and loses the connection before it can say so."""

    def __init__(self, chance: random.Random) -> None:
        super().__init__()
        self._chance = chance

    async def _store(self, connection: ServerConnection, item: WireModel, text: bytes) -> None:
        key: str = item.id  # type: ignore[attr-defined]
        if self._chance.random() < 0.02:
            self.arrivals[key] = self.arrivals.get(key, 0) + 1
            self.stored.setdefault(key, text)
            connection.transport.abort()
            return
        await super()._store(connection, item, text)


def life(
    folder: StateFolder, origin: str, first: int, count: int, kill_after: float | None, ticket: str = item_id(0)
) -> list[str]:
    """One life of the agent: the ids it promised before it ended or was killed, `kill_after` promises or so."""
    ours, theirs = FORKS.Pipe(duplex=False)
    process = FORKS.Process(target=producer.main, args=(folder.root, origin, first, count, ticket, theirs))
    process.start()
    theirs.close()
    promised: list[str] = []
    while True:
        try:
            assert ours.poll(60), "the producer neither promised nor ended within a minute"
            promised.append(ours.recv_bytes().decode())
        except EOFError:
            break
        if kill_after is not None and len(promised) == int(kill_after):
            # The fraction moves the moment within the next commits.
            process.join((kill_after % 1) * 0.02)
            process.kill()
    process.join(60)
    assert process.exitcode in ((-9, 0) if kill_after is not None else (0,))
    return promised


async def test_thirty_kills_lose_nothing_and_store_nothing_twice(
    folder: StateFolder, identity: Identity, soak: bool
) -> None:
    chance = random.Random(20261121)
    lives = 2000 if soak else 30
    promised: list[str] = []
    async with ForgetfulDesk(chance) as desk:
        desk.device_key = identity.signing.public
        for number in range(lives):
            kill_after = 1 + chance.random() * (ITEMS_A_LIFE - 1)
            first = number * ITEMS_A_LIFE + 1
            promised += await asyncio.to_thread(life, folder, desk.origin, first, ITEMS_A_LIFE, kill_after)
        promised += await asyncio.to_thread(life, folder, desk.origin, 0, 0, None)
        stored = {key: parse_item(text) for key, text in desk.stored.items()}
    assert len(promised) == len(set(promised)) > lives
    assert set(promised) <= set(stored)
    # What was committed and not yet printed when the kill came may be there too, whole; nothing else may.
    possible = {f"00000000-0000-7000-8000-{number:012x}" for number in range(1, lives * ITEMS_A_LIFE + 1)}
    assert set(stored) <= possible
    assert len(set(stored) - set(promised)) <= lives
    assert all(isinstance(item, CustomerText) and item.text == WORDS for item in stored.values())
    assert max(desk.arrivals.values()) >= 2, "the desk never lost an answer: this run proved less than it should"
    database = Database(folder.database)
    assert database.query("SELECT count(*) AS n FROM outbox")[0]["n"] == 0
    assert database.query("SELECT count(*) AS n FROM dead_letters")[0]["n"] == 0
    database.close()
