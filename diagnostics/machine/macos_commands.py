"""macOS' part of the closed list in `commands.py`: the same rules, in a file of its own.

All of them only read, ask nothing and end by themselves. `softwareupdate` lists what the system found at its own last
search and searches for nothing itself (`--no-scan`); `sntp` asks the time server this Mac is set to, and does not set
the clock. Programs that lie outside of the search path are named whole.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from ipaddress import IPv4Address

from diagnostics.machine.interface import Command, Unreadable, UnreadableKind

DISKS = Command("macos-disks", ("diskutil", "list", "-plist", "physical"))
DISK_DRIVERS = Command("macos-disk-drivers", ("ioreg", "-a", "-r", "-c", "IOBlockStorageDriver", "-w", "0"))
BATTERY = Command("macos-battery", ("ioreg", "-a", "-r", "-c", "AppleSmartBattery", "-w", "0"), timeout_s=5)
HEAT = Command("macos-heat", ("pmset", "-g", "therm"), timeout_s=5)
SENSORS = Command("macos-sensors", ("powermetrics", "-n", "1", "-i", "200", "--samplers", "smc"), timeout_s=5)
VIRTUAL_MEMORY = Command("macos-virtual-memory", ("vm_stat",), timeout_s=3)
MEMORY_LEVEL = Command("macos-memory-level", ("sysctl", "-n", "kern.memorystatus_vm_pressure_level"), timeout_s=3)
PORT_RANGE = Command(
    "macos-port-range", ("sysctl", "-n", "net.inet.ip.portrange.first", "net.inet.ip.portrange.last"), timeout_s=3
)
CONNECTIONS = Command("macos-connections", ("netstat", "-an", "-p", "tcp"), timeout_s=5)
TCP_COUNTERS = Command("macos-tcp-counters", ("netstat", "-s", "-p", "tcp"), timeout_s=5)
NEIGHBOURS = Command("macos-neighbours", ("arp", "-an"), timeout_s=5)
PROXY = Command("macos-proxy", ("scutil", "--proxy"), timeout_s=5)
WIRELESS = Command("macos-wireless", ("system_profiler", "-json", "SPAirPortDataType"))
HARDWARE = Command("macos-hardware-json", ("system_profiler", "-json", "SPHardwareDataType"))
KERNEL_NAME = Command("macos-kernel", ("uname", "-sr"), timeout_s=3)
RECEIPTS = Command("macos-receipts", ("pkgutil", "--pkgs"), timeout_s=5)
UPDATES = Command("macos-updates", ("softwareupdate", "--list", "--no-scan"))
BACKUP_LATEST = Command("macos-backup-latest", ("tmutil", "latestbackup"))
BACKUP_PLACES = Command("macos-backup-places", ("tmutil", "destinationinfo"), timeout_s=5)
FIREWALL = Command(
    "macos-firewall", ("/usr/libexec/ApplicationFirewall/socketfilterfw", "--getglobalstate"), timeout_s=5
)
FILEVAULT = Command("macos-filevault", ("fdesetup", "status"), timeout_s=5)
NETWORK_TIME = Command("macos-network-time", ("systemsetup", "-getusingnetworktime"), timeout_s=5)
BOOTS = Command("macos-boots", ("last", "reboot", "shutdown"), timeout_s=5)
JOBS_OFF = Command("macos-jobs-off", ("launchctl", "print-disabled", "system"), timeout_s=5)
# Asked only so that they can be taken out of what leaves.
COMPUTER_NAME = Command("macos-computer-name", ("scutil", "--get", "ComputerName"), timeout_s=3)
KNOWN_NETWORKS = Command("macos-known-networks", ("networksetup", "-listpreferredwirelessnetworks", "en0"), timeout_s=5)

_LOG = ("log", "show", "--style", "ndjson", "--no-pager")
# Apple's own programs report errors by the thousand on a healthy Mac; their faults, and errors of others, are rare.
NOTABLE = 'messageType == "fault" OR (messageType == "error" AND NOT subsystem BEGINSWITH "com.apple.")'
FAULTS = Command("macos-faults", (*_LOG, "--last", "1h", "--predicate", NOTABLE))
_KERNEL_WORDS = ("I/O error", "apfs_", "hfs:", "failed to address device", "persistent enumeration", "overcurrent")
KERNEL_WORDS = " OR ".join(f'eventMessage CONTAINS "{words}"' for words in _KERNEL_WORDS)
KERNEL_LINES = Command(
    "macos-kernel-lines", (*_LOG, "--last", "24h", "--predicate", f'process == "kernel" AND ({KERNEL_WORDS})')
)

FIXED: tuple[Command, ...] = (
    DISKS,
    DISK_DRIVERS,
    BATTERY,
    HEAT,
    SENSORS,
    VIRTUAL_MEMORY,
    MEMORY_LEVEL,
    PORT_RANGE,
    CONNECTIONS,
    TCP_COUNTERS,
    NEIGHBOURS,
    PROXY,
    WIRELESS,
    HARDWARE,
    KERNEL_NAME,
    RECEIPTS,
    UPDATES,
    BACKUP_LATEST,
    BACKUP_PLACES,
    FIREWALL,
    FILEVAULT,
    NETWORK_TIME,
    BOOTS,
    JOBS_OFF,
    COMPUTER_NAME,
    KNOWN_NETWORKS,
    FAULTS,
    KERNEL_LINES,
)

DISK, JOB, RECEIPT, TIME_SERVER, PING, LOG = (
    "macos-disk",
    "macos-job",
    "macos-receipt",
    "macos-time-server",
    "macos-ping",
    "macos-log",
)
_DISK = re.compile(r"disk\d{1,3}")
# launchd.plist(5) sets no letters; a label of other ones is not asked for.
_LABEL = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,199}")
_HOST = re.compile(r"(?=.{1,253}\Z)[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?")
_PROCESS = re.compile(r"[A-Za-z0-9][A-Za-z0-9 ._-]{0,63}")
# There are no warnings in that log: who asks for them gets errors.
_TYPES = {4: ("error", "fault"), 2: ("fault",)}


def _refused(value: str, what: str) -> Unreadable:
    return Unreadable(f"{value!r} is not {what}", UnreadableKind.REFUSED)


def disk(name: str) -> Command:
    if _DISK.fullmatch(name) is None:
        raise _refused(name, "the name of a disk")
    return Command(DISK, ("diskutil", "info", "-plist", name), timeout_s=5)


def job(label: str) -> Command:
    """One job of launchd's system domain."""
    if _LABEL.fullmatch(label) is None:
        raise _refused(label, "a job's label")
    return Command(JOB, ("launchctl", "print", f"system/{label}"), timeout_s=3)


