"""The files a bundle may hold besides logs, by subject: where each comes from, why, and what it may contain.

Three kinds of lines: a file of the machine as it is, the output of a command, an observation as JSON. Adding one is a
line here; `evidence.py` walks the list.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from diagnostics.collectors.agent_self import AGENT_SELF
from diagnostics.collectors.antivirus import ANTIVIRUS
from diagnostics.collectors.boots import BOOTS
from diagnostics.collectors.clock_sync import CLOCK_SYNC
from diagnostics.collectors.contract import EVIDENCE_FILE_MAX_BYTES, LINUX_ONLY, Collector, Personal
from diagnostics.collectors.crashes import CRASHES
from diagnostics.collectors.disk_activity import IO_PRESSURE
from diagnostics.collectors.disk_health import DISK_HEALTH
from diagnostics.collectors.dns import DNS
from diagnostics.collectors.filesystems import FILESYSTEMS
from diagnostics.collectors.kernel_log import KERNEL_LOG, read_kernel_lines
from diagnostics.collectors.listeners import LISTENERS
from diagnostics.collectors.logs import RECENT_S, journal_lines
from diagnostics.collectors.memory import LOAD, MEMORY, MEMORY_PRESSURE
from diagnostics.collectors.network import NETWORK
from diagnostics.collectors.package_log import PACKAGE_LOG
from diagnostics.collectors.printers import PRINTERS
from diagnostics.collectors.processes import collect_processes
from diagnostics.collectors.protection import PROTECTION
from diagnostics.collectors.proxies import PROXIES
from diagnostics.collectors.restart_needed import RESTART_NEEDED
from diagnostics.collectors.sensors import BATTERIES, TEMPERATURES, THROTTLING
from diagnostics.collectors.services import SERVICES
from diagnostics.collectors.sockets import NEIGHBOURS, SOCKETS, TCP_COUNTERS
from diagnostics.collectors.start_time import START_TIME
from diagnostics.collectors.startup_items import STARTUP_ITEMS
from diagnostics.collectors.system import HARDWARE, OPERATING_SYSTEM, PACKAGES
from diagnostics.collectors.timers import TIMERS as TIMER_STATES
from diagnostics.collectors.update_lists import UPDATE_LISTS
from diagnostics.collectors.wireless import WIRELESS
from diagnostics.machine import commands, macos_commands
from diagnostics.machine.interface import Command, Machine, Platform, Unreadable
from diagnostics.machine.line_cut import cut_at_line
from diagnostics.plain_text import printable
from diagnostics.strict_json import dump_json, encode

JOURNAL_LINES = 10_000
EVENT_LINES = 5_000
# Command lines are read for the programs that matter most.
COMMAND_LINES_MAX = 200

_NOTHING: frozenset[Personal] = frozenset()
LOG_TEXT = frozenset(
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


def _typed(path: str, why: str, collector: Collector[object]) -> Line:
    """What a check reads, as a file; its flags and platforms are the collector's own."""
    return Line(path, why, _observed(collector), collector.may_contain, collector.platforms)


def _clock(machine: Machine) -> tuple[bytes, str, bool]:
    return dump_json(encode(machine.clock()), indent=1).encode(), "clock", False


def _kernel(machine: Machine) -> tuple[bytes, str, bool]:
    lines = read_kernel_lines(machine)
    content = "".join(f"[{line.since_boot_s:12.6f}] {line.text}\n" for line in lines).encode()
    if len(content) > EVIDENCE_FILE_MAX_BYTES:
        return cut_at_line(content[-EVIDENCE_FILE_MAX_BYTES:]), "kernel log", True
    return content, "kernel log", False


