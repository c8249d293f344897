"""Everything a bundle may hold, as named files. `collect_evidence` walks the list and never stops at a failure.

Three kinds of lines: a file of the machine as it is, the output of a command, an observation as JSON. Logs are a
list of their own because the machine decides which there are. Everything is raw here; redaction comes after.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass

from diagnostics.collectors.agent_self import AGENT_SELF
from diagnostics.collectors.contract import (
    EVIDENCE_FILE_MAX_BYTES,
    EVIDENCE_TIMEOUT_S,
    LINUX_ONLY,
    CollectedFile,
    Collector,
    Cost,
    EvidenceCollector,
    Personal,
    Privilege,
    Skipped,
    SkipStatus,
)
from diagnostics.collectors.dns import DNS
from diagnostics.collectors.filesystems import FILESYSTEMS
from diagnostics.collectors.kernel_log import read_kernel_lines
from diagnostics.collectors.logs import log_files
from diagnostics.collectors.memory import LOAD, MEMORY, MEMORY_PRESSURE
from diagnostics.collectors.network import NETWORK
from diagnostics.collectors.processes import collect_processes
from diagnostics.collectors.services import SERVICES
from diagnostics.collectors.system import HARDWARE, OPERATING_SYSTEM, PACKAGES
from diagnostics.machine import commands
from diagnostics.machine.interface import Command, Machine, Platform, Unreadable, UnreadableKind
from diagnostics.machine.line_cut import cut_at_line
from diagnostics.plain_text import printable
from diagnostics.strict_json import dump_json, encode

# The logs everybody asks for first get a whole tail, the others share what is left.
MAIN_LOGS = frozenset({"syslog", "messages", "kern.log", "daemon.log", "system.log"})
OTHER_LOG_BYTES = 1024 * 1024
ALL_LOGS_BYTES = 24 * 1024 * 1024
JOURNAL_LINES = 10_000
# Command lines are read for the programs that matter most.
COMMAND_LINES_MAX = 200

_NOTHING: frozenset[Personal] = frozenset()
_LOG_TEXT = frozenset(
    {
        Personal.LOG_TEXT,
        Personal.USER_NAMES,
        Personal.HOST_NAMES,
        Personal.NETWORK_ADDRESSES,
        Personal.FILE_PATHS,
    }
)
_ADDRESSES = frozenset({Personal.NETWORK_ADDRESSES, Personal.HOST_NAMES})
_SOFTWARE = frozenset({Personal.INSTALLED_SOFTWARE})
_SERIALS = frozenset({Personal.SERIAL_NUMBERS})
_PATHS = frozenset({Personal.FILE_PATHS})

Read = Callable[[Machine], tuple[bytes, str, bool]]


@dataclass(frozen=True, slots=True)
class Line:
    """One file of the bundle: `read` gives (content, source, truncated)."""

    path: str
    why: str
    read: Read
    may_contain: frozenset[Personal]
    platforms: frozenset[Platform] = LINUX_ONLY


def _file(path: str) -> Read:
    def read(machine: Machine) -> tuple[bytes, str, bool]:
        content = machine.read_file(path, max_bytes=EVIDENCE_FILE_MAX_BYTES + 1)
        return content[:EVIDENCE_FILE_MAX_BYTES], path, len(content) > EVIDENCE_FILE_MAX_BYTES

    return read


def _command(command: Command) -> Read:
    source = " ".join(command.argv)

    def read(machine: Machine) -> tuple[bytes, str, bool]:
        output = machine.run(command)
        if output.exit_code != 0 and not output.stdout:
            words = printable(output.stderr.strip().split(b"\n")[0])
            raise Unreadable(words or f"{command.argv[0]} ended with code {output.exit_code}")
        content = output.stdout
        if len(content) > EVIDENCE_FILE_MAX_BYTES:
            return cut_at_line(content[-EVIDENCE_FILE_MAX_BYTES:]), source, True
        return content, source, output.truncated

    return read


def _observed(collector: Collector[object]) -> Read:
    def read(machine: Machine) -> tuple[bytes, str, bool]:
        content = dump_json(encode(collector.collect(machine)), indent=1).encode()
        return content[:EVIDENCE_FILE_MAX_BYTES], collector.id, len(content) > EVIDENCE_FILE_MAX_BYTES

    return read


def _clock(machine: Machine) -> tuple[bytes, str, bool]:
    return dump_json(encode(machine.clock()), indent=1).encode(), "clock", False


def _kernel(machine: Machine) -> tuple[bytes, str, bool]:
    lines = read_kernel_lines(machine)
    content = "".join(f"[{line.since_boot_s:12.6f}] {line.text}\n" for line in lines).encode()
    if len(content) > EVIDENCE_FILE_MAX_BYTES:
        return cut_at_line(content[-EVIDENCE_FILE_MAX_BYTES:]), "kernel log", True
    return content, "kernel log", False


def _processes(machine: Machine) -> tuple[bytes, str, bool]:
    seen = collect_processes(machine)
    rows: list[object] = []
    for index, process in enumerate(seen.processes):
        row = encode(process)
        assert isinstance(row, dict)  # noqa: S101 — a dataclass encodes to an object
        if index < COMMAND_LINES_MAX:
            try:
                row["command_line"] = list(machine.command_line(process.pid))
            except Unreadable as unreadable:
                row["command_line_unreadable"] = unreadable.reason
        rows.append(row)
    content = dump_json({"window_s": seen.window_s, "processes": rows}, indent=1).encode()
    return content[:EVIDENCE_FILE_MAX_BYTES], "processes", len(content) > EVIDENCE_FILE_MAX_BYTES


ALL = frozenset(Platform)
_MAC, _WINDOWS = frozenset({Platform.MACOS}), frozenset({Platform.WINDOWS})

SUBJECTS: Mapping[str, tuple[str, tuple[Line, ...]]] = {
    "system": (
        "which system this is and since when it runs",
        (
            Line("system/clock.json", "time and last boot", _clock, _NOTHING, ALL),
            Line("system/operating-system.json", "distribution and kernel", _observed(OPERATING_SYSTEM), _NOTHING),
            Line("system/os-release.txt", "distribution, whole", _file("/etc/os-release"), _NOTHING),
            Line("system/kernel-version.txt", "kernel, whole", _file("/proc/version"), _NOTHING),
            Line("system/load.json", "waiting programs", _observed(LOAD), _NOTHING, ALL),
            Line("system/memory.json", "memory in use", _observed(MEMORY), _NOTHING, ALL),
            Line("system/memory-pressure.json", "waiting for memory", _observed(MEMORY_PRESSURE), _NOTHING),
            Line("system/macos-version.txt", "version", _command(commands.MACOS_VERSION), _NOTHING, _MAC),
            Line("system/windows.txt", "version", _command(commands.WINDOWS_SYSTEM), _ADDRESSES, _WINDOWS),
        ),
    ),
    "processes": (
        "what is running and what it uses",
        (
            Line(
                "processes/processes.json",
                "programs with processor and memory use",
                _processes,
                frozenset({Personal.USER_NAMES, Personal.COMMAND_LINES, Personal.FILE_PATHS}),
                ALL,
            ),
        ),
    ),
    "services": (
        "background services and timers",
        (
            Line("services/services.json", "state of each service", _observed(SERVICES), _SOFTWARE, ALL),
            Line("services/timers.txt", "planned jobs", _command(commands.TIMERS), _SOFTWARE),
            Line("services/launchd.txt", "jobs of launchd", _command(commands.MACOS_SERVICES), _SOFTWARE, _MAC),
        ),
    ),
    "packages": (
        "installed software and versions",
        (
            Line("packages/packages.json", "installed packages", _observed(PACKAGES), _SOFTWARE),
            Line("packages/flatpak.txt", "installed flatpaks", _command(commands.FLATPAK), _SOFTWARE),
        ),
    ),
    "disks": (
        "filesystems and disks",
        (
            Line("disks/filesystems.json", "space and inodes", _observed(FILESYSTEMS), _PATHS, ALL),
            Line("disks/mounts.txt", "mount table", _file("/proc/self/mountinfo"), _PATHS),
            Line("disks/fstab.txt", "configured mounts", _file("/etc/fstab"), _PATHS | _ADDRESSES),
            Line("disks/block-devices.json", "disks and partitions", _command(commands.BLOCK_DEVICES), _SERIALS),
            Line("disks/diskstats.txt", "counters of each disk", _file("/proc/diskstats"), _NOTHING),
        ),
    ),
    "network": (
        "interfaces, routes, name servers",
        (
            Line("network/network.json", "interfaces and routes", _observed(NETWORK), _ADDRESSES, ALL),
            Line("network/dns.json", "answers of the name servers", _observed(DNS), _ADDRESSES),
            Line("network/resolv.conf.txt", "configured name servers", _file("/etc/resolv.conf"), _ADDRESSES),
            Line("network/resolvectl.txt", "name servers by link", _command(commands.RESOLVECTL), _ADDRESSES),
            Line("network/hosts.txt", "names of this machine's own", _file("/etc/hosts"), _ADDRESSES),
            Line("network/macos-dns.txt", "name servers", _command(commands.MACOS_DNS), _ADDRESSES, _MAC),
            Line("network/macos-routes.txt", "routes", _command(commands.MACOS_ROUTES), _ADDRESSES, _MAC),
            Line("network/windows.txt", "adapters", _command(commands.WINDOWS_NETWORK), _ADDRESSES, _WINDOWS),
            Line("network/windows-routes.txt", "routes", _command(commands.WINDOWS_ROUTES), _ADDRESSES, _WINDOWS),
        ),
    ),
    "hardware": (
        "processor, firmware, attached devices",
        (
            Line("hardware/hardware.json", "processor and firmware", _observed(HARDWARE), _SERIALS),
            Line("hardware/pci.txt", "built-in devices", _command(commands.PCI_DEVICES), _NOTHING),
            Line("hardware/usb.txt", "attached devices", _command(commands.USB_DEVICES), _SERIALS),
            Line("hardware/macos.txt", "model", _command(commands.MACOS_HARDWARE), _SERIALS, _MAC),
        ),
    ),
    "kernel": (
        "what the system's core reported since it started",
        (Line("logs/kernel.txt", "kernel messages of this boot", _kernel, _LOG_TEXT | _SERIALS),),
    ),
    "journal": (
        "what programs reported",
        (
            Line(
                "logs/journal.jsonl",
                f"the newest {JOURNAL_LINES} lines of the journal",
                _command(commands.journal(max_lines=JOURNAL_LINES)),
                _LOG_TEXT,
            ),
            Line("logs/windows-system.txt", "newest events", _command(commands.WINDOWS_EVENTS), _LOG_TEXT, _WINDOWS),
        ),
    ),
    "agent": (
        "what Bellpull itself uses",
        (Line("agent/agent.json", "memory, processor, queue", _observed(AGENT_SELF), _NOTHING, ALL),),
    ),
}
LOGS_WHY = "the ends of the log files that changed within a week"


def _lines(machine: Machine, subject: str) -> Iterator[CollectedFile | Skipped]:
    for line in SUBJECTS[subject][1]:
        if machine.platform in line.platforms:
            yield _one(machine, subject, line)


def _one(machine: Machine, subject: str, line: Line) -> CollectedFile | Skipped:
    started_s = time.monotonic()

    def passed_ms() -> int:
        return round((time.monotonic() - started_s) * 1000)

    try:
        content, source, truncated = line.read(machine)
        if not content:
            raise Unreadable(f"{source} is empty, or keeps its content from this user")
    except Unreadable as unreadable:
        status = SkipStatus.TIMEOUT if unreadable.kind is UnreadableKind.TIMEOUT else SkipStatus.SKIPPED
        return Skipped(line.path, subject, status, unreadable.reason, passed_ms())
    except Exception as error:  # noqa: BLE001 — one broken reader must not cost the others' evidence
        words = printable(f"{type(error).__name__}: {error}", 200)
        return Skipped(line.path, subject, SkipStatus.FAILED, words, passed_ms())
    return CollectedFile(line.path, content, line.why, subject, source, truncated, line.may_contain, passed_ms())


def _logs(machine: Machine, now: int) -> Iterator[CollectedFile | Skipped]:
    """One file at a time, so that memory holds one tail at a time."""
    left = ALL_LOGS_BYTES
    try:
        files = log_files(machine, now=now)
    except Unreadable as unreadable:
        yield Skipped("logs/files", "logs", SkipStatus.SKIPPED, unreadable.reason, 0)
        return
    for file in sorted(files, key=lambda item: (item.name not in MAIN_LOGS, -item.modified_unix_s)):
        most = min(left, EVIDENCE_FILE_MAX_BYTES if file.name in MAIN_LOGS else OTHER_LOG_BYTES)
        path = f"logs/files/{file.name}"
        if most <= 0:
            reason = f"all logs together are cut at {ALL_LOGS_BYTES // 2**20} MiB"
            yield Skipped(path, "logs", SkipStatus.SKIPPED, reason, 0)
            continue

        def read(machine: Machine, source: str = file.path, most: int = most) -> tuple[bytes, str, bool]:
            tail = machine.read_tail(source, max_bytes=most)
            return tail.content, source, tail.truncated

        got = _one(machine, "logs", Line(path, f"log file, changed lately: {file.name}", read, _LOG_TEXT))
        if isinstance(got, CollectedFile):
            left -= len(got.content)
        yield got


def evidence_catalogue(now: int) -> tuple[EvidenceCollector, ...]:
    """The subjects in the order they are collected: small and telling ones first."""

    def reader(subject: str) -> Callable[[Machine], Iterator[CollectedFile | Skipped]]:
        return lambda machine: _lines(machine, subject)

    collectors = [
        EvidenceCollector(
            id=subject,
            why=why,
            collect=reader(subject),
            may_contain=frozenset().union(*(line.may_contain for line in lines)),
            cost=Cost.MODERATE,
            privilege=Privilege.LOG_READER if subject in ("kernel", "journal") else Privilege.ANYONE,
        )
        for subject, (why, lines) in SUBJECTS.items()
    ]
    collectors.append(
        EvidenceCollector(
            id="logs",
            why=LOGS_WHY,
            collect=lambda machine: _logs(machine, now),
            may_contain=_LOG_TEXT,
            cost=Cost.COSTLY,
            privilege=Privilege.LOG_READER,
        )
    )
    return tuple(collectors)


def collect_evidence(
    machine: Machine, *, now: int, only: Collection[str] | None = None
) -> Iterator[CollectedFile | Skipped]:
    """All evidence, or that of the subjects in `only`. Paths are unique. What is not reached within
    EVIDENCE_TIMEOUT_S is skipped as timed out. Raises ValueError on an unknown subject; nothing else."""
    catalogue = evidence_catalogue(now)
    unknown = sorted(set(only or ()) - {collector.id for collector in catalogue})
    if unknown:
        known = ", ".join(collector.id for collector in catalogue)
        raise ValueError(f"there is no subject {unknown[0]!r}; there are {known}")
    return _collect(machine, tuple(item for item in catalogue if only is None or item.id in only))


def _collect(machine: Machine, collectors: tuple[EvidenceCollector, ...]) -> Iterator[CollectedFile | Skipped]:
    deadline_s = time.monotonic() + EVIDENCE_TIMEOUT_S
    for collector in collectors:
        if time.monotonic() > deadline_s:
            reason = f"collecting took longer than {EVIDENCE_TIMEOUT_S:g} s"
            yield Skipped(collector.id, collector.id, SkipStatus.TIMEOUT, reason, 0)
            continue
        if machine.platform not in collector.platforms:
            continue
        for item in collector.collect(machine):
            yield item
            if time.monotonic() > deadline_s:
                break
