import sys
import time
from pathlib import Path

import pytest

from agent.clocks import BUILT_AT_UNIX_S, SystemClocks, _kernel_says_synchronised
from agent.store.database import Database, NotWritten

START = BUILT_AT_UNIX_S + 1_000_000
HOUR = 3600
DAY = 24 * HOUR


class Raw:
    """The machine's own clocks, turned by hand."""

    def __init__(self, wall: float = START, boot: float = 100.0) -> None:
        self.wall_s, self.boot_s, self.synchronised = wall, boot, False

    def pass_s(self, seconds: float) -> None:
        self.wall_s += seconds
        self.boot_s += seconds


def clocks_of(database: Database, raw: Raw) -> SystemClocks:
    return SystemClocks(
        database,
        raw_wall=lambda: raw.wall_s,
        raw_boot=lambda: raw.boot_s,
        time_service_agrees=lambda: raw.synchronised,
    )


def test_ordinary_time_is_followed(database: Database) -> None:
    raw = Raw()
    clocks = clocks_of(database, raw)
    assert clocks.wall() == START
    raw.pass_s(5 * HOUR)
    assert clocks.wall() == START + 5 * HOUR
    assert clocks.held_back_s == 0


@pytest.mark.parametrize("back_s", [1, HOUR, 365 * DAY, 100 * 365 * DAY])
def test_a_clock_turned_back_goes_on_from_what_was_seen(database: Database, back_s: int) -> None:
    raw = Raw()
    clocks = clocks_of(database, raw)
    clocks.wall()
    raw.wall_s -= back_s
    assert clocks.wall() == START
    raw.pass_s(HOUR)
    assert clocks.wall() == START + HOUR


def test_a_clock_turned_back_while_the_agent_was_off_stays_at_the_floor(database: Database) -> None:
    raw = Raw()
    clocks_of(database, raw).wall()
    raw.wall_s -= 365 * DAY
    assert clocks_of(database, raw).wall() == START


@pytest.mark.parametrize("before_s", [0, HOUR], ids=["in step", "turned back while it ran"])
def test_the_floor_is_kept_as_time_goes_on_whichever_clock_tells_it(database: Database, before_s: int) -> None:
    raw = Raw()
    clocks = clocks_of(database, raw)
    clocks.wall()
    raw.wall_s -= before_s
    for _ in range(36):
        raw.pass_s(600)
        clocks.wall()
    raw.wall_s, raw.boot_s = START - DAY, 5.0
    assert clocks_of(database, raw).wall() == START + 6 * HOUR


def test_a_clock_before_the_programs_own_making_is_not_believed(database: Database) -> None:
    assert clocks_of(database, Raw(wall=0)).wall() == BUILT_AT_UNIX_S


@pytest.mark.parametrize("leap_s", [DAY + 1, 365 * DAY])
def test_a_leap_of_more_than_a_day_is_held(database: Database, leap_s: int) -> None:
    raw = Raw()
    clocks = clocks_of(database, raw)
    clocks.wall()
    raw.wall_s += leap_s
    assert clocks.wall() == START
    assert clocks.held_back_s == leap_s


def test_a_leap_of_an_hour_is_followed(database: Database) -> None:
    raw = Raw()
    clocks = clocks_of(database, raw)
    clocks.wall()
    raw.wall_s += HOUR
    assert clocks.wall() == START + HOUR


def test_a_verified_statement_of_that_time_releases_a_held_leap(database: Database) -> None:
    raw = Raw()
    clocks = clocks_of(database, raw)
    clocks.wall()
    raw.wall_s += 30 * DAY
    clocks.confirm(int(raw.wall_s) - HOUR)
    assert clocks.wall() == START + 30 * DAY


def test_an_older_statement_raises_the_floor_and_releases_nothing(database: Database) -> None:
    raw = Raw()
    clocks = clocks_of(database, raw)
    clocks.wall()
    raw.wall_s += 30 * DAY
    clocks.confirm(START + 2 * DAY)
    assert clocks.wall() == START + 2 * DAY


