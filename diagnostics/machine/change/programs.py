"""The closed list of commands by which remedies change a machine, and how one is run. Implements `ChangingPrograms`.

A line has one argv for each system, typed by hand here, with at most one free part (`{}`): checked against the line's
pattern, never beginning with a dash. No shell, the system's own search path, a fixed environment, a time limit
(`bounded_run.py`). A script of PowerShell is such an argv too; its free part stands in single quotes and holds none.

    worker ── lock ──► command (inherits the lock) ──► ends ──► lock is free
       ╳ killed             │ goes on alone, holds the lock
    next worker ── waits for the lock ──► nothing runs any more: now the state may be read

So a command that outlives a killed worker is waited for and never overtaken; but on Windows, where no handle is
inherited this way: there the next worker knows only that it was begun. The lines for Windows and macOS are written
after their manuals and have not run on such machines; `is_proven` says so to whoever shows them.
"""

from __future__ import annotations

import os
import re
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from diagnostics.machine.change import services
from diagnostics.machine.change.bounded_run import environment_for, run_bounded
from diagnostics.machine.change.interface import Ran
from diagnostics.machine.change.services import ServiceAct, control_service
from diagnostics.machine.interface import ActRefused, Platform
from diagnostics.machine.read.run_command import SYSTEM_PATH, find_on_windows, windows_path
from diagnostics.plain_text import printable

_NAME: Final = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.@:-]{0,99}")
# Windows' own names of connections, in any language: `Ethernet 2`, `vEthernet (Default Switch)`, `Беспроводная сеть`.
_CONNECTION: Final = re.compile(r"[^\W_](?:[\w .()#+-]{0,98}[\w)])?")
_UNIT: Final = re.compile(r"[A-Za-z0-9@:._\\][A-Za-z0-9@:._\\-]{0,199}\.timer")
_JOBS: Final = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,99}-\d{1,9}( [A-Za-z0-9_][A-Za-z0-9_.-]{0,99}-\d{1,9}){0,99}")
#: How long the end of a command that outlived its worker is waited for.
_ORPHAN_S: Final = 60.0
_LOCK: Final = ".command-runs"
#: One empty file for each command that was begun: a worker after a crash must know.
_BEGUN: Final = ".begun-"


@dataclass(frozen=True, slots=True)
class Line:
    """One command. An empty argv: this system has none. `{}` stands for the argument; with `many`, for several."""

    linux: tuple[str, ...] = ()
    windows: tuple[str, ...] = ()
    macos: tuple[str, ...] = ()
    argument: re.Pattern[str] | None = None
    argument_on_windows: re.Pattern[str] | None = None
    many: bool = False
    timeout_s: float = 30.0
    # Through `services.control_service`, which never touches what the agent runs in.
    service: ServiceAct | None = None
    # It changes nothing: only the others are marked as begun.
    reads: bool = False


