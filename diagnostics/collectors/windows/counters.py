"""Windows' performance counters: pages fetched from disk, temperatures of thermal zones, TCP.

    "paging":   [{"PagesInputPersec":812345,"PagesOutputPersec":91234}]         raw: since the start, despite the names
    "zones":    [{"Name":"\\\\_TZ.TZ00","Temperature":318,"HighPrecisionTemperature":3182}]   kelvin, and tenths of it
    "segments": [{"SegmentsSentPersec":9123456,"SegmentsRetransmittedPersec":8123}]

A thermal zone is a place the firmware watches, not the processor's own sensor; many computers show none.
"""

from __future__ import annotations

from collections.abc import Iterable

from diagnostics.collectors.windows.gathered import Row, ask, number, text
from diagnostics.hardware_observations import Swapping, Temperature, Temperatures
from diagnostics.machine import windows_commands as commands
from diagnostics.machine.interface import Machine, Unreadable
from diagnostics.system_observations import TcpCounters

_PAGE_BYTES = 4096
_ZERO_C_IN_K = 273.15
_PLAUSIBLE_C = (1.0, 150.0)
_ZONES_MAX = 64


def swapping_of(row: Row) -> Swapping:
    read, written = number(row, "PagesInputPersec"), number(row, "PagesOutputPersec")
    if read is None or written is None:
        raise Unreadable("Windows counts no pages fetched from disk")
    return Swapping(read * _PAGE_BYTES, written * _PAGE_BYTES)


def read_swapping(machine: Machine) -> Swapping:
    return swapping_of(ask(machine, commands.COUNTERS).first("paging"))


def temperatures_of(rows: Iterable[Row]) -> Temperatures:
    readings = []
    for row in rows:
        tenths, kelvin = number(row, "HighPrecisionTemperature"), number(row, "Temperature")
        celsius = round((tenths / 10 if tenths else float(kelvin or 0)) - _ZERO_C_IN_K, 1)
        if _PLAUSIBLE_C[0] <= celsius <= _PLAUSIBLE_C[1]:
            readings.append(Temperature(text(row, "Name", 40).removeprefix("\\_TZ.") or "zone", celsius, None))
    if not readings:
        raise Unreadable("this computer's firmware shows Windows no temperature")
    return Temperatures(tuple(readings[:_ZONES_MAX]))


def read_temperatures(machine: Machine) -> Temperatures:
    return temperatures_of(ask(machine, commands.COUNTERS).rows("zones"))


def tcp_counters_of(row: Row) -> TcpCounters:
    sent, again = number(row, "SegmentsSentPersec"), number(row, "SegmentsRetransmittedPersec")
    if sent is None or again is None:
        raise Unreadable("Windows counts no TCP segments")
    return TcpCounters(sent, again)


def read_tcp_counters(machine: Machine) -> TcpCounters:
    return tcp_counters_of(ask(machine, commands.COUNTERS).first("segments"))