def test_a_statement_from_the_future_moves_nothing(database: Database) -> None:
    raw = Raw()
    clocks = clocks_of(database, raw)
    clocks.wall()
    clocks.confirm(START + 400 * DAY)
    assert clocks.wall() == START


def test_a_slow_clock_is_carried_by_verified_statements_up_to_a_day_ahead_of_it(database: Database) -> None:
    raw = Raw()
    clocks = clocks_of(database, raw)
    clocks.confirm(START + 20 * HOUR, "certifying")
    assert clocks.wall() == START + 20 * HOUR
    raw.pass_s(HOUR)
    assert clocks.wall() == START + 21 * HOUR
    assert clocks_of(database, Raw()).wall() == START + 21 * HOUR, "over a restart"


def test_one_signer_alone_never_takes_a_device_further_than_a_day_ahead(database: Database) -> None:
    clocks = clocks_of(database, Raw())
    for days in range(1, 400):
        clocks.confirm(START + days * DAY, "content")
    assert clocks.wall() == START + DAY


def test_a_dead_clock_is_set_by_two_signers_who_agree(database: Database) -> None:
    """Its battery is empty: it starts years ago. Two issuers of the organisation have signed today."""
    clocks = clocks_of(database, Raw(wall=0))
    today = START + 500 * DAY
    clocks.confirm(today, "certifying")
    assert clocks.wall() == BUILT_AT_UNIX_S
    clocks.confirm(today - 3 * DAY, "content")
    assert clocks.wall() == BUILT_AT_UNIX_S, "three days apart: they do not agree"
    clocks.confirm(today - HOUR, "content")
    assert clocks.wall() == today - HOUR
    assert clocks_of(database, Raw(wall=0)).wall() == today - HOUR


def test_a_statement_without_a_signer_is_nobodys_second_word(database: Database) -> None:
    clocks = clocks_of(database, Raw())
    clocks.confirm(START + 400 * DAY, "content")
    clocks.confirm(START + 400 * DAY)
    assert clocks.wall() == START


def test_a_long_weekend_is_believed_once_the_kernel_says_that_the_clock_is_disciplined(database: Database) -> None:
    raw = Raw()
    clocks_of(database, raw).wall()
    raw.wall_s, raw.boot_s = START + 4 * DAY, 10.0
    again = clocks_of(database, raw)
    assert again.wall() == START
    raw.synchronised = True
    assert again.wall() == START + 4 * DAY


@pytest.mark.skipif(sys.platform != "linux", reason="adjtimex(2) is Linux's")
def test_the_kernel_is_asked_and_nothing_is_changed() -> None:
    before = time.time()
    assert isinstance(_kernel_says_synchronised(), bool)
    assert abs(time.time() - before) < HOUR


def test_the_systems_time_service_is_a_second_source(database: Database) -> None:
    raw = Raw()
    clocks = clocks_of(database, raw)
    clocks.wall()
    raw.wall_s += 30 * DAY
    raw.synchronised = True
    assert clocks.wall() == START + 30 * DAY


def test_a_fresh_installation_believes_its_machine(database: Database) -> None:
    assert clocks_of(database, Raw(wall=START + 5 * 365 * DAY)).wall() == START + 5 * 365 * DAY


def test_a_full_disk_does_not_stop_the_time(tmp_path: Path) -> None:
    database = Database(tmp_path / "agent.db")
    raw = Raw()
    clocks = clocks_of(database, raw)
    clocks.wall()
    pages = database.query("PRAGMA page_count")[0][0]
    database.query(f"PRAGMA max_page_count={pages}")
    with pytest.raises(NotWritten):
        fill(database)
    raw.pass_s(HOUR)
    assert clocks.wall() == START + HOUR
    database.close()


def fill(database: Database) -> None:
    with database.transaction() as connection:
        for number in range(10_000):
            connection.execute("INSERT INTO kept_values VALUES (?, ?)", (f"filler {number}", "x" * 1000))
