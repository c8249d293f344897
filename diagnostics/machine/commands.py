"""The closed list of commands that may be run to read a machine. All of them only read.

Adding one is a decision: it must not change anything, must end by itself, must not ask questions. Arguments
that vary (a unit, a time) are typed and validated here and travel as one argv item each, behind
`--option=`, so that no value can become an option.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from ipaddress import ip_address

from diagnostics.machine import macos_commands
from diagnostics.machine.interface import Command, Unreadable, UnreadableKind
from diagnostics.machine.windows_commands import WINDOWS

_SERVICE_PROPERTIES = (
    "Id,Description,LoadState,ActiveState,SubState,Result,ExecMainStatus,NRestarts,MainPID,UnitFileState,"
    "StateChangeTimestampMonotonic"
)

SERVICES = Command(
    "systemd-services",
    ("systemctl", "show", "--no-pager", f"--property={_SERVICE_PROPERTIES}", "*.service"),
)
USER_SERVICES = Command(
    "systemd-user-services",
    ("systemctl", "--user", "show", "--no-pager", f"--property={_SERVICE_PROPERTIES}", "*.service"),
)
DPKG = Command(
    "dpkg-packages",
    ("dpkg-query", "--show", "--showformat=${Package}\t${Version}\t${Architecture}\t${db:Status-Status}\n"),
)
RPM = Command(
    "rpm-packages",
    ("rpm", "-qa", "--queryformat", "%{NAME}\t%{VERSION}-%{RELEASE}\t%{ARCH}\tinstalled\n"),
)
PACMAN = Command("pacman-packages", ("pacman", "-Q"))
FLATPAK = Command("flatpak-packages", ("flatpak", "list", "--columns=application,version,arch", "--app"))
IP_ADDRESSES = Command("ip-addresses", ("ip", "-json", "-statistics", "address", "show"))
IP_ROUTES = Command("ip-routes", ("ip", "-json", "route", "show"))
RESOLVECTL = Command("resolvectl-status", ("resolvectl", "--no-pager", "status"))
BLOCK_DEVICES = Command(
    "block-devices",
    ("lsblk", "--json", "--bytes", "--output", "NAME,TYPE,SIZE,FSTYPE,MOUNTPOINT,ROTA,RO,MODEL"),
)
# Asked only so that they can be taken out of what leaves: serial numbers of disks, names of Wi-Fi networks.
DISK_SERIALS = Command("disk-serials", ("lsblk", "--json", "--nodeps", "--output", "SERIAL,WWN"), timeout_s=3)
CONNECTION_NAMES = Command(
    "connection-names", ("nmcli", "--terse", "--fields", "TYPE,NAME", "connection", "show"), timeout_s=3
)
PCI_DEVICES = Command("pci-devices", ("lspci", "-nn"))
USB_DEVICES = Command("usb-devices", ("lsusb",))
FAILED_UNITS = Command("failed-units", ("systemctl", "list-units", "--no-pager", "--plain", "--full", "--state=failed"))
TIMERS = Command("timers", ("systemctl", "list-timers", "--no-pager", "--all", "--full"))
IP_NEIGHBOURS = Command("ip-neighbours", ("ip", "-json", "neighbour", "show"))
CHRONY = Command("chrony-tracking", ("chronyc", "-c", "tracking"), timeout_s=3)
TIME_SERVICE = Command("time-service", ("timedatectl", "show", "--no-pager"), timeout_s=5)
START_TIME = Command("start-time", ("systemd-analyze", "time", "--no-pager"), timeout_s=5)
PRINTERS = Command("printers", ("lpstat", "-p"), timeout_s=5)
PRINT_JOBS = Command("print-jobs", ("lpstat", "-o"), timeout_s=5)
TIMER_STATES = Command(
    "timer-states",
    (
        "systemctl",
        "show",
        "--no-pager",
        "--property=Id,Description,LoadState,ActiveState,Result,UnitFileState",
        "*.timer",
    ),
)
# `systemctl show` knows loaded units only, and a timer that was enabled and never started is not loaded.
ENABLED_TIMERS = Command(
    "enabled-timers",
    ("systemctl", "list-unit-files", "--no-pager", "--no-legend", "--plain", "--type=timer", "--state=enabled"),
)
METERED = Command(
    "link-metered", ("nmcli", "--terse", "--fields", "GENERAL.METERED,GENERAL.STATE", "device", "show"), timeout_s=3
)
UNAME = Command("uname", ("uname", "-srmv"))

MACOS_VERSION = Command("macos-version", ("sw_vers",))
MACOS_SERVICES = Command("macos-services", ("launchctl", "list"))
MACOS_DNS = Command("macos-dns", ("scutil", "--dns"))
MACOS_ROUTES = Command("macos-routes", ("netstat", "-rn"))
MACOS_HARDWARE = Command("macos-hardware", ("system_profiler", "-detailLevel", "mini", "SPHardwareDataType"))
WINDOWS_NETWORK = Command("windows-network", ("ipconfig", "/all"))
WINDOWS_ROUTES = Command("windows-routes", ("route", "print"))
WINDOWS_SYSTEM = Command("windows-system", ("systeminfo",))

FIXED: Mapping[str, Command] = {
    command.name: command
    for command in (
        SERVICES,
        USER_SERVICES,
        DPKG,
        RPM,
        PACMAN,
        FLATPAK,
        IP_ADDRESSES,
        IP_ROUTES,
        RESOLVECTL,
        BLOCK_DEVICES,
        DISK_SERIALS,
        CONNECTION_NAMES,
        PCI_DEVICES,
        USB_DEVICES,
        FAILED_UNITS,
        TIMERS,
        IP_NEIGHBOURS,
        CHRONY,
        TIME_SERVICE,
        START_TIME,
        TIMER_STATES,
        ENABLED_TIMERS,
        PRINTERS,
        PRINT_JOBS,
        METERED,
        UNAME,
        MACOS_VERSION,
        MACOS_SERVICES,
        MACOS_DNS,
        MACOS_ROUTES,
        MACOS_HARDWARE,
        *macos_commands.FIXED,
        WINDOWS_NETWORK,
        WINDOWS_ROUTES,
        WINDOWS_SYSTEM,
        *WINDOWS.values(),
    )
}

JOURNAL = "journal"
JOURNAL_MAX_LINES = 20_000
_JOURNAL_FIELDS = "PRIORITY,SYSLOG_FACILITY,MESSAGE,_SYSTEMD_UNIT,SYSLOG_IDENTIFIER,UNIT,_SOURCE_MONOTONIC_TIMESTAMP"
# systemd.unit(5): ASCII letters, digits and ":-_.\@", at most 255 characters.
_UNIT = re.compile(r"[A-Za-z0-9:_.\\@-]{1,255}")


def journal(
    *,
    unit: str | None = None,
    since_unix_s: int | None = None,
    until_unix_s: int | None = None,
    least_severity: int = 7,
    max_lines: int = 1000,
    kernel: bool = False,
    user: bool = False,
) -> Command:
    """The newest `max_lines` lines of the journal, oldest first, as one JSON object a line.

    `least_severity` is syslog's number: 3 gives errors and worse. `kernel` reads this boot's kernel messages. `user`:
    `unit` is one of this user's own.
    Raises Unreadable (refused) on an argument outside of its bounds.
    """
    if unit is not None and _UNIT.fullmatch(unit) is None:
        raise Unreadable(f"{unit!r} is not a unit name", UnreadableKind.REFUSED)
    if not 0 <= least_severity <= 7:
        raise Unreadable(f"severity: expected 0 to 7, got {least_severity}", UnreadableKind.REFUSED)
    if not 1 <= max_lines <= JOURNAL_MAX_LINES:
        raise Unreadable(f"lines: expected 1 to {JOURNAL_MAX_LINES}, got {max_lines}", UnreadableKind.REFUSED)
    argv = [
        "journalctl",
        "--no-pager",
        "--quiet",
        "--output=json",
        f"--output-fields={_JOURNAL_FIELDS}",
        f"--lines={max_lines}",
    ]
    if kernel:
        argv += ["--dmesg", "--boot"]
    if least_severity < 7:
        argv.append(f"--priority={least_severity}")
    if unit is not None:
        argv.append(f"--{'user-unit' if user else 'unit'}={unit}")
    if since_unix_s is not None:
        argv.append(f"--since=@{int(since_unix_s)}")
    if until_unix_s is not None:
        argv.append(f"--until=@{int(until_unix_s)}")
    return Command(JOURNAL, tuple(argv))


EVENT_LOG = "windows-event-log"
EVENT_CHANNELS = ("System", "Application")
EVENTS_MAX = 5_000


def event_log(
    channel: str, *, since_unix_s: int, until_unix_s: int | None = None, most_grave_level: int = 5, max_events: int
) -> Command:
    """The newest events of one channel of Windows' event log as XML, newest first.

    `most_grave_level` is Windows' number up to which is asked: 2 gives errors and critical ones. Raises Unreadable
    (refused) on another channel or number.
    """
    if channel not in EVENT_CHANNELS:
        raise Unreadable(f"{channel!r} is not one of {', '.join(EVENT_CHANNELS)}", UnreadableKind.REFUSED)
    if not 1 <= most_grave_level <= 5 or not 1 <= max_events <= EVENTS_MAX:
        raise Unreadable("an event log question out of its bounds", UnreadableKind.REFUSED)
    times = f"@SystemTime>='{_windows_time(since_unix_s)}'"
    if until_unix_s is not None:
        times += f" and @SystemTime<='{_windows_time(until_unix_s)}'"
    # Level 0 is written by programs that name none; Windows shows it as information.
    levels = f"Level>=1 and Level<={most_grave_level}" if most_grave_level < 4 else f"Level<={most_grave_level}"
    return Command(
        EVENT_LOG,
        (
            "wevtutil",
            "query-events",
            channel,
            f"/count:{max_events}",
            "/reversedirection:true",
            "/format:RenderedXml",
            "/unicode:true",
            f"/query:*[System[({levels}) and TimeCreated[{times}]]]",
        ),
    )


def _windows_time(unix_s: int) -> str:
    return datetime.fromtimestamp(int(unix_s), UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z")


_EVENT_QUERY = re.compile(
    r"/query:\*\[System\[\((Level>=1 and )?Level<=[1-5]\) and "
    r"TimeCreated\[@SystemTime>='[0-9TZ:.-]{24}'( and @SystemTime<='[0-9TZ:.-]{24}')?\]\]\]"
)


def _is_event_log(argv: tuple[str, ...]) -> bool:
    return (
        len(argv) == 8
        and argv[:2] == ("wevtutil", "query-events")
        and argv[2] in EVENT_CHANNELS
        and re.fullmatch(r"/count:\d{1,4}", argv[3]) is not None
        and argv[4:7] == ("/reversedirection:true", "/format:RenderedXml", "/unicode:true")
        and _EVENT_QUERY.fullmatch(argv[7]) is not None
    )


SMART, PING, WINDOWS_PING = "smart", "ping-gateway", "windows-ping-gateway"
_DISK = re.compile(r"(?:sd|vd|xvd|hd)[a-z]{1,3}|nvme\d{1,3}n\d{1,3}|mmcblk\d{1,3}")


def smart(disk: str) -> Command:
    """The health of one whole disk; a sleeping one is left asleep. Raises Unreadable (refused) on another name."""
    if _DISK.fullmatch(disk) is None:
        raise Unreadable(f"{disk!r} is not the name of a whole disk", UnreadableKind.REFUSED)
    return Command(SMART, ("smartctl", "--json", "--all", "--nocheck=standby", f"/dev/{disk}"))


def ping(address: str) -> Command:
    """Four packets within a second. Raises Unreadable (refused) on anything but an address."""
    try:
        shown = str(ip_address(address))
    except ValueError:
        raise Unreadable(f"{address!r} is not an address", UnreadableKind.REFUSED) from None
    return Command(PING, ("ping", "-n", "-q", "-c", "4", "-i", "0.25", "-W", "1", shown), timeout_s=6)


def windows_ping(address: str) -> Command:
    """Three packets, one a second, as Windows' own sends them. Raises Unreadable (refused) on another argument."""
    try:
        shown = str(ip_address(address))
    except ValueError:
        raise Unreadable(f"{address!r} is not an address", UnreadableKind.REFUSED) from None
    return Command(WINDOWS_PING, ("ping", "-n", "3", "-w", "1000", shown), timeout_s=8)


