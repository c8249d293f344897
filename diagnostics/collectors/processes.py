"""Running programs, with the processor each used between two looks.

A process is the same in both looks when number and start time agree. One that ended between them is left out; one
that started between them counts from its start.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from diagnostics.collectors.contract import Collector, Cost, Personal
from diagnostics.machine.interface import Machine, ProcessSnapshot, Unreadable
from diagnostics.observations import Process, Processes
from diagnostics.plain_text import printable

# /proc counts in hundredths of a second: below this a share of one core is mostly rounding.
SAMPLE_WINDOW_S = 0.25
_NAME_MAX_CHARS = 64


def compare(earlier: ProcessSnapshot, later: ProcessSnapshot, users: Mapping[int, str]) -> Processes:
    """Pure. Sorted by processor use, then by memory, both falling."""
    window_s = later.monotonic_s - earlier.monotonic_s
    before = {(item.pid, item.started_s): item.cpu_s for item in earlier.processes}
    processes = []
    for item in later.processes:
        age_s = max(0.0, later.uptime_s - item.started_s)
        first_cpu_s = before.get((item.pid, item.started_s), 0.0)
        measured_s = window_s if (item.pid, item.started_s) in before else min(age_s, window_s)
        used_s = max(0.0, item.cpu_s - first_cpu_s)
        processes.append(
            Process(
                pid=item.pid,
                parent_pid=item.parent_pid,
                name=printable(item.name, _NAME_MAX_CHARS),
                user=users.get(item.uid, str(item.uid) if item.uid >= 0 else ""),
                state=item.state,
                cpu_fraction=used_s / measured_s if measured_s > 0 else 0.0,
                lifetime_cpu_fraction=item.cpu_s / age_s if age_s > 0 else 0.0,
                rss_bytes=item.rss_bytes,
                threads=item.threads,
                age_s=age_s,
                started_ms=round(item.started_s * 1000),
            )
        )
    processes.sort(key=lambda process: (-process.cpu_fraction, -process.rss_bytes, process.pid))
    return Processes(window_s, tuple(processes))


def begin_processes(machine: Machine) -> Callable[[], Processes]:
    earlier = machine.process_snapshot()

    def finish() -> Processes:
        try:
            users = machine.user_names()
        except Unreadable:
            users = {}  # numbers are shown instead
        return compare(earlier, machine.process_snapshot(), users)

    return finish


def collect_processes(machine: Machine) -> Processes:
    finish = begin_processes(machine)
    machine.pause(SAMPLE_WINDOW_S)
    return finish()


PROCESSES = Collector(
    id="processes",
    collect=collect_processes,
    begin=begin_processes,
    may_contain=frozenset({Personal.USER_NAMES, Personal.INSTALLED_SOFTWARE}),
    cost=Cost.MODERATE,
)
