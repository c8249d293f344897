"""Observations of the running system: boots, crashes, open files, sockets, clock, protection. As `observations.py`."""

from __future__ import annotations

from dataclasses import dataclass

from diagnostics.machine.interface import ProcessFiles
from diagnostics.observations import LogLine, UnreadSource


@dataclass(frozen=True, slots=True)
class Fstab:
    """Configured mounts: mount point → options."""

    options: dict[str, tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class OpenFiles:
    processes: tuple[ProcessFiles, ...]


@dataclass(frozen=True, slots=True)
class RestartNeeded:
    """`required`: the package system left its mark. `newer_kernel` is installed and not the running one. `waiting`:
    updates that are not installed yet and will be while the machine restarts."""

    required: bool
    packages: tuple[str, ...]
    running_kernel: str
    newer_kernel: str | None
    waiting: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Boot:
    """`clean`: the session before this boot was shut down; None for the oldest one known."""

    at_unix_s: int
    clean: bool | None


@dataclass(frozen=True, slots=True)
class Boots:
    """`panics`: names of what the kernel saved when it died."""

    boots: tuple[Boot, ...]
    panics: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Crash:
    program: str
    at_unix_s: int


@dataclass(frozen=True, slots=True)
class Crashes:
    crashes: tuple[Crash, ...]


@dataclass(frozen=True, slots=True)
class LogErrors:
    """Error lines of the journal within the last hour. `complete` False: at least so many."""

    lines: int
    complete: bool
    loudest: str
    loudest_lines: int
    sample: str


@dataclass(frozen=True, slots=True)
class Sockets:
    """`ports`: how many local ports outgoing connections may have. `tracked`: connections in the firewall's table."""

    tcp_in_use: int
    tcp_waiting: int
    ports: int
    tracked: int | None
    tracked_max: int | None


@dataclass(frozen=True, slots=True)
class TcpCounters:
    sent_segments: int
    resent_segments: int


@dataclass(frozen=True, slots=True)
class Neighbour:
    address: str
    interface: str
    states: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Neighbours:
    neighbours: tuple[Neighbour, ...]


@dataclass(frozen=True, slots=True)
class Proxies:
    """Proxies of /etc/environment, or of the system's settings under the same names: variable → `host:port`, or None
    for one that names none."""

    proxies: dict[str, str | None]


@dataclass(frozen=True, slots=True)
class ClockSync:
    """`offset_s`: how far the clock is from the servers' time, where that is known."""

    source: str
    synchronised: bool
    enabled: bool
    offset_s: float | None


@dataclass(frozen=True, slots=True)
class Protection:
    """None: this machine does not tell. `firewall` names what filters; empty: nothing does."""

    firewall: str | None
    disk_encrypted: bool | None


@dataclass(frozen=True, slots=True)
class Listeners:
    tcp_ports: frozenset[int]


@dataclass(frozen=True, slots=True)
class StartTime:
    """How long the last start took, in its parts: firmware, loader, kernel, initrd, userspace."""

    parts_s: dict[str, float]


@dataclass(frozen=True, slots=True)
class Antivirus:
    """`signatures_unix_s`: when the newest signatures were written. `enabled`: whether it guards; `outdated`: its own
    word where there is no date. None: not told."""

    name: str
    signatures_unix_s: int | None
    enabled: bool | None = None
    outdated: bool | None = None


@dataclass(frozen=True, slots=True)
class Printers:
    """`disabled`: printers that take no jobs to paper; `waiting`: jobs by printer."""

    disabled: tuple[str, ...]
    waiting: dict[str, int]


@dataclass(frozen=True, slots=True)
class GatewayEcho:
    """`average_s` None: nothing came back."""

    gateway: str
    sent: int
    received: int
    average_s: float | None


@dataclass(frozen=True, slots=True)
class FailedUpdate:
    """An update whose last try failed, with the installer's own code."""

    title: str
    code: str
    times: int


@dataclass(frozen=True, slots=True)
class UpdateLists:
    """When this machine last fetched the list of updates. `manager` is the package manager whose list it is.
    `waiting` and `failed`: titles, where the manager tells them without being asked to search."""

    manager: str
    fetched_unix_s: int
    waiting: tuple[str, ...] = ()
    failed: tuple[FailedUpdate, ...] = ()


@dataclass(frozen=True, slots=True)
class Timer:
    """A planned job, in systemd's words."""

    name: str
    description: str
    active_state: str
    result: str
    enabled: str


@dataclass(frozen=True, slots=True)
class Timers:
    timers: tuple[Timer, ...]


@dataclass(frozen=True, slots=True)
class FolderSize:
    """`complete` False: not walked to its end, the true size is larger."""

    path: str
    allocated_bytes: int
    files: int
    complete: bool


@dataclass(frozen=True, slots=True)
class FolderSizes:
    folders: tuple[FolderSize, ...]


@dataclass(frozen=True, slots=True)
class BackupMark:
    """A backup program's own trace: when it last finished one, and for whom (`anna`, or `system`)."""

    program: str
    owner: str
    newest_unix_s: int


@dataclass(frozen=True, slots=True)
class Backups:
    marks: tuple[BackupMark, ...]


@dataclass(frozen=True, slots=True)
class PortalProbe:
    """`status` 0: no HTTP answer, and `error` says why. `location_host`: where the answer sends a browser."""

    host: str
    status: int
    location_host: str
    error: str


@dataclass(frozen=True, slots=True)
class SeenCertificate:
    """`where`: `desk.example.org:443`, or a file. `trust_error`: why this machine does not trust a server's; empty
    where it does, and for files. `issuer`: the organisation that signed it, or its common name."""

    where: str
    is_server: bool
    subject: str
    issuer: str
    not_before_unix_s: int
    not_after_unix_s: int
    trust_error: str = ""


@dataclass(frozen=True, slots=True)
class Certificates:
    """`unread`: servers that did not answer and files that hold no certificate, with the reason."""

    certificates: tuple[SeenCertificate, ...]
    unread: tuple[UnreadSource, ...]


@dataclass(frozen=True, slots=True)
class LogMessages:
    """Warnings and errors of the last hour, oldest first. `complete` False: there were more."""

    lines: tuple[LogLine, ...]
    complete: bool
