"""Printers that take no jobs, and jobs that wait: `lpstat` of CUPS."""

from __future__ import annotations

from collections import Counter

from diagnostics.collectors.contract import Collector, Cost, Personal
from diagnostics.machine import commands
from diagnostics.machine.interface import Machine, Platform, Unreadable
from diagnostics.plain_text import printable
from diagnostics.system_observations import Printers


def parse_printers(content: bytes) -> tuple[tuple[str, bool], ...]:
    """`lpstat -p` (lpstat(1)): (printer, disabled).

    printer Office is idle.  enabled since Sat 21 Nov 2026 08:00:00 PM UTC
    printer Old disabled since Sat 21 Nov 2026 08:00:00 PM UTC -
      Paper jam
    """
    found = []
    for line in content.decode("utf-8", "replace").splitlines():
        fields = line.split()
        if len(fields) >= 3 and fields[0] == "printer":
            found.append((printable(fields[1], 127), fields[2] == "disabled"))
    return tuple(found)


def parse_jobs(content: bytes) -> dict[str, int]:
    """`lpstat -o`: `Office-812              anna              1024   Sat 21 Nov 2026 08:00:00 PM UTC`."""
    counts: Counter[str] = Counter()
    for line in content.decode("utf-8", "replace").splitlines():
        job = line.split()[:1]
        printer, dash, number = (job[0] if job else "").rpartition("-")
        if dash and number.isdigit():
            counts[printable(printer, 127)] += 1
    return dict(counts)


def collect_printers(machine: Machine) -> Printers:
    if machine.platform is Platform.WINDOWS:
        from diagnostics.collectors.windows.printers import read_printers

        return read_printers(machine)
    output = machine.run(commands.PRINTERS)
    printers = parse_printers(output.stdout)
    if not printers:
        raise Unreadable(printable(output.stderr.strip().split(b"\n")[0]) or "no printer is set up here")
    waiting = parse_jobs(machine.run(commands.PRINT_JOBS).stdout)
    return Printers(tuple(name for name, disabled in printers if disabled), waiting)


PRINTERS = Collector(
    id="printers",
    collect=collect_printers,
    may_contain=frozenset({Personal.HOST_NAMES}),
    cost=Cost.MODERATE,
)
