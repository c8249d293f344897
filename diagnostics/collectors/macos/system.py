"""Which Mac this is, and which macOS it runs.

`sw_vers`:

    ProductName:            macOS
    ProductVersion:         15.7.1
    ProductVersionExtra:    (a)
    BuildVersion:           24G231

`system_profiler -json SPHardwareDataType`:

    {"SPHardwareDataType": [{"_name": "hardware_overview", "chip_type": "Apple M2", "machine_model": "Mac14,2",
      "machine_name": "MacBook Air", "number_processors": "proc 8:4:4", "physical_memory": "16 GB",
      "boot_rom_version": "11881.140.96", "serial_number": "C02XXXXXXXXX", "platform_UUID": "…"}]}
"""

from __future__ import annotations

import json
import re
from contextlib import suppress
from typing import Final

from diagnostics.collectors.macos.permissions import told
from diagnostics.collectors.macos.plists import items, mapping, words
from diagnostics.machine import commands, macos_commands
from diagnostics.machine.interface import Machine, Unreadable
from diagnostics.observations import Hardware, OperatingSystem
from diagnostics.plain_text import printable

_SIZE: Final = re.compile(r"(\d{1,5}) (MB|GB|TB)")
_UNITS: Final = {"MB": 2**20, "GB": 2**30, "TB": 2**40}
_COUNT: Final = re.compile(r"(?:proc )?(\d{1,4})")


def parse_json(content: bytes, what: str) -> dict[str, object]:
    """One object of `system_profiler -json`. Raises Unreadable."""
    try:
        value = json.loads(content)
    except (ValueError, RecursionError):
        raise Unreadable(f"{what} gave no JSON") from None
    return mapping(value)


def parse_sw_vers(content: bytes) -> dict[str, str]:
    values = {}
    for line in content[:4096].decode("utf-8", "replace").splitlines():
        name, separator, value = line.partition(":")
        if separator:
            values[name.strip()] = printable(value.strip(), 100)
    return values


def collect_operating_system(machine: Machine) -> OperatingSystem:
    values = parse_sw_vers(told(machine, commands.MACOS_VERSION))
    version = values.get("ProductVersion", "")
    if not version:
        raise Unreadable("sw_vers does not tell a version")
    kernel = ""
    with suppress(Unreadable):  # nothing is judged by it
        kernel = printable(told(machine, macos_commands.KERNEL_NAME).strip(), 100)
    name = values.get("ProductName", "macOS")
    return OperatingSystem("macos", f"{name} {version}", version, kernel)


def parse_hardware(content: bytes) -> Hardware:
    listed = items(parse_json(content, "system_profiler").get("SPHardwareDataType"))
    value = mapping(listed[0]) if listed else {}
    size = _SIZE.fullmatch(words(value.get("physical_memory"), 20))
    if not value or size is None:
        raise Unreadable("system_profiler told of the hardware in an unknown form")
    count = _COUNT.match(str(value.get("number_processors", "")))
    product = " ".join(filter(None, (words(value.get("machine_name"), 80), words(value.get("machine_model"), 40))))
    return Hardware(
        cpu_model=words(value.get("chip_type")) or words(value.get("cpu_type")),
        cpus=int(count[1]) if count else 0,
        memory_bytes=int(size[1]) * _UNITS[size[2]],
        vendor="Apple",
        product=product or None,
        firmware_version=words(value.get("boot_rom_version"), 60) or None,
        firmware_date=None,
        serial=words(value.get("serial_number"), 60) or None,
    )


def collect_hardware(machine: Machine) -> Hardware:
    return parse_hardware(told(machine, macos_commands.HARDWARE))
