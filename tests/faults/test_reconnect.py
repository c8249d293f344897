"""Many agents cut at once, small: the same code as tests/benchmarks/reconnect.py, in one process.

The server has few places in its doorway, so that most have to wait in line; one visit's room talks all through it. A
thousand against a server of its own are a benchmark, five thousand are in the soak.
"""

import asyncio
import sys
import time
from pathlib import Path

import pytest

from server.config import Caps, Settings
from tests.benchmarks.crowd import Crowd, organisation_of
from tests.server.actors import Clock
from tests.server.conftest import running_world

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the benchmarks measure on Linux only")
AGENTS = 20
WIDE = {"links_a_minute": 100_000, "requests_a_minute": 100_000, "enrolments_a_minute": 100_000}


async def test_a_crowd_cut_at_once_is_back_with_its_reports_and_a_visit_goes_on(tmp_path: Path) -> None:
    from server.link.doorway import Doorway
    from tests.benchmarks.reconnect import LiveRoom

    now = int(time.time())
    async with running_world(tmp_path, Clock(now), settings=Settings(caps=Caps(**WIDE))) as world:
        world.organisation = organisation_of(now)
        assert (await world.pin()).status_code == 200
        world.office.hub.doorway = Doorway(time.monotonic, places=2)
        crowd, room = Crowd(world, tmp_path / "agents"), LiveRoom()
        for identity in await crowd.enrol(AGENTS):
            crowd.add(identity)
        try:
            await crowd.connect()
            talking = asyncio.create_task(room.talk(world))
            while not room.echoes_ms and not talking.done():  # noqa: ASYNC110 - it has no event for us
                await asyncio.sleep(0.01)
            before = len(room.echoes_ms)
            back_s = await crowd.cut(timeout_s=90)
            assert len(room.echoes_ms) > before
            room.end()
            await talking
        finally:
            await crowd.close()
        assert room.lost == ""
        assert len(back_s) == AGENTS
        assert {agent.welcomes for agent in crowd.agents} == {2}, "let in once each time: nobody had to try twice"
        assert len(world.office.hub) <= 1
        assert [agent.log.events("defect") for agent in crowd.agents] == [[]] * AGENTS


@pytest.mark.soak
@pytest.mark.timeout(1800)
async def test_five_thousand_are_back_within_three_minutes_and_nobody_loses_a_visit() -> None:
    from tests.benchmarks.reconnect import measure, rows_of

    measured = await measure(5000, kill=False)
    for row in rows_of(measured):
        print(f"{row.what}: {row.figure} {row.unit} ({row.detail})")
    assert measured.room.lost == ""
    assert measured.after_cut_s[int(0.99 * 5000)] <= 180