def _events(machine: Machine) -> tuple[bytes, str, bool]:
    """Windows' event log as lines of JSON: the same ones that a session is shown."""
    now = machine.clock().unix_s
    lines = journal_lines(machine, now=now, since_unix_s=now - RECENT_S, max_lines=EVENT_LINES)
    content = "".join(dump_json(encode(line)) + "\n" for line in lines).encode()
    if len(content) > EVIDENCE_FILE_MAX_BYTES:
        return cut_at_line(content[-EVIDENCE_FILE_MAX_BYTES:]), "event log", True
    return content, "event log", len(lines) >= EVENT_LINES


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
            _typed("system/operating-system.json", "distribution and kernel", OPERATING_SYSTEM),
            Line("system/os-release.txt", "distribution, whole", _file("/etc/os-release"), _NOTHING),
            Line("system/kernel-version.txt", "kernel, whole", _file("/proc/version"), _NOTHING),
            Line("system/load.json", "waiting programs", _observed(LOAD), _NOTHING, ALL),
            Line("system/memory.json", "memory in use", _observed(MEMORY), _NOTHING, ALL),
            _typed("system/memory-pressure.json", "waiting for memory", MEMORY_PRESSURE),
            Line("system/macos-version.txt", "version", _command(commands.MACOS_VERSION), _NOTHING, _MAC),
            Line("system/windows.txt", "version", _command(commands.WINDOWS_SYSTEM), _ADDRESSES, _WINDOWS),
            _typed("system/boots.json", "when it started and how it ended before", BOOTS),
            _typed("system/start-time.json", "how long starting took", START_TIME),
            _typed("system/clock-sync.json", "whether the clock is set by others", CLOCK_SYNC),
            _typed("system/restart-needed.json", "updates that wait for a restart", RESTART_NEEDED),
            _typed("system/crashes.json", "programs that crashed", CRASHES),
            _typed("system/protection.json", "firewall and disk encryption", PROTECTION),
            _typed("system/antivirus.json", "age of the virus signatures", ANTIVIRUS),
            _typed("system/io-pressure.json", "waiting for disks", IO_PRESSURE),
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
            _typed("services/timers.json", "state of each planned job", TIMER_STATES),
            _typed("services/startup-items.json", "what starts by itself", STARTUP_ITEMS),
        ),
    ),
    "packages": (
        "installed software and versions",
        (
            _typed("packages/packages.json", "installed packages", PACKAGES),
            Line("packages/flatpak.txt", "installed flatpaks", _command(commands.FLATPAK), _SOFTWARE),
            _typed("packages/package-log.json", "installed and removed lately", PACKAGE_LOG),
            _typed("packages/update-lists.json", "when updates were last looked for", UPDATE_LISTS),
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
            _typed("disks/health.json", "what the disks say of themselves (SMART)", DISK_HEALTH),
        ),
    ),
    "network": (
        "interfaces, routes, name servers",
        (
            Line("network/network.json", "interfaces and routes", _observed(NETWORK), _ADDRESSES, ALL),
            _typed("network/dns.json", "answers of the name servers", DNS),
            Line("network/resolv.conf.txt", "configured name servers", _file("/etc/resolv.conf"), _ADDRESSES),
            Line("network/resolvectl.txt", "name servers by link", _command(commands.RESOLVECTL), _ADDRESSES),
            Line("network/hosts.txt", "names of this machine's own", _file("/etc/hosts"), _ADDRESSES),
            Line("network/macos-dns.txt", "name servers", _command(commands.MACOS_DNS), _ADDRESSES, _MAC),
            Line("network/macos-routes.txt", "routes", _command(commands.MACOS_ROUTES), _ADDRESSES, _MAC),
            Line("network/windows.txt", "adapters", _command(commands.WINDOWS_NETWORK), _ADDRESSES, _WINDOWS),
            Line("network/windows-routes.txt", "routes", _command(commands.WINDOWS_ROUTES), _ADDRESSES, _WINDOWS),
            _typed("network/sockets.json", "connections by state", SOCKETS),
            _typed("network/tcp-counters.json", "packets sent again", TCP_COUNTERS),
            _typed("network/neighbours.json", "who answers on the local network", NEIGHBOURS),
            _typed("network/listeners.json", "ports that are open", LISTENERS),
            _typed("network/wireless.json", "strength of Wi-Fi", WIRELESS),
            _typed("network/proxies.json", "configured proxies", PROXIES),
        ),
    ),
    "hardware": (
        "processor, firmware, attached devices",
        (
            _typed("hardware/hardware.json", "processor and firmware", HARDWARE),
            Line("hardware/pci.txt", "built-in devices", _command(commands.PCI_DEVICES), _NOTHING),
            Line("hardware/usb.txt", "attached devices", _command(commands.USB_DEVICES), _SERIALS),
            Line("hardware/macos.txt", "model", _command(commands.MACOS_HARDWARE), _SERIALS, _MAC),
            _typed("hardware/temperatures.json", "how hot its parts are", TEMPERATURES),
            _typed("hardware/throttling.json", "how often processors slowed down for heat", THROTTLING),
            _typed("hardware/batteries.json", "charge, wear and cycles", BATTERIES),
            _typed("hardware/printers.json", "printers and what waits for them", PRINTERS),
        ),
    ),
    "kernel": (
        "what the system's core reported since it started",
        (
            Line("logs/kernel.txt", "kernel messages of this boot", _kernel, LOG_TEXT | _SERIALS),
            Line(
                "logs/kernel-events.json",
                "what the system's core reported of memory, disks and devices",
                _observed(KERNEL_LOG),
                KERNEL_LOG.may_contain,
                ALL - LINUX_ONLY,
            ),
        ),
    ),
    "journal": (
        "what programs reported",
        (
            Line(
                "logs/macos-faults.jsonl",
                "faults of the last hour, and errors of programs that are not Apple's",
                _command(macos_commands.FAULTS),
                LOG_TEXT,
                _MAC,
            ),
            Line(
                "logs/macos-kernel.jsonl",
                "what the kernel said of disks and ports within a day",
                _command(macos_commands.KERNEL_LINES),
                LOG_TEXT | _SERIALS,
                _MAC,
            ),
            Line(
                "logs/journal.jsonl",
                f"the newest {JOURNAL_LINES} lines of the journal",
                _command(commands.journal(max_lines=JOURNAL_LINES)),
                LOG_TEXT,
            ),
            Line("logs/events.jsonl", "the newest events of a week", _events, LOG_TEXT, _WINDOWS),
        ),
    ),
    "agent": (
        "what Bellpull itself uses",
        (Line("agent/agent.json", "memory, processor, queue", _observed(AGENT_SELF), _NOTHING, ALL),),
    ),
}
