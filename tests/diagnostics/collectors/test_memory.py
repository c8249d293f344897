"""Memory numbers out of /proc."""

from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from diagnostics.collectors.memory import (
    collect_load,
    collect_memory,
    parse_load,
    parse_meminfo,
    parse_pressure,
)
from diagnostics.machine.interface import Unreadable
from diagnostics.machine.recorded import RecordedMachine
from diagnostics.observations import Load, Memory, Stall


def test_kilobytes_of_proc_are_1024_bytes(recorded: Callable[[str], RecordedMachine]) -> None:
    assert collect_memory(recorded("laptop-healthy")) == Memory(
        16_303_344 * 1024, 9_411_012 * 1024, 2_097_148 * 1024, 2_097_148 * 1024
    )


def test_a_table_without_what_is_needed_is_unreadable() -> None:
    with pytest.raises(Unreadable, match="no MemAvailable line"):
        parse_meminfo(b"MemTotal: 100 kB\n")


def test_stalls_are_shares() -> None:
    text = b"some avg10=1.50 avg60=12.00 avg300=0.04 total=1\nfull avg10=0.00 avg60=0.10 avg300=0.03 total=1\n"
    pressure = parse_pressure(text)
    assert pressure.some == Stall(0.015, 0.12, 0.0004)
    assert pressure.full.avg60 == 0.001


@pytest.mark.parametrize("text", [b"", b"some avg10=x", b"some avg10=0.00 avg60=0.00 avg300=0.00 total=0\n"])
def test_pressure_of_another_form_is_unreadable(text: bytes) -> None:
    with pytest.raises(Unreadable, match="unknown form"):
        parse_pressure(text)


def test_load_counts_processors(recorded: Callable[[str], RecordedMachine]) -> None:
    assert collect_load(recorded("laptop-healthy")) == Load(0.61, 0.43, 0.31, 4)


@settings(deadline=None, derandomize=True, max_examples=200)
@given(st.binary(max_size=300))
def test_any_bytes_are_read_or_refused(content: bytes) -> None:
    for parse in (parse_meminfo, parse_pressure, lambda text: parse_load(text, text)):
        try:
            parse(content)
        except Unreadable:
            continue
