"""Driving an action that streams at the real session host, as service and technician together would.

async with streaming_host(tmp_path, folders=…) as host:
    run = host.run("files.read", FilesReadArguments(path="Documents/a"))
    pieces = await run.all()
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from agent.session.effects import Finished, InputTaken, Rows, Streamed
from agent.session.host_process import HostEvent, SessionHost
from agent.session.host_wire import SessionSettings
from protocol import strict_json
from protocol.pieces import PieceReader, pack_bytes, pack_item
from protocol.strict_json import M, WireModel
from protocol.visit import Item
from tests.making import NOW

SECRET = b"a secret for pseudonyms of tests"


class StreamRun:
    """One action: `items`, `data`, `end`."""

    def __init__(self, host: "StreamingHost", sequence: int, action: str) -> None:
        self._host = host
        self._reader = PieceReader(action)
        self.sequence = sequence
        self.items: list[Item] = []
        self.data = bytearray()
        self.taken = 0
        self.end: Finished | None = None
        self.news = asyncio.Event()

    def heard(self, event: HostEvent) -> None:
        match event:
            case Streamed(data=data):
                for piece, _ in self._reader.feed(data):
                    if isinstance(piece, Item):
                        self.items.append(piece)
                    else:
                        self.data += piece
            case Rows(lines=lines):
                self.items += [strict_json.parse(line, Item) for line in lines.splitlines()]
            case InputTaken(size_bytes=size):
                self.taken += size
            case Finished():
                self.end = event
        self.news.set()

    def send(self, data: bytes) -> None:
        self._host.host.give_input(self.sequence, pack_bytes(data), last=False)

    def say(self, kind: str, body: WireModel) -> None:
        item = Item(id=1, kind=kind, body=strict_json.dump(body).decode())
        self._host.host.give_input(self.sequence, pack_item(item), last=False)

    def close_input(self) -> None:
        self._host.host.give_input(self.sequence, b"", last=True)

    async def until_shown(self, wanted: bytes, timeout_s: float = 15) -> None:
        async with asyncio.timeout(timeout_s):
            while wanted not in self.data and self.end is None:
                self.news.clear()
                await self.news.wait()
        assert wanted in self.data, (bytes(self.data), self.end)

    async def item(self, kind: str, timeout_s: float = 15) -> Item:
        async with asyncio.timeout(timeout_s):
            while not (found := [item for item in self.items if item.kind == kind]):
                assert self.end is None, self.end
                self.news.clear()
                await self.news.wait()
        return found[0]

    async def over(self, timeout_s: float = 30) -> Finished:
        async with asyncio.timeout(timeout_s):
            while self.end is None:
                self.news.clear()
                await self.news.wait()
        return self.end

    def body(self, kind: str, model: type[M]) -> M:
        (item,) = [item for item in self.items if item.kind == kind]
        return strict_json.parse(item.body.encode(), model)


class StreamingHost:
    def __init__(self, settings: SessionSettings, keep_out: Path | None) -> None:
        self.runs: dict[int, StreamRun] = {}
        self.lost: list[str] = []
        self.host = SessionHost(SECRET, self._heard, self.lost.append, keep_out=keep_out, settings=settings)

    def _heard(self, event: HostEvent) -> None:
        self.runs[event.sequence].heard(event)

    def run(self, action: str, arguments: WireModel) -> StreamRun:
        sequence = len(self.runs) + 1
        run = self.runs[sequence] = StreamRun(self, sequence, action)
        self.host.run(sequence, action, strict_json.dump(arguments), NOW)
        return run


@asynccontextmanager
async def streaming_host(
    keep_out: Path, *, folders: tuple[Path, ...] = (), terminal: bool = False
) -> AsyncIterator[StreamingHost]:
    settings = SessionSettings(
        folders=tuple(str(folder) for folder in folders), terminal=terminal, keep_out=str(keep_out)
    )
    made = StreamingHost(settings, keep_out)
    await made.host.start()
    try:
        yield made
    finally:
        made.host.kill()
        await made.host.gone()
