"""What a Mac calls itself and its surroundings: asked only so that it can be taken out of what leaves.

`scutil --get ComputerName`: `Anna's MacBook Air`. `networksetup -listpreferredwirelessnetworks en0`:

    Preferred networks on en0:
        Home
        Cafe upstairs

Serial numbers and the hardware's UUID stand in `system_profiler -json SPHardwareDataType`, the battery's in ioreg.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from diagnostics.collectors.macos.network_settings import read_name_servers
from diagnostics.collectors.macos.permissions import told
from diagnostics.collectors.macos.plists import items, mapping, parse_plist, words
from diagnostics.collectors.macos.system import parse_json
from diagnostics.machine import macos_commands
from diagnostics.machine.interface import Machine, Unreadable

NETWORKS_MAX: Final = 500
_SERIALS: Final = ("serial_number", "platform_UUID", "provisioning_UDID")


@dataclass(frozen=True, slots=True)
class MacNames:
    hosts: tuple[str, ...]
    domains: tuple[str, ...]
    networks: tuple[str, ...]
    serials: tuple[str, ...]


def parse_networks(content: bytes) -> tuple[str, ...]:
    lines = content.decode("utf-8", "replace").splitlines()
    return tuple(line.strip() for line in lines[:NETWORKS_MAX] if line.startswith(("\t", "    ")) and line.strip())


def _computer(machine: Machine) -> tuple[str, ...]:
    name = told(machine, macos_commands.COMPUTER_NAME).decode("utf-8", "replace").strip()
    return (name,) if name else ()


def _hardware(machine: Machine) -> tuple[str, ...]:
    listed = items(parse_json(told(machine, macos_commands.HARDWARE), "system_profiler").get("SPHardwareDataType"))
    return tuple(filter(None, (words(mapping(item).get(name), 80) for item in listed[:4] for name in _SERIALS)))


def _battery(machine: Machine) -> tuple[str, ...]:
    content = told(machine, macos_commands.BATTERY)
    listed = items(parse_plist(content, "ioreg's battery")) if content.strip() else []
    return tuple(filter(None, (words(mapping(item).get("Serial"), 80) for item in listed[:4])))


def read_names(machine: Machine) -> MacNames:
    """What cannot be read is left out: the redactor's own rules do not depend on it."""

    def asked(ask: Callable[[Machine], tuple[str, ...]]) -> tuple[str, ...]:
        try:
            return ask(machine)
        except Unreadable:
            return ()  # told in `doctor`; nothing here waits for it

    return MacNames(
        hosts=asked(_computer),
        domains=asked(lambda machine: read_name_servers(machine)[1]),
        networks=asked(lambda machine: parse_networks(told(machine, macos_commands.KNOWN_NETWORKS))),
        serials=(*asked(_hardware), *asked(_battery)),
    )
