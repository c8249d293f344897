"""What the kernel of macOS said that matters: from its reports, its counters and its lines in the unified log.

    disk4s2: I/O error.                                                                  a disk that cannot be read
    apfs_bread:1234: disk3s5 ... failed ... error 5 · hfs: ... disk2s1 ... corrupt        a damaged file system
    AppleUSB20HubPort@14420000: AppleUSB20HubPort::resetAndCreateDevice: failed to address device, disabling port
    AppleUSB20HubPort@14420000: AppleUSBHostPort::disconnect: persistent enumeration failures

The lines are collected from what people report, not from a manual: Apple documents none of them. Reports and counters
are cheap and always asked; the log is asked where this user may, and left out where not.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from diagnostics.collectors.macos.disk_activity import read_drivers
from diagnostics.collectors.macos.permissions import told
from diagnostics.collectors.macos.reports import read_reports, report_events
from diagnostics.collectors.macos.unified_log import parse_ndjson
from diagnostics.machine import macos_commands
from diagnostics.machine.interface import Machine, Unreadable
from diagnostics.observations import KernelEvent, KernelEventKind, KernelLog, LogLine
from diagnostics.plain_text import printable

EVENTS_MAX: Final = 1_000
# `match`, not `search`: a name in the middle of another message must not pass for the message.
_DISK: Final = re.compile(r"(?P<disk>disk\d{1,3})(?:s\d{1,3})*: I/O error")
_FILES: Final = re.compile(
    r"(?:apfs_[a-z_]{1,40}|hfs)\b.{0,200}?\b(?P<device>disk\d{1,3}(?:s\d{1,3})*)\b.{0,300}"
    r"(?:error|corrupt|damaged|invalid checksum)",
    re.IGNORECASE | re.DOTALL,
)
_USB: Final = re.compile(
    r"(?P<port>AppleUSB\w{1,40}@[0-9a-fA-F]{8}): .{0,200}"
    r"(?:failed to address device|persistent enumeration failures|over-?current)",
    re.IGNORECASE,
)


def events_of(lines: tuple[LogLine, ...]) -> Iterator[KernelEvent]:
    """Lines that programs wrote are not believed: only the kernel's own."""
    for line in lines:
        if line.unit != "kernel":
            continue
        shown = printable(line.text)
        if found := _DISK.match(line.text):
            yield KernelEvent(KernelEventKind.DISK_ERROR, found["disk"], line.at_unix_s, shown)
        elif found := _FILES.match(line.text):
            yield KernelEvent(KernelEventKind.FILESYSTEM_ERROR, found["device"], line.at_unix_s, shown)
        elif found := _USB.match(line.text):
            yield KernelEvent(KernelEventKind.DRIVER_ERROR, found["port"], line.at_unix_s, shown)


def _counted(machine: Machine) -> Iterator[KernelEvent]:
    for driver in read_drivers(machine):
        if driver.errors > 0:
            line = f"{driver.disk}: {driver.errors} requests failed since it was connected"
            yield KernelEvent(KernelEventKind.DISK_ERROR, driver.disk, None, line)


def collect_kernel_log(machine: Machine) -> KernelLog:
    """Raises Unreadable with the first reason when neither reports nor counters nor the log can be read."""
    events: list[KernelEvent] = []
    refusals: list[Unreadable] = []
    lines = 0
    now = machine.clock().unix_s
    try:
        reports = read_reports(machine)
        lines += len(reports)
        events += report_events(machine, reports, now=now)
    except Unreadable as unreadable:
        refusals.append(unreadable)
    try:
        written = parse_ndjson(told(machine, macos_commands.KERNEL_LINES))
        lines += len(written)
        events += events_of(written)
    except Unreadable as unreadable:
        refusals.append(unreadable)
    named = {event.subject for event in events if event.kind is KernelEventKind.DISK_ERROR}
    try:
        events += [event for event in _counted(machine) if event.subject not in named]
    except Unreadable as unreadable:
        refusals.append(unreadable)
    if len(refusals) == 3:
        raise refusals[0]
    events.sort(key=lambda event: event.at_unix_s or 0)
    return KernelLog(lines, tuple(events[-EVENTS_MAX:]))
