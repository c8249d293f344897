"""Which numbers are drawn, and how silence looks."""

from typing import Any

import pytest

from server.console.plots import DRAWN, LINES_MAX, RANGES, figures_of, plots_of, range_for, tiles_of
from server.findings.series import Newest, Step
from tests.making import DAY, NOW


def steps(name: str, slots: list[int], instance: str = "", value: float = 0.5) -> list[Step]:
    return [Step(name, instance, slot, NOW + slot * 600, value) for slot in slots]


def drawn(found: list[Step]) -> dict[str, dict[str, Any]]:
    return {plot.drawn.title: plot.data for plot in plots_of(found)}


def test_a_line_needs_two_points() -> None:
    assert drawn(steps("cpu.used-fraction", [3])) == {}
    data = drawn(steps("cpu.used-fraction", [3, 4]))["Processor used"]
    assert data == {"times": [NOW + 1800, NOW + 2400], "series": [{"label": "Used", "values": [0.5, 0.5]}]}


def test_a_long_silence_is_a_gap_and_a_short_one_is_not() -> None:
    values = drawn(steps("cpu.used-fraction", [0, 1, 2, 5, 6, 30, 31]))["Processor used"]["series"][0]["values"]
    assert values == [0.5, 0.5, 0.5, 0.5, 0.5, None, 0.5, 0.5]


def test_a_device_that_reports_seldom_has_whole_lines() -> None:
    values = drawn(steps("cpu.used-fraction", [0, 10, 20, 30]))["Processor used"]["series"][0]["values"]
    assert values == [0.5] * 4


def test_volumes_are_told_apart_by_pseudonym_the_fullest_first() -> None:
    found = steps("disk.used-fraction", [0, 1], "aaaa000000000000", 0.2)
    found += steps("disk.used-fraction", [0, 1], "bbbb000000000000", 0.9)
    labels = [line["label"] for line in drawn(found)["Disk used"]["series"]]
    assert labels == ["Volume bbbb", "Volume aaaa"]


def test_a_device_with_a_hundred_volumes_gets_a_plot_that_can_be_read() -> None:
    found = [step for at in range(100) for step in steps("disk.used-fraction", [0, 1], f"{at:016x}", at / 100)]
    assert len(drawn(found)["Disk used"]["series"]) <= LINES_MAX


def test_lines_of_one_plot_share_their_times() -> None:
    found = steps("load.one-minute", [0, 1, 2]) + steps("load.five-minutes", [1, 2, 3])
    data = drawn(found)["Load"]
    assert len(data["times"]) == 4
    assert [line["values"] for line in data["series"]] == [[0.5, 0.5, 0.5, None], [None, 0.5, 0.5, 0.5]]


def test_what_was_reported_once_is_a_number_until_it_can_be_drawn() -> None:
    newest = [
        Newest("disk.used-fraction", "aaaa000000000000", NOW, 0.2),
        Newest("disk.used-fraction", "bbbb000000000000", NOW, 0.9),
        Newest("cpu.used-fraction", "", NOW, 0.5),
        Newest("odd.number", "", NOW, 1),
    ]
    tiles = [(tile.title, tile.text, tile.note) for tile in tiles_of(newest, [])]
    assert tiles == [("Disk used", "90.0 %", "Volume bbbb"), ("Processor used", "50.0 %", "")]
    plots = plots_of(steps("cpu.used-fraction", [3, 4]))
    assert [tile.title for tile in tiles_of(newest, plots)] == ["Disk used"]


def test_every_range_has_about_150_points() -> None:
    assert [round(one.long_s / one.step_s) for one in RANGES] == [180, 144, 168, 180]


@pytest.mark.parametrize(
    ("key", "age_s", "expected"),
    [("", None, "hour"), ("", 600, "hour"), ("", DAY, "day"), ("week", 600, "week"), ("century", DAY, "day")],
)
def test_a_new_device_starts_with_its_first_hour(key: str, age_s: int | None, expected: str) -> None:
    assert range_for(key, None if age_s is None else NOW - age_s, NOW).key == expected


def test_every_unit_is_one_that_the_plots_know() -> None:
    assert {plot.unit for plot in DRAWN} <= {"", "percent", "bytes", "seconds", "per_second", "celsius"}


@pytest.mark.parametrize(
    ("name", "value", "text"),
    [("disk.used-fraction", 0.9312, "93.1 %"), ("memory.available-bytes", 3_400_000_000, "3.4 GB"),
     ("dns.answer-s", 0.0123, "12 ms"), ("load.one-minute", 0.5, "0.50"), ("services.failed", 3.0, "3"),
     ("disk.growth-bytes-a-day", 2e9, "2 GB a day"),
     ("temperature.celsius", 61.4, "61 °C"), ("processes.count", 1204.0, "1\u202f204")],
)  # fmt: skip
def test_a_number_is_written_by_the_unit_in_its_name(name: str, value: float, text: str) -> None:
    assert figures_of([Newest(name, "", NOW, value)])[0].text == text
