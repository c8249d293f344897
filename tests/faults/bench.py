"""One agent's link as it is on every machine, with a net between it and a server that keeps its promises.

The oracle of all tests here: an item whose `enqueue` returned is an obligation. Once the faults are over, the server
has each of them, whole, once; nothing else; and the outbox is empty.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from agent.identity.identity import Identity
from agent.link.connection import Connection, open_connection
from agent.link.link import Link
from agent.link.outbox import Outbox
from agent.paths import Mode, StateFolder
from agent.store.database import Database
from protocol.messages.desk import CustomerText
from protocol.messages.link import parse_item
from tests.agent.desk_server import DeskServer
from tests.agent.doubles import MemoryLog, enrol_in_memory, item_id
from tests.faults.proxy import FaultProxy
from tests.making import NOW, Organisation


class LoopClocks:
    """Implements `agent.clocks.Clocks` on the loop's own time."""

    def wall(self) -> int:
        return NOW + int(self.mono())

    def boot(self) -> float:
        return self.mono()

    def mono(self) -> float:
        return asyncio.get_running_loop().time()


class Bench:
    """Agent, net, server. `promised`: what `enqueue` took, by id."""

    def __init__(self, server: DeskServer, net: Any, folder: Path, ping_s: float) -> None:
        self.server, self.net = server, net
        self.state = StateFolder(folder, Mode.USER)
        self.state.make()
        self.log = MemoryLog()
        self.promised: dict[str, CustomerText] = {}
        own = Identity.load(self.state.identity) or enrol_in_memory(self.state, Organisation())
        # The origin that is signed is the server's; the way there leads through the net.
        self.identity = replace(own, origin=server.origin)
        server.device_key = own.signing.public
        self.database = Database(self.state.database)
        self.outbox = Outbox(self.database)
        self.link = Link(
            self.identity,
            self.outbox,
            LoopClocks(),
            log=self.log,
            uniform=lambda: 0.01,
            open_connection=partial(self._open, ping_s=ping_s, pong_s=ping_s),
        )

    async def _open(self, origin: str, *, ping_s: float, pong_s: float) -> Connection:
        assert origin == self.server.origin
        return await open_connection(self.net.origin, ping_s=ping_s, pong_s=pong_s)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[Link]:
        task = asyncio.create_task(self.link.run())
        try:
            yield self.link
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            self.database.close()

    def promise(self, count: int, size: int = 400) -> None:
        for _ in range(count):
            number = len(self.promised) + 1
            item = CustomerText(id=item_id(number), ticket=item_id(0), text=f"{number} " + "x" * size, at=NOW)
            self.link.enqueue(item)
            self.promised[item.id] = item

    async def until(self, true: Callable[[], object], timeout_s: float = 30.0) -> None:
        async with asyncio.timeout(timeout_s):
            while not true():  # noqa: ASYNC110 - the link has no event for tests
                await asyncio.sleep(0.002)

    async def all_kept(self) -> None:
        """The oracle. Waits for what is promised, then for the outbox, then looks at every byte."""
        await self.until(lambda: self.outbox.numbers().items == 0)
        stored = {key: parse_item(text) for key, text in self.server.stored.items()}
        assert stored == self.promised
        assert self.outbox.dead_letters() == []

    @property
    def troubles(self) -> list[str]:
        return [str(fields["reason"]) for _, event, fields in self.log.lines if event == "link-ended"]


@asynccontextmanager
async def bench_on(
    folder: Path, net_before: Callable[[str], Any] = FaultProxy.before, *, ping_s: float = 5.0
) -> AsyncIterator[Bench]:
    """`ping_s`: after so much silence the link asks, and waits as long again for the answer."""
    async with DeskServer() as server, net_before(server.origin) as net:
        bench = Bench(server, net, folder, ping_s)
        async with bench.running():
            await bench.until(lambda: bench.link.connected)
            yield bench
