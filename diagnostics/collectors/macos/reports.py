"""What macOS wrote down when something crashed: names and dates of DiagnosticReports, and the heads of some.

/Library/Logs/DiagnosticReports (administrators), /Users/*/Library/Logs/DiagnosticReports (each person's own):

    Safari-2026-11-20-081512.ips                  a crash; before macOS 12 Safari_2026-11-20-081512_Mac.crash
    Safari_2026-11-20-081512_Mac.ips              the same, as newer versions name it
    ExcUserFault_Mail-2026-11-20-081512.ips       not a crash
    JetsamEvent-2026-11-20-081512.ips             memory ran out: macOS ended programs
    panic-full-2026-11-20-081512.0002.panic       the kernel itself; before Kernel_2026-11-20-081512_Mac.panic
    gpuEvent-Final Cut Pro-2026-11-20-081512.ips  the graphics processor hung
    Photos_2026-11-20-081512_Annas-Mac.hang       a program that did not answer

The head of an .ips is one line of JSON; of JetsamEvent the second part is read too:

    {"bug_type":"298","timestamp":"2026-11-20 08:15:12.00 +0100","os_version":"macOS 15.7.1 (24G231)"}
    {"pageSize":16384,"largestProcess":"Google Chrome He","processes":[{"name":"Google Chrome He","pid":4312,
      "rpages":262144,"reason":"vm-pageshortage"},{"name":"Finder","pid":400,"rpages":1000}]}

Of people's homes only names and dates are seen; no report of theirs is opened.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from diagnostics.collectors.macos.permissions import FULL_DISK_ACCESS
from diagnostics.collectors.macos.plists import items, mapping, number
from diagnostics.machine.interface import EntryKind, FolderEntry, Machine, Unreadable, UnreadableKind
from diagnostics.observations import KernelEvent, KernelEventKind
from diagnostics.plain_text import printable
from diagnostics.system_observations import Crash, Crashes

SYSTEM_REPORTS: Final = "/Library/Logs/DiagnosticReports"
HOMES_MAX, REPORTS_MAX, OPENED_MAX = 20, 2_000, 20
RECENT_S: Final = 86_400
_JETSAM_MAX_BYTES: Final = 2 * 1024 * 1024
_STAMP: Final = r"[-_]\d{4}-\d\d-\d\d-\d{6}"
_CRASH: Final = re.compile(rf"(?P<name>.+?){_STAMP}(?:[._].{{1,120}})?\.(?:ips|crash)")
_PANIC: Final = re.compile(r"(?:panic-(?:full|base)-|Kernel_).{1,120}\.panic|panic-(?:full|base)-.{1,120}\.ips")
_JETSAM: Final = re.compile(rf"JetsamEvent{_STAMP}(?:[._].{{1,120}})?\.ips")
_GRAPHICS: Final = re.compile(rf"(?:gpuEvent|gpuRestart)-?.*{_STAMP}.*")
# Reports in the same form that no program died of.
_NO_CRASH: Final = ("JetsamEvent", "ExcUserFault_", "stacks", "gpuEvent", "gpuRestart", "panic-", "Siri", "Analytics")


@dataclass(frozen=True, slots=True)
class Report:
    """`opened`: its content may be read, too."""

    name: str
    path: str
    at_unix_s: int
    opened: bool


def _in(machine: Machine, folder: str, *, opened: bool) -> list[Report]:
    entries: tuple[FolderEntry, ...] = machine.list_folder(folder)
    files = [entry for entry in entries if entry.kind is EntryKind.FILE and not entry.name.startswith(".")]
    return [Report(entry.name, f"{folder}/{entry.name}", entry.modified_unix_s, opened) for entry in files]


def read_reports(machine: Machine) -> tuple[Report, ...]:
    """Of all folders that may be seen, oldest first. Raises Unreadable when none may."""
    found: list[Report] = []
    refusals: list[Unreadable] = []
    folders = [(SYSTEM_REPORTS, True)]
    try:
        homes = [entry.name for entry in machine.list_folder("/Users") if entry.kind is EntryKind.FOLDER]
    except Unreadable:
        homes = []
    folders += [
        (f"/Users/{name}/Library/Logs/DiagnosticReports", False) for name in homes[:HOMES_MAX] if name != "Shared"
    ]
    looked = False
    for folder, opened in folders:
        try:
            found += _in(machine, folder, opened=opened)
            looked = True
        except Unreadable as unreadable:
            refusals.append(unreadable)
    if not looked:
        denied = [item for item in refusals if item.kind is UnreadableKind.DENIED]
        if denied:
            raise Unreadable(f"{denied[0].reason}; {FULL_DISK_ACCESS}", UnreadableKind.DENIED)
        raise Unreadable("this Mac keeps no reports of crashes")
    found.sort(key=lambda report: (report.at_unix_s, report.name))
    return tuple(found[-REPORTS_MAX:])


def crash_name(name: str) -> str | None:
    """The program a report's name tells of; None for one that is no crash."""
    if name.startswith(_NO_CRASH):
        return None
    found = _CRASH.fullmatch(name)
    return None if found is None else printable(found["name"], 64)


