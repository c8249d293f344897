"""Batteries, heat and slowed processors.

`ioreg -a -r -c AppleSmartBattery`; from macOS 27 on the numbers in mAh stand in BatteryData alone:

    <array><dict>
      <key>BatteryInstalled</key><true/>
      <key>AppleRawMaxCapacity</key><integer>3921</integer>         mAh when full now; on Intel `MaxCapacity`
      <key>DesignCapacity</key><integer>4382</integer>
      <key>MaxCapacity</key><integer>100</integer>                  per cent on Apple silicon
      <key>CurrentCapacity</key><integer>81</integer>
      <key>CycleCount</key><integer>214</integer>
      <key>IsCharging</key><false/> <key>ExternalConnected</key><true/> <key>FullyCharged</key><false/>
      <key>Temperature</key><integer>3043</integer>                 hundredths of a degree
      <key>BatteryData</key><dict><key>DesignCapacity</key><integer>4382</integer> …
    </dict></array>

`pmset -g therm`, Intel, then Apple silicon at rest, then under heat:

    CPU_Scheduler_Limit     = 100
    CPU_Available_CPUs      = 8
    CPU_Speed_Limit         = 70

    Note: No thermal warning level has been recorded
    Note: No performance warning level has been recorded

    Thermal Warning Level = 2

`powermetrics --samplers smc` (root, Intel only): `CPU die temperature: 61.42 C`.
"""

from __future__ import annotations

import re
from contextlib import suppress
from typing import Final

from diagnostics.collectors.macos.disk_health import disk_temperatures
from diagnostics.collectors.macos.permissions import told
from diagnostics.collectors.macos.plists import items, mapping, number, parse_plist
from diagnostics.hardware_observations import Batteries, Battery, Temperature, Temperatures, Throttling
from diagnostics.machine import macos_commands
from diagnostics.machine.interface import Machine, Unreadable

_FULL: Final = ("AppleRawMaxCapacity", "NominalChargeCapacity")
# Where MaxCapacity is a percentage it is at most 100; no laptop's battery has so few mAh.
_LEAST_MAH: Final = 500
_LIMIT: Final = re.compile(r"CPU_(Speed|Scheduler)_Limit\s*=\s*(\d{1,3})\b")
_LEVEL: Final = re.compile(r"(?:Thermal|Performance) Warning Level\s*[=:]\s*(\d{1,3})\b", re.IGNORECASE)
_NOTHING: Final = re.compile(r"No (?:thermal|performance) warning level", re.IGNORECASE)
_SMC: Final = re.compile(r"^(CPU|GPU) die temperature: (\d{1,3}(?:\.\d+)?) C", re.MULTILINE)


def parse_battery(content: bytes) -> Battery | None:
    """None where no battery is built in."""
    found = _battery(content)
    if found is None or found.get("BatteryInstalled") is False:
        return None
    nested = mapping(found.get("BatteryData"))

    def told_of(name: str) -> int | None:
        value = number(found.get(name))
        return value if value is not None else number(nested.get(name))

    design = told_of("DesignCapacity")
    full = next((value for name in _FULL if (value := told_of(name))), None)
    most = told_of("MaxCapacity")
    if not full and most is not None and most >= _LEAST_MAH:
        full = most
    if not full or not design:
        return None
    current, cycles = told_of("CurrentCapacity"), told_of("CycleCount")
    charge = current / most if current is not None and most else None
    return Battery(
        name="InternalBattery",
        status=_status(found),
        full=full,
        design=design,
        cycles=cycles or None,
        charge_fraction=None if charge is None else round(min(1.0, max(0.0, charge)), 2),
    )


def _battery(content: bytes) -> dict[str, object] | None:
    entries = items(parse_plist(content, "what ioreg tells of the battery")) if content.strip() else []
    return mapping(entries[0]) if entries else None


def _status(found: dict[str, object]) -> str:
    if found.get("FullyCharged") is True:
        return "Full"
    if found.get("IsCharging") is True:
        return "Charging"
    return "Not charging" if found.get("ExternalConnected") is True else "Discharging"


def collect_batteries(machine: Machine) -> Batteries:
    battery = parse_battery(told(machine, macos_commands.BATTERY))
    if battery is None:
        raise Unreadable("this machine has no battery, or one that tells nothing")
    return Batteries((battery,))


def parse_sensors(content: bytes) -> tuple[Temperature, ...]:
    text = content[:65_536].decode("utf-8", "replace")
    return tuple(Temperature(f"{part} die", float(celsius), None) for part, celsius in _SMC.findall(text))


def battery_temperature(content: bytes) -> Temperature | None:
    found = _battery(content) or {}
    hundredths = number(found.get("Temperature")) or number(mapping(found.get("BatteryData")).get("Temperature"))
    if hundredths is None or not 0 < hundredths < 10_000:
        return None
    # Lithium cells are not to be used above 60 degrees.
    return Temperature("battery", hundredths / 100, 60.0)


def collect_temperatures(machine: Machine) -> Temperatures:
    """The parts that tell: of a Mac with Apple silicon the processor does not."""
    readings: list[Temperature] = []
    reasons: list[str] = []
    with suppress(Unreadable):  # a desktop has none
        battery = battery_temperature(told(machine, macos_commands.BATTERY))
        readings += [battery] if battery else []
    with suppress(Unreadable):  # behind USB a disk does not tell
        readings += disk_temperatures(machine)
    try:
        readings += parse_sensors(told(machine, macos_commands.SENSORS))
    except Unreadable as unreadable:
        reasons.append(unreadable.reason)
    if not readings:
        raise Unreadable(reasons[0] if reasons else "no part of this Mac tells how hot it is")
    return Temperatures(tuple(readings))


def parse_heat(content: bytes) -> Throttling:
    """`limit_fraction` 1.0: as fast as it can. Levels of a warning are not shares: each counts as a quarter less."""
    text = content[:16_384].decode("utf-8", "replace")
    limits = [int(value) for _, value in _LIMIT.findall(text)]
    levels = [int(value) for value in _LEVEL.findall(text)]
    if not limits and not levels and _NOTHING.search(text) is None:
        raise Unreadable("pmset told of heat in an unknown form")
    by_level = 100 - 25 * min(3, max(levels, default=0))
    return Throttling(0, min(100, *limits, by_level) / 100)


def collect_throttling(machine: Machine) -> Throttling:
    return parse_heat(told(machine, macos_commands.HEAT))
