"""The history on the disk: hourly for a month, and never more than 20 MB, however many series a machine has."""

import os

import pytest

from agent.store.database import Database
from agent.watch import finding_store
from agent.watch.finding_store import FindingStore
from agent.watch.look import Look, MetricPoint
from tests.making import NOW

DAY, HOUR = 86_400, 3600
# A tenth of everything takes a tenth of the time; BELLPULL_SOAK=1 plays it in full.
PART = 1 if os.environ.get("BELLPULL_SOAK") == "1" else 10
DISK_MAX_BYTES = 20_000_000 // PART


@pytest.fixture(autouse=True)
def part_of_the_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    assert finding_store.HISTORY_MAX_BYTES == 14_000_000
    monkeypatch.setattr(finding_store, "HISTORY_MAX_BYTES", finding_store.HISTORY_MAX_BYTES // PART)


def look(*metrics: MetricPoint) -> Look:
    return Look((), (), (), (), metrics, 0.1, 0.1)


def fill(database: Database, series: int, *, hours: int, until: int = NOW, prefix: str = "now") -> None:
    with database.transaction() as connection:
        connection.executemany(
            "INSERT INTO metric_history VALUES (?, ?, ?, ?)",
            (
                ("process.rss-bytes", f"process:{prefix}-{number:04d}-with-a-long-name", until - hour * HOUR, 1.0)
                for number in range(series)
                for hour in range(hours, 0, -1)
            ),
        )


def used_bytes(database: Database) -> int:
    """Pages in use, of the whole database file."""
    (pages,) = database.query("PRAGMA page_count")[0]
    (free,) = database.query("PRAGMA freelist_count")[0]
    (size,) = database.query("PRAGMA page_size")[0]
    return int((pages - free) * size)


def test_a_month_of_an_ordinary_machine_is_kept_whole(database: Database) -> None:
    fill(database, 200 // PART, hours=720)
    store = FindingStore(database)
    store.keep(look(MetricPoint("load", "", 1.0)), NOW)
    kept = store.history(0)
    assert len(kept) == 200 // PART + 1
    assert {len(points) for (metric, _), points in kept.items() if metric != "load"} == {720}


def test_series_that_ended_go_first_and_the_file_stays_small(database: Database) -> None:
    fill(database, 150 // PART, hours=720)
    fill(database, 300 // PART, hours=360, until=NOW - 10 * DAY, prefix="gone")
    store = FindingStore(database)
    store.keep(look(MetricPoint("load", "", 1.0)), NOW)
    kept = store.history(0)
    assert sum("process:now" in instance for _, instance in kept) == 150 // PART
    assert 0 < sum("process:gone" in instance for _, instance in kept) < 300 // PART
    assert used_bytes(database) <= DISK_MAX_BYTES


def test_too_many_series_in_use_all_lose_their_oldest_part(database: Database) -> None:
    fill(database, 500 // PART, hours=600)
    store = FindingStore(database)
    store.keep(look(MetricPoint("load", "", 1.0)), NOW)
    kept = store.history(0)
    assert len(kept) == 500 // PART + 1
    lengths = {len(points) for (metric, _), points in kept.items() if metric != "load"}
    assert len(lengths) == 1
    assert 72 < lengths.pop() < 600
    assert used_bytes(database) <= DISK_MAX_BYTES


def test_the_count_of_bytes_is_near_the_truth(database: Database) -> None:
    """Else the bound would be a bound of something else."""
    empty = used_bytes(database)
    fill(database, 20, hours=720)
    counted = 20 * 720 * (20 + len("process.rss-bytes") + len("process:now-0000-with-a-long-name"))
    assert 0.7 < (used_bytes(database) - empty) / counted < 20 / 14
