"""The doorway: in order, as many as can be served, and a moment of its own for each that is turned away."""

import asyncio

import pytest

from server.link import doorway as module
from server.link.doorway import LATER_MAX_S, Doorway, Place, TurnedAway


class Hand:
    now_s = 1000.0

    def __call__(self) -> float:
        return self.now_s


@pytest.fixture
def mono() -> Hand:
    return Hand()


async def turn(rounds: int = 5) -> None:
    for _ in range(rounds):
        await asyncio.sleep(0)


async def test_as_many_as_there_are_places_come_in_and_the_others_in_their_order(mono: Hand) -> None:
    doorway, inside = Doorway(mono, places=2), list[tuple[int, Place]]()

    async def come(name: int) -> None:
        inside.append((name, await doorway.enter()))

    coming = [asyncio.create_task(come(name)) for name in range(5)]
    await turn()
    assert [name for name, _ in inside] == [0, 1]
    assert doorway.waiting == 3
    inside[1][1].leave()
    await turn()
    assert [name for name, _ in inside] == [0, 1, 2]
    for at in (0, 2, 3):
        inside[at][1].leave()
        await turn()
    assert [name for name, _ in inside] == [0, 1, 2, 3, 4]
    inside[4][1].leave()
    await asyncio.gather(*coming)


async def test_who_waited_too_long_is_turned_away_with_a_moment_of_its_own(mono: Hand) -> None:
    doorway = Doorway(mono, places=1, line_s=0.01)
    place = await doorway.enter()
    mono.now_s += 0.8  # that is what one takes here
    place.leave(served=True)
    held = await doorway.enter()
    turned = await asyncio.gather(*(doorway.enter() for _ in range(200)), return_exceptions=True)
    waits = [each.retry_after_s for each in turned if isinstance(each, TurnedAway)]
    assert len(waits) == 200
    assert all(1 <= wait <= LATER_MAX_S for wait in waits)
    assert len(set(waits)) > 10, "who is sent away together must not come back together"
    assert doorway.waiting == 0
    held.leave()
    (await doorway.enter()).leave()


async def test_a_line_has_an_end(mono: Hand, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "LINE_MAX", 3)
    doorway = Doorway(mono, places=1)
    place = await doorway.enter()
    waiting = [asyncio.create_task(doorway.enter()) for _ in range(3)]
    await turn()
    with pytest.raises(TurnedAway):
        await doorway.enter()
    for task in waiting:
        task.cancel()
    await asyncio.gather(*waiting, return_exceptions=True)
    place.leave()
    (await doorway.enter()).leave()


async def test_a_stranger_who_says_nothing_keeps_nobody_waiting(mono: Hand, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "SILENT_S", 0.01)
    doorway = Doorway(mono, places=1)
    silent = await doorway.enter()
    other = await asyncio.wait_for(doorway.enter(), 5)
    late = asyncio.create_task(silent.heard())
    await turn()
    assert not late.done(), "who was slow to speak lines up anew"
    await other.heard()
    other.leave()
    await asyncio.wait_for(late, 5)
    silent.leave()
    silent.leave()
    (await doorway.enter()).leave()


async def test_who_spoke_keeps_its_place_however_long_it_takes(mono: Hand, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "SILENT_S", 0.01)
    doorway = Doorway(mono, places=1, line_s=0.05)
    place = await doorway.enter()
    await place.heard()
    with pytest.raises(TurnedAway):
        await doorway.enter()
    place.leave()
