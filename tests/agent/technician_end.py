"""The technician's real program at the other end of a room in memory, and waiting for what it or the agent does."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING

from agent.link.connection import LinkLost
from protocol.actions.processes import ProcessesArguments
from protocol.actions.scopes import Scope
from protocol.certificates import TechnicianCertificate
from protocol.statements import parse_payload
from protocol.strict_json import WireModel
from protocol.visit import Hello, Item
from technician.session.events import ActionEnded, ReceiptCame, Row
from technician.session.events import Event as TechnicianEvent
from technician.session.events import Refused as TechnicianRefused
from technician.session.initiator import Initiator, VisitAsk
from tests.agent.visiting import ROOM, chain_of, fresh, technician_keys
from tests.making import seed

if TYPE_CHECKING:
    from tests.agent.visit_rig import Rig


class MemorySocket:
    """One end of a relay room in memory. Implements `RelaySocket`."""

    def __init__(self) -> None:
        self.inbox: asyncio.Queue[bytes | None] = asyncio.Queue()
        self.other: MemorySocket | None = None
        self.closed = False

    async def send(self, data: bytes) -> None:
        if self.closed or self.other is None or self.other.closed:
            raise LinkLost("the room is closed")
        self.other.inbox.put_nowait(data)

    async def receive(self) -> bytes:
        data = await self.inbox.get()
        if data is None:
            raise LinkLost("the other side has gone")
        return data

    async def close(self) -> None:
        if not self.closed and self.other is not None:
            self.other.inbox.put_nowait(None)
        self.closed = True


def joined() -> tuple[MemorySocket, MemorySocket]:
    one, other = MemorySocket(), MemorySocket()
    one.other, other.other = other, one
    return one, other


class TechnicianEnd:
    """The technician's real program over a socket in memory."""

    def __init__(
        self,
        rig: Rig,
        socket: MemorySocket,
        scopes: tuple[Scope, ...],
        minutes: int,
        reason: str = "The disk is filling up",
        *,
        about_nothing: bool = False,
        name: str = "Ada Tech",
        room: str = ROOM,
        takes_over: bool = False,
    ) -> None:
        keys = technician_keys(name)
        chain = chain_of(keys, name)
        ask = VisitAsk(
            device=rig.identity.device,
            device_signing=rig.identity.signing.public,
            device_noise=rig.identity.noise.public_key().public_bytes_raw(),
            root=rig.organisation.root.verify_key,
            root_hash=rig.organisation.root_hash,
            room=room,
            takes_over=takes_over,
            ticket=None if about_nothing else rig.ticket,
            scopes=scopes,
            minutes=minutes,
            reason=reason,
        )
        hello = Hello(checkpoint=rig.desk.note(), versions={}, revocations=None)
        self.rig = rig
        self.socket = socket
        self.initiator = Initiator(
            ask,
            keys,
            chain,
            parse_payload(chain.leaf, TechnicianCertificate),
            hello,
            nonce=seed("nonce"),
            ephemeral=fresh(f"technician {name} {rig.books.grants.next_number()}"),
        )
        self.heard: list[TechnicianEvent] = []
        self.items: list[Item] = []
        self.broken: Exception | None = None
        self.gone = False
        self._news = asyncio.Event()
        self._reader: asyncio.Task[None] | None = None

    async def begin(self) -> None:
        await self.socket.send(self.initiator.begin())
        self._reader = asyncio.create_task(self._read())

    async def _read(self) -> None:
        try:
            while True:
                data = await self.socket.receive()
                now, mono_s = self.rig.clocks.wall(), self.rig.clocks.mono()
                for event in self.initiator.receive(data, now=now, mono_s=mono_s):
                    if isinstance(event, Row):
                        self.items.append(event.item)
                        self.initiator.consumed(event.stream, event.size_bytes)
                    else:
                        self.heard.append(event)
                await self.flush()
                self._news.set()
        except LinkLost:
            self.gone = True
        except Exception as error:  # noqa: BLE001 - kept for the test to look at
            self.broken = error
        finally:
            self._news.set()

    async def flush(self) -> None:
        for data in self.initiator.data_to_send(self.rig.clocks.mono()):
            await self.socket.send(data)

    async def until(self, kind: type[TechnicianEvent], count: int = 1) -> list[TechnicianEvent]:
        async with asyncio.timeout(20):
            while len(found := [event for event in self.heard if isinstance(event, kind)]) < count:
                assert self.broken is None, self.broken
                assert not self.gone, f"gone before {kind.__name__}: {self.heard}"
                self._news.clear()
                await self._news.wait()
        return found

    async def act(self, name: str = "processes", arguments: WireModel | None = None) -> ActionEnded:
        before = sum(isinstance(event, ActionEnded) for event in self.heard)
        self.initiator.open_action(name, arguments or ProcessesArguments(), self.rig.clocks.wall())
        await self.flush()
        ended = (await self.until(ActionEnded, before + 1))[-1]
        assert isinstance(ended, ActionEnded)
        return ended

    async def end(self) -> ReceiptCame:
        self.initiator.end("done")
        await self.flush()
        return await self.receipt()

    async def receipt(self) -> ReceiptCame:
        (came,) = await self.until(ReceiptCame)
        assert isinstance(came, ReceiptCame)
        return came

    async def refused(self) -> TechnicianRefused:
        (refusal,) = await self.until(TechnicianRefused)
        assert isinstance(refusal, TechnicianRefused)
        return refusal

    async def cut(self) -> None:
        """The connection is gone, at both ends."""
        await self.socket.close()
        if self._reader is not None:
            self._reader.cancel()
        self.heard += self.initiator.connection_lost()
        await until(lambda: self.rig.visits.current()[0].state == "paused")

    async def knock(self, room: str = "b" * 26) -> None:
        """Offered again, joined, and on the way back."""
        await self.rig.offer(room=room)
        await until(lambda: bool(self.rig.sockets))
        self.socket = self.rig.sockets.pop()
        hello = Hello(checkpoint=self.rig.desk.note(), versions={}, revocations=None)
        await self.socket.send(self.initiator.go_back(room, hello, seed(room), self.rig.clocks.wall()))
        self.gone = False
        self._reader = asyncio.create_task(self._read())

    async def hang_up(self) -> None:
        await self.socket.close()


async def until(true: Callable[[], bool], timeout_s: float = 20.0) -> None:
    """Let the loop go round until it holds; fails loudly."""
    async with asyncio.timeout(timeout_s):
        while not true():  # noqa: ASYNC110 - tests watch state that has no event of its own
            await asyncio.sleep(0)
