"""One action under way: what it says as it comes, then its result; input for it, where it takes some.

    async for item in run: …               rows
    async for piece in run.pieces(): …     rows and bytes, of an action that gives bytes
    run.progress                           the newest word on how far it is; shown, not a row
    await run.write(b"ls\\n")               input: bytes; waits while the device has no room
    await run.say("resize", body)          input: an item
    await run.close_input()                nothing follows; the action may go on
    await run.cancel()                     nobody wants the rest
    run.cut_off                            a lost connection ended it, and the visit goes on (going_on.py)

What came waits here until somebody takes it; only then the device may send more.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Final, Protocol

from protocol import strict_json
from protocol.errors import RemoteProtocolError
from protocol.journal import Outcome
from protocol.pieces import BYTES_PIECE_MAX_BYTES, Piece, bytes_header, pack_item
from protocol.strict_json import WireModel
from protocol.visit import PROGRESS_KIND, ActionResult, Item, Progress
from technician.problems import Problem
from technician.session.events import BytesCame, Row

#: Input goes out in parts of this size, so that a cancel need not wait for a window.
_PART_BYTES: Final = 60_000


class Line(Protocol):
    """What a run needs of its visit."""

    async def taken(self, stream: int, size_bytes: int) -> None: ...

    def room(self, stream: int) -> int: ...

    async def send(self, stream: int, data: bytes) -> None: ...

    async def close(self, stream: int) -> None: ...

    async def reset(self, stream: int) -> None: ...


class Run:
    """`result` is there when the iteration has ended. `on_progress` is called with each new word on how far it is."""

    def __init__(
        self, line: Line, stream: int, action: str, *, on_progress: Callable[[Progress], None] = lambda _: None
    ) -> None:
        self._line = line
        self._queue: asyncio.Queue[Row | BytesCame | None] = asyncio.Queue()
        self._room = asyncio.Event()
        self._sending = asyncio.Lock()
        self._items = 0
        self.on_progress = on_progress
        self.stream = stream
        self.action = action
        self.progress: Progress | None = None
        self.result: ActionResult | None = None
        self.cut_off = False

    # --- what the visit tells --------------------------------------------------------------------------------

    def put(self, came: Row | BytesCame) -> None:
        self._queue.put_nowait(came)

    def finish(self, result: ActionResult, *, cut_off: bool = False) -> None:
        """`cut_off`: it ended with the connection, as the device's receipt tells; what it said last may be missing."""
        if self.result is None:
            self.result, self.cut_off = result, cut_off
            self._queue.put_nowait(None)
            self._room.set()

    def may_have_room(self) -> None:
        """Something came from the device: perhaps credit."""
        self._room.set()

    # --- output ----------------------------------------------------------------------------------------------

    def __aiter__(self) -> AsyncIterator[Item]:
        return self._items_only()

    async def _items_only(self) -> AsyncIterator[Item]:
        async for piece in self.pieces():
            if isinstance(piece, Item):
                yield piece

    async def pieces(self) -> AsyncIterator[Piece]:
        """Items and bytes in their order. Of bytes: parts as they came, of any length."""
        while (came := await self._queue.get()) is not None:
            await self._line.taken(came.stream, came.size_bytes)
            if isinstance(came, BytesCame):
                yield came.data
            elif came.item.kind == PROGRESS_KIND:
                self._progressed(came.item)
            else:
                yield came.item

    def _progressed(self, item: Item) -> None:
        self.progress = strict_json.parse(item.body.encode(), Progress, what="progress")
        self.on_progress(self.progress)

    # --- input -----------------------------------------------------------------------------------------------

    async def write(self, data: bytes) -> None:
        """Bytes for the action. Problem when it has ended and takes nothing any more."""
        for place in range(0, len(data), BYTES_PIECE_MAX_BYTES):
            part = data[place : place + BYTES_PIECE_MAX_BYTES]
            await self._send(bytes_header(len(part)), part)

    async def say(self, kind: str, body: WireModel) -> None:
        """An item for the action."""
        self._items += 1
        await self._send(pack_item(Item(id=self._items, kind=kind, body=strict_json.dump(body).decode())), b"")

    async def close_input(self) -> None:
        async with self._sending:
            if self.result is None:
                await self._line.close(self.stream)

    async def cancel(self) -> None:
        """Break it off. The iteration ends; the device books it as cancelled by us."""
        if self.result is None:
            await self._line.reset(self.stream)
            self.finish(ActionResult(outcome=Outcome.CANCELLED, detail="cancelled here"))

    async def _send(self, head: bytes, data: bytes) -> None:
        """A whole piece, in as many parts as there is room for; nothing of another piece comes between."""
        async with self._sending:
            waiting = head + data[: _PART_BYTES - len(head)]
            place = _PART_BYTES - len(head)
            while waiting:
                room = await self._until_room()
                await self._line.send(self.stream, waiting[:room])
                waiting = waiting[room:]
                if not waiting:
                    waiting = data[place : place + _PART_BYTES]
                    place += _PART_BYTES

    async def _until_room(self) -> int:
        while True:
            if self.result is not None:
                raise Problem(
                    f"{self.action} takes nothing any more",
                    expected="an action that is going on",
                    got=self.result.outcome.value,
                    hint=self.result.detail,
                )
            self._room.clear()
            if room := self._line.room(self.stream):
                return room
            await self._room.wait()


def incomplete(run: Run, what: str) -> RemoteProtocolError:
    """For readers of pieces: the device said `done` and something is missing."""
    return RemoteProtocolError(f"the answer to {run.action} is incomplete", expected=what, got="less")
