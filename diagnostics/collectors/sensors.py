"""Temperatures, throttling and batteries, as the kernel shows them under /sys.

/sys/class/hwmon/hwmon3/name                     coretemp
/sys/class/hwmon/hwmon3/temp1_input              54000            thousandths of a degree
/sys/class/hwmon/hwmon3/temp1_crit               100000
/sys/class/power_supply/BAT0/uevent              POWER_SUPPLY_ENERGY_FULL=41230000 …
/sys/devices/system/cpu/cpu0/thermal_throttle/core_throttle_count    12
"""

from __future__ import annotations

import re

from diagnostics.collectors.contract import ALL_PLATFORMS, Collector, Cost, Personal
from diagnostics.hardware_observations import Batteries, Battery, Temperature, Temperatures, Throttling
from diagnostics.machine.interface import Machine, Platform, Unreadable
from diagnostics.plain_text import printable

HWMON = "/sys/class/hwmon"
POWER = "/sys/class/power_supply"
CPUS = "/sys/devices/system/cpu"
_CHIPS_MAX, _READINGS_MAX, _CPUS_MAX = 32, 64, 256
_INPUT = re.compile(r"temp(\d{1,3})_input")
_CPU = re.compile(r"cpu\d{1,4}")
# A sensor that is not connected reads -128 or 255; nothing that runs is outside of this.
_PLAUSIBLE_C = (1.0, 150.0)


def _small(machine: Machine, path: str) -> str | None:
    try:
        return machine.read_file(path, max_bytes=4096).decode("utf-8", "replace").strip()
    except Unreadable:
        return None  # this sensor does not tell


def _degrees(text: str | None) -> float | None:
    try:
        return int(text or "") / 1000
    except ValueError:
        return None


def collect_temperatures(machine: Machine) -> Temperatures:
    """The hottest reading of each chip: a processor of 64 cores is one part."""
    if machine.platform is Platform.WINDOWS:
        from diagnostics.collectors.windows.counters import read_temperatures

        return read_temperatures(machine)
    if machine.platform is Platform.MACOS:
        from diagnostics.collectors.macos.power import collect_temperatures as on_macos

        return on_macos(machine)
    hottest: dict[str, Temperature] = {}
    for chip in machine.list_folder(HWMON)[:_CHIPS_MAX]:
        folder = f"{HWMON}/{chip.name}"
        part = printable(_small(machine, f"{folder}/name") or chip.name, 40)
        try:
            names = [entry.name for entry in machine.list_folder(folder)]
        except Unreadable:
            continue  # the chip was unplugged meanwhile
        for name in names[: _READINGS_MAX * 8]:
            found = _INPUT.fullmatch(name)
            celsius = _degrees(_small(machine, f"{folder}/{name}")) if found else None
            if not found or celsius is None or not _PLAUSIBLE_C[0] <= celsius <= _PLAUSIBLE_C[1]:
                continue
            critical = _degrees(_small(machine, f"{folder}/temp{found[1]}_crit"))
            if critical is not None and not 40 <= critical <= _PLAUSIBLE_C[1]:
                critical = None  # some firmware fills the field with zero or 65261
            if part not in hottest or celsius > hottest[part].celsius:
                hottest[part] = Temperature(part, celsius, critical)
    if not hottest:
        raise Unreadable("no temperature sensor is known to this system (a virtual machine has none)")
    return Temperatures(tuple(hottest[part] for part in sorted(hottest)))


def collect_throttling(machine: Machine) -> Throttling:
    if machine.platform is Platform.WINDOWS:
        from diagnostics.collectors.windows.kernel import read_throttling

        return read_throttling(machine)
    if machine.platform is Platform.MACOS:
        from diagnostics.collectors.macos.power import collect_throttling as on_macos

        return on_macos(machine)
    counts: list[int] = []
    for entry in machine.list_folder(CPUS):
        if _CPU.fullmatch(entry.name) and len(counts) < _CPUS_MAX:
            text = _small(machine, f"{CPUS}/{entry.name}/thermal_throttle/core_throttle_count")
            if text is not None and text.isdigit():
                counts.append(int(text))
    if not counts:
        raise Unreadable("the processors do not count how often they slow down for heat")
    return Throttling(sum(counts))


def parse_power_supply(content: str) -> Battery | None:
    """A power supply's uevent (kernel.org: ABI/testing/sysfs-class-power); None when it is no battery of the machine.

    POWER_SUPPLY_NAME=BAT0
    POWER_SUPPLY_TYPE=Battery
    POWER_SUPPLY_STATUS=Discharging
    POWER_SUPPLY_CYCLE_COUNT=412
    POWER_SUPPLY_ENERGY_FULL_DESIGN=57000000
    POWER_SUPPLY_ENERGY_FULL=31230000
    POWER_SUPPLY_CAPACITY=81
    """
    values = dict(line.split("=", 1) for line in content.splitlines() if "=" in line)
    values = {name.removeprefix("POWER_SUPPLY_"): value.strip() for name, value in values.items()}
    # A mouse's or headset's battery has the scope "Device".
    if values.get("TYPE") != "Battery" or values.get("SCOPE") == "Device" or values.get("PRESENT") == "0":
        return None

    def number(name: str) -> int | None:
        text = values.get(name, "")
        return int(text) if text.isdigit() else None

    for unit in ("ENERGY", "CHARGE"):
        full, design = number(f"{unit}_FULL"), number(f"{unit}_FULL_DESIGN")
        if full is not None and design:
            break
    else:
        return None
    capacity, cycles = number("CAPACITY"), number("CYCLE_COUNT")
    return Battery(
        name=printable(values.get("NAME", "battery"), 40),
        status=printable(values.get("STATUS", ""), 40),
        full=full,
        design=design,
        cycles=cycles or None,  # firmware that does not count says 0
        charge_fraction=None if capacity is None else min(100, capacity) / 100,
    )


def collect_batteries(machine: Machine) -> Batteries:
    if machine.platform is Platform.WINDOWS:
        from diagnostics.collectors.windows.battery import read_batteries

        return read_batteries(machine)
    if machine.platform is Platform.MACOS:
        from diagnostics.collectors.macos.power import collect_batteries as on_macos

        return on_macos(machine)
    found = []
    for entry in machine.list_folder(POWER)[:_CHIPS_MAX]:
        battery = parse_power_supply(_small(machine, f"{POWER}/{entry.name}/uevent") or "")
        if battery is not None:
            found.append(battery)
    if not found:
        raise Unreadable("this machine has no battery, or one that tells nothing")
    return Batteries(tuple(found))


TEMPERATURES = Collector(
    id="temperatures", collect=collect_temperatures, may_contain=frozenset(), cost=Cost.CHEAP, platforms=ALL_PLATFORMS
)
THROTTLING = Collector(
    id="throttling", collect=collect_throttling, may_contain=frozenset(), cost=Cost.CHEAP, platforms=ALL_PLATFORMS
)
BATTERIES = Collector(
    id="batteries",
    collect=collect_batteries,
    may_contain=frozenset({Personal.SERIAL_NUMBERS}),
    cost=Cost.CHEAP,
    platforms=ALL_PLATFORMS,
)
