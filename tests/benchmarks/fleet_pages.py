"""The list of devices with ten thousand of them: whole answers of the server, a search among them too."""

import asyncio
import tempfile
import time
from pathlib import Path
from typing import Final

from server.people.rules import Role
from tests.benchmarks.contract import Row, percentile, spread
from tests.server.actors import Clock
from tests.server.conftest import running_world
from tests.server.console.browsing import Browser, people_of
from tests.server.console.fleet import put_fleet

AIM_S: Final = 0.2
PAGES: Final = {
    "first page": "/devices",
    "page 150": "/devices?page=150",
    "one customer": "/devices?customer=Customer+02",
    "one finding": "/devices?finding=disk-failing",
    "a search": "/devices?q=pc-0777",
    "with errors": "/devices?show=grave",
}


def run(quick: bool) -> list[Row]:
    return asyncio.run(_run(1000 if quick else 10_000, 5 if quick else 20))


async def _run(number: int, rounds: int) -> list[Row]:
    with tempfile.TemporaryDirectory(prefix="bellpull-bench-") as folder:
        async with running_world(Path(folder), Clock()) as world, people_of(world) as people:
            assert (await world.pin()).status_code == 200
            await put_fleet(world.office.database, number)
            browser = await people.signed_in(Role.ADMIN, "root")
            return [
                Row(f"{number} devices, {name}", percentile(times, 0.5), "s", AIM_S, detail=spread(times, "s"))
                for name, path in PAGES.items()
                for times in [await _timed(browser, path, rounds)]
            ]


async def _timed(browser: Browser, path: str, rounds: int) -> list[float]:
    times = []
    for _ in range(rounds + 1):
        start = time.perf_counter()
        answer = await browser.get(path)
        times.append(time.perf_counter() - start)
        assert answer.status_code == 200, path
    return times[1:]
