"""One action under way: its rows as they come, then its result. Rows wait here until somebody takes them."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable

from protocol.visit import ActionResult, Item
from technician.session.events import Row


class Run:
    """The rows of one action as they come, then `result`."""

    def __init__(self, taken: Callable[[Row], Awaitable[None]], stream: int, action: str) -> None:
        """`taken` is awaited for each row that was handed out: the device may then send more."""
        self._taken = taken
        self._queue: asyncio.Queue[Row | None] = asyncio.Queue()
        self.stream = stream
        self.action = action
        self.result: ActionResult | None = None

    def put(self, row: Row) -> None:
        self._queue.put_nowait(row)

    def finish(self, result: ActionResult) -> None:
        if self.result is None:
            self.result = result
            self._queue.put_nowait(None)

    def __aiter__(self) -> AsyncIterator[Item]:
        return self._items()

    async def _items(self) -> AsyncIterator[Item]:
        while (row := await self._queue.get()) is not None:
            await self._taken(row)
            yield row.item
