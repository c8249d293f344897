"""Printers that print nothing, and jobs that wait.

    "printers": [{"Name":"Office","PrinterStatus":2,"JobCount":7}]
    "jobs":     [{"Name":"Office, 12","StatusMask":2,"TimeSubmitted":"\\/Date(1794995000000)\\/"}]

PrinterStatus and StatusMask are the spooler's own bits (PRINTER_STATUS_*, JOB_STATUS_* of winspool.h). A name may hold
a comma: the job's number is what stands behind the last one.
"""

from __future__ import annotations

from diagnostics.collectors.windows.gathered import Gathered, ask, number, text
from diagnostics.machine import windows_commands as commands
from diagnostics.machine.interface import Machine, Unreadable
from diagnostics.system_observations import Printers

# Paused, error, jam, out of paper, paper problem, offline, not available, out of toner, needs somebody, door open.
_STOPPED = 0x1 | 0x2 | 0x8 | 0x10 | 0x40 | 0x80 | 0x1000 | 0x40000 | 0x100000 | 0x400000
# Error, offline, out of paper, blocked by the driver, needs somebody.
_JOB_STUCK = 0x2 | 0x20 | 0x40 | 0x200 | 0x400
_PRINTERS_MAX = 200


def printers_of(gathered: Gathered) -> Printers:
    printers = gathered.rows("printers")[:_PRINTERS_MAX]
    if not printers:
        raise Unreadable("no printer is set up here")
    stuck = {
        text(row, "Name").rpartition(",")[0]
        for row in gathered.rows_or_none("jobs")
        if (number(row, "StatusMask") or 0) & _JOB_STUCK
    }
    disabled, waiting = [], {}
    for row in printers:
        name, jobs = text(row, "Name", 127), number(row, "JobCount") or 0
        if (number(row, "PrinterStatus") or 0) & _STOPPED or name in stuck:
            disabled.append(name)
        if jobs > 0:
            waiting[name] = jobs
    return Printers(tuple(disabled), waiting)


def read_printers(machine: Machine) -> Printers:
    return printers_of(ask(machine, commands.PRINTERS))
