"""A run's input: whole pieces under credit, whoever writes at the same time; and what is told of its end."""

import asyncio

import pytest

from protocol.actions.terminal import RESIZE_KIND, TerminalSize
from protocol.journal import Outcome
from protocol.pieces import PieceReader
from protocol.visit import ActionResult, Item, Progress
from technician.problems import Problem
from technician.session.events import BytesCame, Row
from technician.session.run import Run


class Line:
    """A visit with room for `free` bytes; a test makes more."""

    def __init__(self, free: int = 1 << 20) -> None:
        self.free = free
        self.sent = bytearray()
        self.consumed = 0
        self.closed = self.was_reset = False

    async def taken(self, stream: int, size_bytes: int) -> None:
        self.consumed += size_bytes

    def room(self, stream: int) -> int:
        return self.free

    async def send(self, stream: int, data: bytes) -> None:
        assert len(data) <= self.free
        self.free -= len(data)
        self.sent += data
        await asyncio.sleep(0)

    async def close(self, stream: int) -> None:
        self.closed = True

    async def reset(self, stream: int) -> None:
        self.was_reset = True


def pieces(line: Line) -> list[Item | bytes]:
    return [piece for piece, _ in PieceReader("input").feed(bytes(line.sent))]


async def test_two_who_write_at_once_never_mix_their_pieces() -> None:
    line = Line()
    run = Run(line, 1, "terminal")
    size = TerminalSize(rows=10, columns=20)
    await asyncio.gather(run.write(b"x" * 500_000), run.say(RESIZE_KIND, size), run.write(b"y" * 200_000))
    came = pieces(line)
    assert [piece for piece in came if isinstance(piece, bytes)] == [b"x" * 500_000, b"y" * 200_000]
    assert [piece.kind for piece in came if isinstance(piece, Item)] == [RESIZE_KIND]


async def test_input_waits_for_room_and_goes_on() -> None:
    line = Line(free=100)
    run = Run(line, 1, "files.write")
    writing = asyncio.create_task(run.write(b"x" * 1000))
    while line.free:  # noqa: ASYNC110 - the line of a test has no event
        await asyncio.sleep(0)
    assert not writing.done()
    while not writing.done():
        line.free += 100
        run.may_have_room()
        await asyncio.sleep(0)
    assert pieces(line) == [b"x" * 1000]


async def test_whoever_waits_for_room_is_told_when_the_action_ends() -> None:
    run = Run(Line(free=0), 1, "files.write")
    writing = asyncio.create_task(run.write(b"x"))
    await asyncio.sleep(0)
    run.finish(ActionResult(outcome=Outcome.FAILED, detail="the disk is full"))
    with pytest.raises(Problem, match="takes nothing any more") as told:
        await writing
    assert told.value.hint == "the disk is full"


async def test_progress_is_told_and_is_no_row_and_all_is_given_back() -> None:
    line = Line()
    told: list[Progress] = []
    run = Run(line, 1, "files.read", on_progress=told.append)
    run.put(Row(1, Item(id=1, kind="file-head", body="{}"), 30))
    run.put(Row(1, Item(id=2, kind="progress", body=Progress(done=5, total=10).model_dump_json()), 40))
    run.put(BytesCame(1, b"hello", 10))
    run.finish(ActionResult(outcome=Outcome.DONE))
    assert [piece if isinstance(piece, bytes) else piece.kind async for piece in run.pieces()] == [
        "file-head",
        b"hello",
    ]
    assert told == [Progress(done=5, total=10)]
    assert run.progress == told[0]
    assert line.consumed == 80


async def test_cancelled_is_reset_once_and_over() -> None:
    line = Line()
    run = Run(line, 1, "terminal")
    await run.cancel()
    assert line.was_reset
    assert [piece async for piece in run.pieces()] == []
    assert run.result is not None
    assert run.result.outcome is Outcome.CANCELLED
    line.was_reset = False
    await run.cancel()
    assert not line.was_reset
