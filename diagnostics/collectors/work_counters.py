"""Counters since boot of the processors and of swapping."""

from __future__ import annotations

from diagnostics.collectors.contract import ALL_PLATFORMS, Collector, Cost
from diagnostics.hardware_observations import CpuTimes, Swapping
from diagnostics.machine.interface import Machine, Native, Platform, Unreadable

# sysconf(_SC_CLK_TCK) is 100 on every Linux that people run.
_TICKS_PER_S = 100
_PAGE_BYTES = 4096


def parse_cpu_times(content: bytes) -> CpuTimes:
    """The first line of /proc/stat (proc(5)): user nice system idle iowait irq softirq steal guest guest_nice; guest
    time is in user already.

    cpu  4705 150 1120 16250 520 30 45 12 0 0
    """
    fields = content.split(b"\n", 1)[0].split()
    try:
        if fields[0] != b"cpu":
            raise ValueError
        user, nice, system, idle, waiting, hard, soft, stolen = (int(field) / _TICKS_PER_S for field in fields[1:9])
    except (ValueError, IndexError):
        raise Unreadable("/proc/stat has an unknown form") from None
    return CpuTimes(user + nice + system + hard + soft, idle, waiting, stolen)


def parse_native_times(value: object) -> CpuTimes:
    """psutil's, beside the load: `{"cpus": 8, "load": [1.2, 1.1, 0.9], "busy_s": 8123.4, "idle_s": 91234.5}`."""
    if not isinstance(value, dict) or "busy_s" not in value:
        raise Unreadable("the processor's times are not told")
    return CpuTimes(float(value["busy_s"]), float(value["idle_s"]), 0.0, 0.0)


def parse_vmstat(content: bytes) -> Swapping:
    """/proc/vmstat counts pages: `pswpin 8123`, `pswpout 91234`."""
    numbers = dict(line.split(b" ", 1) for line in content.splitlines() if b" " in line)
    try:
        return Swapping(int(numbers[b"pswpin"]) * _PAGE_BYTES, int(numbers[b"pswpout"]) * _PAGE_BYTES)
    except (KeyError, ValueError):
        raise Unreadable("/proc/vmstat counts no swapping") from None


def _cpu_times(machine: Machine) -> CpuTimes:
    if machine.platform is not Platform.LINUX:
        return parse_native_times(machine.native(Native.CPU))
    return parse_cpu_times(machine.read_file("/proc/stat"))


def _swapping(machine: Machine) -> Swapping:
    if machine.platform is Platform.WINDOWS:
        from diagnostics.collectors.windows.counters import read_swapping

        return read_swapping(machine)
    if machine.platform is Platform.MACOS:
        from diagnostics.collectors.macos.memory import collect_swapping as on_macos

        return on_macos(machine)
    return parse_vmstat(machine.read_file("/proc/vmstat"))


CPU_TIMES = Collector(
    id="cpu-times",
    collect=_cpu_times,
    may_contain=frozenset(),
    cost=Cost.CHEAP,
    platforms=ALL_PLATFORMS,
)
SWAPPING = Collector(
    id="swapping", collect=_swapping, may_contain=frozenset(), cost=Cost.CHEAP, platforms=ALL_PLATFORMS
)