# Defender's own program lies in no search path; its cmdlet is documented to do the same.
_POWERSHELL = ("powershell", "-NoLogo", "-NoProfile", "-NonInteractive", "-Command")
_SERVICE_SAYS = (  # in systemd's words: .NET's names of states are never translated
    "$s = (Get-Service -Name '{}' -ErrorAction Stop).Status; "
    "if ($s -eq 'Running') {'active'} elseif ($s -eq 'Stopped') {'failed'} else {'activating'}"
)
_MACOS_FIREWALL = "/usr/libexec/ApplicationFirewall/socketfilterfw"
_SHOW = ("systemctl", "--no-pager", "show", "--property=ActiveState", "--value", "--", "{}")
LINES: Final[Mapping[str, Line]] = {
    # --- reading: the state before and after ---
    "service-state": Line(
        (*_SHOW[:-1], "{}.service"), (*_POWERSHELL, _SERVICE_SAYS), argument=_NAME, reads=True
    ),
    "timer-state": Line(_SHOW, argument=_UNIT, reads=True),
    "time-kept": Line(("timedatectl", "show", "--property=NTP", "--value"), reads=True),
    "interface-state": Line(("nmcli", "-g", "GENERAL.STATE", "device", "show", "{}"), argument=_NAME, reads=True),
    "firewall-state": Line(("ufw", "status"), macos=(_MACOS_FIREWALL, "--getglobalstate"), reads=True),
    # CUPS on both.
    "printer-state": Line(("lpstat", "-p", "{}"), macos=("lpstat", "-p", "{}"), argument=_NAME, reads=True),
    "print-jobs": Line(("lpstat", "-o", "{}"), macos=("lpstat", "-o", "{}"), argument=_NAME, reads=True),
    "package-trouble": Line(("dpkg", "--audit"), reads=True),
    "shutdown-planned": Line(("busctl", "get-property", "org.freedesktop.login1", "/org/freedesktop/login1",
                              "org.freedesktop.login1.Manager", "ScheduledShutdown"), reads=True),
    # --- changing ---
    "service-restart": Line(
        ("systemctl", "restart", "--", "{}"),
        (*_POWERSHELL, "Restart-Service -Name '{}' -ErrorAction Stop"),
        argument=_NAME,
        service=ServiceAct.RESTART,
        timeout_s=60,
    ),
    "spooler-restart": Line(
        ("systemctl", "--no-ask-password", "restart", "--", "cups.service"),
        (*_POWERSHELL, "Restart-Service -Name 'Spooler' -Force -ErrorAction Stop"),
        ("launchctl", "kickstart", "-k", "system/org.cups.cupsd"),
        timeout_s=60,
    ),
    "service-stop": Line(("systemctl", "stop", "--", "{}"), argument=_NAME, service=ServiceAct.STOP),
    "service-start": Line(("systemctl", "start", "--", "{}"), argument=_NAME, service=ServiceAct.START),
    "timer-start": Line(("systemctl", "--no-ask-password", "start", "--", "{}"), argument=_UNIT),
    "timer-stop": Line(("systemctl", "--no-ask-password", "stop", "--", "{}"), argument=_UNIT),
    "flush-dns": Line(("resolvectl", "flush-caches"), ("ipconfig", "/flushdns"), ("dscacheutil", "-flushcache")),
    "clock-step": Line(("chronyc", "makestep"), ("w32tm", "/resync"), ("sntp", "-sS", "time.apple.com")),
    "keep-time": Line(("timedatectl", "--no-ask-password", "set-ntp", "true")),
    "leave-time": Line(("timedatectl", "--no-ask-password", "set-ntp", "false")),
    "renew-address": Line(
        ("nmcli", "device", "reapply", "{}"),
        ("ipconfig", "/renew", "{}"),
        ("ipconfig", "set", "{}", "DHCP"),
        argument=_NAME,
        argument_on_windows=_CONNECTION,
        timeout_s=60,
    ),
    "interface-connect": Line(("nmcli", "device", "connect", "{}"), argument=_NAME, timeout_s=60),
    "interface-disconnect": Line(("nmcli", "device", "disconnect", "{}"), argument=_NAME),
    "firewall-on": Line(("ufw", "--force", "enable"), macos=(_MACOS_FIREWALL, "--setglobalstate", "on")),
    "firewall-off": Line(("ufw", "disable"), macos=(_MACOS_FIREWALL, "--setglobalstate", "off")),
    "printer-on": Line(("cupsenable", "{}"), macos=("cupsenable", "{}"), argument=_NAME),
    "printer-off": Line(("cupsdisable", "{}"), macos=("cupsdisable", "{}"), argument=_NAME),
    "cancel-jobs": Line(("cancel", "{}"), macos=("cancel", "{}"), argument=_JOBS, many=True),
    "package-repair": Line(
        ("dpkg", "--force-confdef", "--force-confold", "--configure", "--pending"), timeout_s=600
    ),
    "update-lists": Line(("apt-get", "--quiet", "update"), timeout_s=300),
    "update-signatures": Line(("freshclam", "--quiet"), (*_POWERSHELL, "Update-MpSignature"), timeout_s=300),
    "restart-at-night": Line(("shutdown", "-r", "03:30")),
    "restart-not": Line(("shutdown", "-c")),
}  # fmt: skip


def argv_of(line: str, argument: str, platform: Platform) -> tuple[str, ...]:
    """The command with its checked argument. Pure. Raises ActRefused."""
    known = LINES.get(line)
    if known is None:
        raise ActRefused(f"{line[:40]!r} is not on the list of commands")
    match platform:
        case Platform.LINUX:
            argv = known.linux
        case Platform.WINDOWS:
            argv = known.windows
        case Platform.MACOS:
            argv = known.macos
    if not argv:
        raise ActRefused(f"there is no command for this on {platform.value}")
    pattern = known.argument
    if platform is Platform.WINDOWS and known.argument_on_windows is not None:
        pattern = known.argument_on_windows
    if pattern is None:
        if argument:
            raise ActRefused(f"{argv[0]} takes no argument here")
        return argv
    if pattern.fullmatch(argument) is None:
        raise ActRefused(f"that is no argument for {argv[0]}")
    if known.service is not None and argument.lower().startswith("bellpull"):
        raise ActRefused(f"{argument} is what this agent runs in; it does not control itself")
    if known.many:
        return tuple(part for item in argv for part in (argument.split(" ") if item == "{}" else [item]))
    return tuple(item.replace("{}", argument) for item in argv)


