"""Memory, and how much work waits for it."""

from __future__ import annotations

from diagnostics.collectors.contract import LINUX_AND_MACOS, Collector, Cost
from diagnostics.machine.interface import Machine, Native, Platform, Unreadable
from diagnostics.observations import Load, Memory, MemoryPressure, Stall
from diagnostics.strict_json import decode


def parse_meminfo(content: bytes) -> Memory:
    """/proc/meminfo (proc(5)); `kB` there means 1024 bytes. Raises Unreadable when the totals are missing.

    MemTotal:       16303344 kB
    MemAvailable:    9411012 kB
    SwapTotal:       2097148 kB
    SwapFree:        2097148 kB
    """
    numbers: dict[str, int] = {}
    for line in content.decode("ascii", "replace").splitlines():
        name, _, rest = line.partition(":")
        fields = rest.split()
        if fields and fields[0].isdigit():
            numbers[name] = int(fields[0]) * 1024
    try:
        return Memory(
            total_bytes=numbers["MemTotal"],
            available_bytes=numbers["MemAvailable"],
            swap_total_bytes=numbers.get("SwapTotal", 0),
            swap_free_bytes=numbers.get("SwapFree", 0),
        )
    except KeyError as missing:
        raise Unreadable(f"/proc/meminfo has no {missing.args[0]} line") from None


def parse_pressure(content: bytes) -> MemoryPressure:
    """/proc/pressure/memory (kernel.org: accounting/psi); shares come in per cent.

    some avg10=0.00 avg60=0.12 avg300=0.04 total=51338
    full avg10=0.00 avg60=0.10 avg300=0.03 total=48112
    """
    stalls: dict[str, Stall] = {}
    for line in content.decode("ascii", "replace").splitlines():
        kind, _, rest = line.partition(" ")
        numbers = dict(field.split("=", 1) for field in rest.split() if "=" in field)
        try:
            stalls[kind] = Stall(
                float(numbers["avg10"]) / 100, float(numbers["avg60"]) / 100, float(numbers["avg300"]) / 100
            )
        except (KeyError, ValueError):
            raise Unreadable("/proc/pressure/memory has an unknown form") from None
    if "some" not in stalls or "full" not in stalls:
        raise Unreadable("/proc/pressure/memory has an unknown form")
    return MemoryPressure(stalls["some"], stalls["full"])


def parse_load(loadavg: bytes, stat: bytes) -> Load:
    """/proc/loadavg `0.61 0.43 0.31 2/411 83912`, and one `cpuN …` line a processor in /proc/stat."""
    try:
        one, five, fifteen = (float(field) for field in loadavg.split()[:3])
    except ValueError:
        raise Unreadable("/proc/loadavg has an unknown form") from None
    cpus = sum(line.startswith(b"cpu") and line[3:4].isdigit() for line in stat.splitlines())
    return Load(one, five, fifteen, max(1, cpus))


def collect_memory(machine: Machine) -> Memory:
    if machine.platform is Platform.LINUX:
        return parse_meminfo(machine.read_file("/proc/meminfo"))
    return decode(Memory, machine.native(Native.MEMORY))


def collect_memory_pressure(machine: Machine) -> MemoryPressure:
    """Unreadable on kernels before 4.20 and where pressure accounting is switched off."""
    if machine.platform is Platform.MACOS:
        from diagnostics.collectors.macos.memory import collect_memory_pressure as on_macos

        return on_macos(machine)
    return parse_pressure(machine.read_file("/proc/pressure/memory"))


def collect_load(machine: Machine) -> Load:
    if machine.platform is Platform.LINUX:
        return parse_load(machine.read_file("/proc/loadavg"), machine.read_file("/proc/stat"))
    value = machine.native(Native.CPU)
    if not isinstance(value, dict):
        raise Unreadable("the processor's numbers have an unknown form")
    one, five, fifteen = (float(item) for item in value["load"])
    return Load(one, five, fifteen, int(value["cpus"]))


MEMORY = Collector(id="memory", collect=collect_memory, may_contain=frozenset(), cost=Cost.CHEAP)
MEMORY_PRESSURE = Collector(
    id="memory-pressure",
    collect=collect_memory_pressure,
    may_contain=frozenset(),
    cost=Cost.CHEAP,
    platforms=LINUX_AND_MACOS,
)
LOAD = Collector(id="load", collect=collect_load, may_contain=frozenset(), cost=Cost.CHEAP)