def collect_crashes(machine: Machine) -> Crashes:
    crashes = []
    for report in read_reports(machine):
        program = crash_name(report.name)
        if program is not None:
            crashes.append(Crash(program, report.at_unix_s))
    return Crashes(tuple(crashes))


def panic_names(reports: tuple[Report, ...], *, since_unix_s: int) -> tuple[str, ...]:
    names = {report.name for report in reports if _PANIC.fullmatch(report.name) and report.at_unix_s >= since_unix_s}
    return tuple(printable(name, 100) for name in sorted(names))


def parse_jetsam(content: bytes) -> tuple[tuple[str, int | None, int | None], ...]:
    """(program, pid, bytes it held) of those that were ended; without any, the largest one."""
    _, _, rest = content.partition(b"\n")
    try:
        value = mapping(json.loads(rest))
    except (ValueError, RecursionError):
        return ()
    page = number(value.get("pageSize")) or 4096
    ended = []
    for entry in items(value.get("processes"))[:5_000]:
        process = mapping(entry)
        if process.get("reason"):
            pages = number(process.get("rpages"))
            held = pages * page if pages is not None else None
            ended.append((printable(str(process.get("name", "")), 64), number(process.get("pid")), held))
    largest = value.get("largestProcess")
    if not ended and isinstance(largest, str) and largest:
        return ((printable(largest, 64), None, None),)
    return tuple(ended[:20])


def report_events(machine: Machine, reports: tuple[Report, ...], *, now: int) -> Iterator[KernelEvent]:
    """Memory that ran out and graphics that hung, of the last day."""
    recent = [report for report in reports if report.at_unix_s > now - RECENT_S]
    for report in [item for item in recent if _JETSAM.fullmatch(item.name)][-OPENED_MAX:]:
        yield from _jetsam(machine, report)
    for report in [item for item in recent if _GRAPHICS.fullmatch(item.name)][-OPENED_MAX:]:
        shown = printable(report.name)
        yield KernelEvent(KernelEventKind.DRIVER_ERROR, "graphics", report.at_unix_s, shown)


def _jetsam(machine: Machine, report: Report) -> Iterator[KernelEvent]:
    ended: tuple[tuple[str, int | None, int | None], ...] = ()
    if report.opened:
        try:
            ended = parse_jetsam(machine.read_file(report.path, max_bytes=_JETSAM_MAX_BYTES))
        except Unreadable:
            ended = ()  # that it happened is known all the same
    for name, pid, held in ended or (("a program", None, None),):
        line = f"{printable(report.name, 100)}: {name}"
        kind = KernelEventKind.OUT_OF_MEMORY
        yield KernelEvent(kind, name, report.at_unix_s, line, killed_pid=pid, rss_bytes=held)