class SystemPrograms:
    """On this machine. `folder`: where the lock lies while a command runs (the run's own quarantine); `path`: where
    programs are found, another one in tests only; so with `find`, how a name becomes a program on Windows."""

    def __init__(
        self,
        platform: Platform,
        folder: str,
        *,
        path: str | None = None,
        find: Callable[[str], str] = find_on_windows,
    ) -> None:
        self._platform = platform
        self._folder = folder
        self._path = path
        self._find_on_windows = find

    @property
    def is_proven(self) -> bool:
        """Whether the lines have run on real machines of this system."""
        return self._platform is Platform.LINUX

    def shown(self, line: str, argument: str = "") -> str:
        argv = argv_of(line, argument, self._platform)
        self._find(argv[0])
        return " ".join(argv)

    def run(self, line: str, argument: str = "") -> Ran:
        argv = argv_of(line, argument, self._platform)
        known = LINES[line]
        self._mark(line)
        if known.service is not None and self._platform is Platform.LINUX:
            service = control_service(argument, known.service, user=False, run=self._as_services_run)
            return Ran(0, service.active_state.encode(), b"")
        return self._locked(argv, known.timeout_s)

    def begun(self, line: str) -> bool:
        return (Path(self._folder) / (_BEGUN + line)).exists()

    def forget(self) -> None:
        for mark in Path(self._folder).glob(_BEGUN + "*"):
            mark.unlink(missing_ok=True)

    def _mark(self, line: str) -> None:
        if LINES[line].reads or not os.path.isdir(self._folder):
            return
        (Path(self._folder) / (_BEGUN + line)).touch()
        if sys.platform != "win32":
            folder = os.open(self._folder, os.O_RDONLY)
            try:
                os.fsync(folder)
            finally:
                os.close(folder)

    def wait_for_orphan(self) -> None:
        if not _LOCKS or not (Path(self._folder) / _LOCK).exists():
            return
        handle = _lock(Path(self._folder) / _LOCK, _ORPHAN_S)
        os.close(handle)
        (Path(self._folder) / _LOCK).unlink(missing_ok=True)

    def _as_services_run(self, command: Sequence[str], timeout_s: float) -> services.Ran:
        """systemctl holds the lock too: it waits for systemd's job, so the job is over when the lock is free."""
        ran = self._locked(tuple(command), timeout_s)
        return services.Ran(ran.exit_code, ran.stdout, ran.stderr)

    def _find(self, name: str) -> str:
        if self._platform is Platform.WINDOWS:
            try:
                return self._find_on_windows(name)
            except FileNotFoundError:
                raise ActRefused(f"the program {name} is not installed here") from None
        # Some of macOS' programs lie where no search path leads; the list names them whole.
        if name.startswith("/") and os.access(name, os.X_OK):
            return name
        for folder in (self._path or SYSTEM_PATH).split(":"):
            if os.access(found := f"{folder}/{name}", os.X_OK):
                return found
        raise ActRefused(f"the program {name} is not installed here")

    def _locked(self, argv: tuple[str, ...], timeout_s: float) -> Ran:
        program = self._find(argv[0])
        on_windows = self._platform is Platform.WINDOWS
        path = self._path or (windows_path() if on_windows else SYSTEM_PATH)
        environment = environment_for(self._platform, path, os.environ)
        # A preview reads, and has no folder yet.
        if on_windows or not _LOCKS or not os.path.isdir(self._folder):
            return run_bounded(program, argv, environment, timeout_s)
        lock = Path(self._folder) / _LOCK
        handle = _lock(lock, _ORPHAN_S)
        try:
            return run_bounded(program, argv, environment, timeout_s, (handle,))
        finally:
            lock.unlink(missing_ok=True)
            os.close(handle)


def words_of(ran: Ran) -> str:
    """What a command said went wrong, for people."""
    said = (ran.stderr.strip() or ran.stdout.strip()).split(b"\n")[0]
    return printable(said) or f"it ended with code {ran.exit_code}"


#: flock(2) goes with an inherited handle on Linux and macOS alike.
_LOCKS: Final = sys.platform != "win32"
_lock: Callable[[Path, float], int]
if sys.platform != "win32":
    import fcntl

    def _take_lock(path: Path, within_s: float) -> int:
        """An open handle that holds the lock; whoever inherits it holds it too."""
        handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        until = time.monotonic() + within_s
        while True:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                if time.monotonic() >= until:
                    os.close(handle)
                    raise OSError("a command of an earlier worker is still running") from None
                time.sleep(0.1)
            else:
                return handle

else:

    def _take_lock(path: Path, within_s: float) -> int:
        raise ActRefused("commands are not locked on Windows in this version")


_lock = _take_lock