UNIT_CONDITIONS = "unit-conditions"


def unit_conditions(unit: str) -> Command:
    """Whether this machine meets the conditions that a unit's file sets; exit code 0 says so (systemd 250 and newer).
    Raises Unreadable (refused) on another name."""
    if _UNIT.fullmatch(unit) is None or unit.startswith("-"):
        raise Unreadable(f"{unit!r} is not a unit name", UnreadableKind.REFUSED)
    return Command(UNIT_CONDITIONS, ("systemd-analyze", "condition", f"--unit={unit}"), timeout_s=5)


ONE_SERVICE = "one-service"


def one_service(unit: str, *, user: bool = False) -> Command:
    """One service by its whole name, loaded or not. Raises Unreadable (refused) on another name."""
    if _UNIT.fullmatch(unit) is None or unit.startswith("-") or not unit.endswith(".service"):
        raise Unreadable(f"{unit!r} is not the name of a service", UnreadableKind.REFUSED)
    argv = (USER_SERVICES if user else SERVICES).argv[:-1]
    return Command(ONE_SERVICE, (*argv, "--", unit))


def _is_about_a_unit(command: Command) -> bool:
    """True for what the two above make for their own last argument."""
    unit = command.argv[-1].removeprefix("--unit=")
    try:
        if command.name == UNIT_CONDITIONS:
            return unit_conditions(unit) == command
        return command in (one_service(unit), one_service(unit, user=True))
    except Unreadable:
        return False


def _is_made_by(make: Callable[[str], Command], command: Command) -> bool:
    """True when the command is what `make` gives for its own last argument."""
    try:
        return make(command.argv[-1].removeprefix("/dev/")) == command
    except Unreadable:
        return False


def is_listed(command: Command) -> bool:
    """True for a command of the list above: the same name and, but for the journal's typed options, the same
    arguments."""
    makers = {SMART: smart, PING: ping, WINDOWS_PING: windows_ping}
    if command.name in makers:
        return _is_made_by(makers[command.name], command)
    if macos_commands.is_made_here(command):
        return True
    if command.name == EVENT_LOG:
        return _is_event_log(command.argv)
    if command.name in (UNIT_CONDITIONS, ONE_SERVICE):
        return _is_about_a_unit(command)
    if command.name == JOURNAL:
        return command.argv[:5] == journal().argv[:5] and all(
            item.startswith(("--lines=", "--priority=", "--unit=", "--user-unit=", "--since=", "--until="))
            or item in ("--dmesg", "--boot")
            for item in command.argv[5:]
        )
    return FIXED.get(command.name) == command
