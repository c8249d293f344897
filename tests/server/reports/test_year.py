"""A year of 500 devices: every report opens on it. How long each takes is printed by hand, not tested:

python -m tests.server.reports.test_year
"""

import asyncio
import gc
import statistics
import tempfile
import time
from pathlib import Path

from server.people.rules import Role
from server.reports.definitions import FIGURES
from tests.server.actors import Clock, World
from tests.server.conftest import running_world
from tests.server.console.browsing import Browser, People, people_of
from tests.server.reports.year import DAYS, DEVICES, Year

PAGES = ["/reports", *(f"/reports/{figure.key}" for figure in FIGURES)]
PAGE_MAX_BYTES = 150_000


async def test_every_report_opens_on_a_year_of_five_hundred_devices(desk: World, people: People) -> None:
    await Year().put(desk.office.database)
    browser = await people.signed_in(Role.ADMIN, "root")
    for path in PAGES:
        page = await browser.get(f"{path}?period=year")
        assert page.status_code == 200
        assert len(page.content) < PAGE_MAX_BYTES
        assert "Nothing to count" not in page.text


def test_a_year_is_the_same_each_time_and_holds_what_it_promises() -> None:
    one, other = Year(), Year()
    assert one.rows == other.rows
    sizes = {table.name: len(rows) for table, rows in one.rows.items()}
    assert sizes["devices"] == DEVICES
    assert sizes["tickets"] > 3000
    assert sizes["health_days"] == DAYS * 5 * 5


async def measure(rounds: int = 7) -> None:
    with tempfile.TemporaryDirectory() as folder:
        async with running_world(Path(folder), Clock()) as world, people_of(world) as people:
            assert (await world.pin()).status_code == 200
            year = Year()
            await year.put(world.office.database)
            print(year.counted())
            # A server does not hold a year in its memory; the collector of garbage would walk through it.
            del year
            gc.collect()
            browser = await people.signed_in(Role.ADMIN, "root")
            for period in ("month", "year"):
                for path in PAGES:
                    print(f"{period:8}{path:32}{await timed(browser, f'{path}?period={period}', rounds)}")


async def timed(browser: Browser, path: str, rounds: int) -> str:
    walls, processor = [], []
    for _ in range(rounds):
        wall, spent = time.perf_counter(), time.process_time()
        await browser.get(path)
        walls.append((time.perf_counter() - wall) * 1000)
        processor.append((time.process_time() - spent) * 1000)
    return f"{min(walls):5.0f} ms best, {statistics.median(walls):5.0f} median; processor {min(processor):5.0f} ms"


if __name__ == "__main__":
    asyncio.run(measure())
