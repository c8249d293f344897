"""A pipe: order kept, nothing lost, never more than its bound."""

import asyncio

from hypothesis import given, settings
from hypothesis import strategies as st

from protocol.limits import RELAY_MESSAGE_MAX_BYTES, RELAY_QUEUE_BYTES
from server.relay.pipe import Pipe


@settings(deadline=None, derandomize=True, max_examples=100)
@given(
    sizes=st.lists(st.integers(1, 300), max_size=80),
    limit=st.integers(1, 500),
    takes=st.lists(st.booleans(), max_size=80),
)
def test_what_is_put_is_taken_in_order_and_the_bound_holds(sizes: list[int], limit: int, takes: list[bool]) -> None:
    messages = [bytes([at % 256]) * size for at, size in enumerate(sizes)]

    async def act() -> list[bytes]:
        pipe = Pipe(limit)
        got: list[bytes] = []

        async def put_all() -> None:
            for message in messages:
                await pipe.put(message)
                # One message may be larger than the bound; else the bound holds.
                assert pipe.queued_bytes <= max(limit, len(message))
            pipe.finish()

        putting = asyncio.create_task(put_all())
        for pause in takes:
            if pause:
                await asyncio.sleep(0)
        while (message := await pipe.take()) is not None:
            got.append(message)
            if takes and takes[len(got) % len(takes)]:
                await asyncio.sleep(0)
        await putting
        assert pipe.passed_bytes == sum(sizes)
        return got

    assert asyncio.run(act()) == messages


async def test_a_full_pipe_makes_the_putter_wait_until_something_was_taken() -> None:
    pipe = Pipe()
    whole = RELAY_QUEUE_BYTES // RELAY_MESSAGE_MAX_BYTES
    for _ in range(whole):
        await pipe.put(b"x" * RELAY_MESSAGE_MAX_BYTES)
    waiting = asyncio.create_task(pipe.put(b"y" * RELAY_MESSAGE_MAX_BYTES))
    for _ in range(10):
        await asyncio.sleep(0)
    assert not waiting.done()
    await pipe.take()
    await waiting
    assert pipe.queued_bytes <= RELAY_QUEUE_BYTES


async def test_a_finished_pipe_still_gives_what_was_put() -> None:
    pipe = Pipe()
    await pipe.put(b"last")
    pipe.finish()
    assert [await pipe.take(), await pipe.take(), await pipe.take()] == [b"last", None, None]
