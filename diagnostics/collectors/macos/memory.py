"""Pages moved to disk, and how hard macOS itself thinks memory is pressed.

`vm_stat`; pages have 16384 bytes on Apple silicon, 4096 on Intel:

    Mach Virtual Memory Statistics: (page size of 16384 bytes)
    Pages free:                               12043.
    Pages active:                            412345.
    Swapins:                                  81234.
    Swapouts:                                912345.

`sysctl -n kern.memorystatus_vm_pressure_level`: `1` normal, `2` warning, `4` critical (sys/event.h, NOTE_MEMORYSTATUS).
"""

from __future__ import annotations

import re
from typing import Final

from diagnostics.collectors.macos.permissions import told
from diagnostics.hardware_observations import Swapping
from diagnostics.machine import macos_commands
from diagnostics.machine.interface import Machine, Unreadable
from diagnostics.observations import MemoryPressure, Stall

_PAGE: Final = re.compile(rb"page size of (\d{3,6}) bytes")
_SWAPPED: Final = re.compile(rb"^\"?(Swapins|Swapouts)\"?:\s+(\d{1,20})\.", re.MULTILINE)
_LEVELS: Final = (1, 2, 4)


def parse_vm_stat(content: bytes) -> Swapping:
    page = _PAGE.search(content[:16_384])
    pages = {name: int(count) for name, count in _SWAPPED.findall(content[:16_384])}
    if page is None or len(pages) < 2:
        raise Unreadable("vm_stat counts no swapping")
    size = int(page[1])
    return Swapping(pages[b"Swapins"] * size, pages[b"Swapouts"] * size, grows=True)


def collect_swapping(machine: Machine) -> Swapping:
    return parse_vm_stat(told(machine, macos_commands.VIRTUAL_MEMORY))


def parse_level(content: bytes) -> MemoryPressure:
    """macOS tells a level and no shares of time: those stay at zero, and the level is judged by itself."""
    text = content.strip()[:8]
    level = int(text) if text.isdigit() else 0
    if level not in _LEVELS:
        raise Unreadable("macOS told the pressure on memory in an unknown form")
    none = Stall(0.0, 0.0, 0.0)
    return MemoryPressure(none, none, level)


def collect_memory_pressure(machine: Machine) -> MemoryPressure:
    return parse_level(told(machine, macos_commands.MEMORY_LEVEL))