def receipt(package: str) -> Command:
    if _LABEL.fullmatch(package) is None:
        raise _refused(package, "a package's name")
    return Command(RECEIPT, ("pkgutil", "--pkg-info", package), timeout_s=3)


def time_server(host: str) -> Command:
    if _HOST.fullmatch(host) is None:
        raise _refused(host, "a server's name")
    return Command(TIME_SERVER, ("sntp", host), timeout_s=5)


def ping(address: str) -> Command:
    """As `commands.ping`; here the limit of a packet is in milliseconds, and IPv6 has a program of its own."""
    try:
        shown = str(IPv4Address(address))
    except ValueError:
        raise _refused(address, "an IPv4 address") from None
    return Command(PING, ("ping", "-n", "-q", "-c", "4", "-i", "0.25", "-W", "1000", shown), timeout_s=6)


def log_show(since_unix_s: int, until_unix_s: int, *, least_severity: int = 7, process: str | None = None) -> Command:
    """Lines of the unified log between two moments. `process`: of this program alone; else errors are those of NOTABLE.
    Raises Unreadable (refused)."""
    if process is not None and _PROCESS.fullmatch(process) is None:
        raise _refused(process, "the name of a program")
    if not 0 <= since_unix_s <= until_unix_s <= 0xFFFF_FFFF:
        raise Unreadable("a question to the log out of its bounds", UnreadableKind.REFUSED)
    wanted = []
    types = next((names for limit, names in sorted(_TYPES.items()) if least_severity <= limit), ())
    if "error" in types and process is None:
        wanted.append(NOTABLE)
    elif types:
        wanted.append(" OR ".join(f'messageType == "{name}"' for name in types))
    if process is not None:
        wanted.append(f'process == "{process}"')
    predicate = ("--predicate", " AND ".join(f"({item})" for item in wanted)) if wanted else ()
    return Command(LOG, (*_LOG, "--start", _moment(since_unix_s), "--end", _moment(until_unix_s), *predicate))


def _moment(unix_s: int) -> str:
    return datetime.fromtimestamp(int(unix_s), UTC).strftime("%Y-%m-%d %H:%M:%S+0000")


_MOMENT = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\+0000")
_PREDICATE = re.compile(
    r'(\((messageType == "(fault|error)"( OR )?){1,2}\))?( AND )?(\(process == "[A-Za-z0-9][A-Za-z0-9 ._-]{0,63}"\))?'
)


def _is_log(argv: tuple[str, ...]) -> bool:
    head = len(_LOG)
    if len(argv) not in (head + 4, head + 6) or argv[:head] != _LOG:
        return False
    start, first, end, last = argv[head : head + 4]
    if (start, end) != ("--start", "--end") or not (_MOMENT.fullmatch(first) and _MOMENT.fullmatch(last)):
        return False
    rest = argv[head + 4 :]
    if not rest:
        return True
    return rest[0] == "--predicate" and (rest[1] == f"({NOTABLE})" or _PREDICATE.fullmatch(rest[1]) is not None)


_MAKERS: Mapping[str, object] = {DISK: disk, JOB: job, RECEIPT: receipt, TIME_SERVER: time_server, PING: ping}


def is_made_here(command: Command) -> bool:
    """True for a command one of the functions above could have made."""
    if command.name == LOG:
        return _is_log(command.argv)
    make = _MAKERS.get(command.name)
    if not callable(make) or not command.argv:
        return False
    try:
        return bool(make(command.argv[-1].removeprefix("system/")) == command)
    except Unreadable:
        return False
