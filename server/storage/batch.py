"""Many small writes, one transaction: heartbeats and reports of a whole fleet.

A one-row transaction costs a disk flush; two hundred rows in one cost the same. `put` returns when its write is
committed, so that what the agent is told is true. The queue is bounded: a slow disk slows the agents down, it does not
eat memory.
"""

import asyncio
from collections.abc import Awaitable, Callable

from sqlalchemy.ext.asyncio import AsyncConnection

from server.storage.engine import Database

Job = Callable[[AsyncConnection], Awaitable[None]]

#: As many as wait are written together, up to this.
BATCH_JOBS_MAX = 200
QUEUE_JOBS_MAX = 2000


class BatchWriter:
    """Run `run()` as a task; `put` from anywhere in the same loop."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._queue: asyncio.Queue[tuple[Job, asyncio.Future[None]]] = asyncio.Queue(QUEUE_JOBS_MAX)

    async def put(self, job: Job) -> None:
        """Write `job` soon, with others. Returns after the commit; raises what the job raised."""
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        await self._queue.put((job, done))
        await done

    async def run(self) -> None:
        while True:
            batch = [await self._queue.get()]
            while len(batch) < BATCH_JOBS_MAX and not self._queue.empty():
                batch.append(self._queue.get_nowait())
            await self._write(batch)

    async def _write(self, batch: list[tuple[Job, asyncio.Future[None]]]) -> None:
        try:
            async with self._database.write() as connection:
                for job, _ in batch:
                    await job(connection)
        except Exception as error:  # noqa: BLE001 - every fault goes to the one who asked for the write
            if len(batch) == 1:
                _settle(batch[0][1], error)
                return
            # One bad job must not take the others with it: each alone, so that only its own asker hears of it.
            for entry in batch:
                await self._write([entry])
            return
        for _, done in batch:
            _settle(done, None)


def _settle(done: asyncio.Future[None], error: Exception | None) -> None:
    if done.done():  # the asker was cancelled; the write stands
        return
    if error is None:
        done.set_result(None)
    else:
        done.set_exception(error)
