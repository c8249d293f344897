"""Observations: typed facts read from a machine, frozen, units in the names.

Collectors make them, checks judge them, a session shows them, a bundle carries them. Nothing here decides
anything. Names and paths in them are personal data: they leave the machine only sealed.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


@dataclass(frozen=True, slots=True)
class Filesystem:
    """One filesystem, once, whatever the number of places it is mounted at."""

    mount: str
    device: str
    kind: str
    read_only: bool
    total_bytes: int
    used_bytes: int
    available_bytes: int
    total_inodes: int
    available_inodes: int

    @property
    def used_fraction(self) -> float:
        """As `df` counts: what ordinary users can have is the whole; the reserve of root is nobody's."""
        usable = self.used_bytes + self.available_bytes
        return self.used_bytes / usable if usable > 0 else 0.0


@dataclass(frozen=True, slots=True)
class UnreadSource:
    """A part that could not be read while the rest could."""

    name: str
    reason: str


@dataclass(frozen=True, slots=True)
class Filesystems:
    filesystems: tuple[Filesystem, ...]
    unread: tuple[UnreadSource, ...] = ()


@dataclass(frozen=True, slots=True)
class Memory:
    total_bytes: int
    available_bytes: int
    swap_total_bytes: int
    swap_free_bytes: int

    @property
    def available_fraction(self) -> float:
        return self.available_bytes / self.total_bytes if self.total_bytes > 0 else 1.0


@dataclass(frozen=True, slots=True)
class Stall:
    """Share of time in which work waited for the resource, over the last 10, 60 and 300 s."""

    avg10: float
    avg60: float
    avg300: float


@dataclass(frozen=True, slots=True)
class MemoryPressure:
    """Pressure stall information. `some`: at least one task waited; `full`: nobody could work. `level`: where the
    system tells no shares of time, its own word: 1 normal, 2 warning, 4 critical."""

    some: Stall
    full: Stall
    level: int | None = None


@dataclass(frozen=True, slots=True)
class Load:
    one_minute: float
    five_minutes: float
    fifteen_minutes: float
    cpus: int


@dataclass(frozen=True, slots=True)
class Process:
    """`cpu_fraction` 1.0 is one whole core over `window_s`; `lifetime_cpu_fraction` since the process
    started. `started_ms` after boot: with `pid` it names this process and never a later one."""

    pid: int
    parent_pid: int
    name: str
    user: str
    state: str
    cpu_fraction: float
    lifetime_cpu_fraction: float
    rss_bytes: int
    threads: int
    age_s: float
    started_ms: int = 0


@dataclass(frozen=True, slots=True)
class Processes:
    window_s: float
    processes: tuple[Process, ...]


@dataclass(frozen=True, slots=True)
class Service:
    """A service as its supervisor sees it; the words of systemd, also where launchd or Windows answers."""

    name: str
    description: str
    load_state: str
    active_state: str
    sub_state: str
    result: str
    exit_status: int
    restarts: int
    main_pid: int
    enabled: str
    changed_unix_s: int | None


class KernelEventKind(StrEnum):
    OUT_OF_MEMORY = "out-of-memory"
    HUNG_TASK = "hung-task"
    MACHINE_CHECK = "machine-check"
    FILESYSTEM_ERROR = "filesystem-error"
    DISK_ERROR = "disk-error"
    DRIVER_ERROR = "driver-error"
    MEMORY_EXHAUSTED = "memory-exhausted"


@dataclass(frozen=True, slots=True)
class KernelEvent:
    """One event of the kernel log that matters here. `subject` is the process or component it names. `lasting`: no
    event but a state, and it holds now."""

    kind: KernelEventKind
    subject: str
    at_unix_s: int | None
    line: str
    killed_pid: int | None = None
    rss_bytes: int | None = None
    blocked_s: int | None = None
    limited_by_group: bool = False
    lasting: bool = False


@dataclass(frozen=True, slots=True)
class KernelLog:
    """`lines` is how many were read: zero events out of zero lines proves nothing."""

    lines: int
    events: tuple[KernelEvent, ...]


@dataclass(frozen=True, slots=True)
class ResolverTiming:
    """`code` is the DNS response code name; None when nothing came back, and `error` says why."""

    address: str
    elapsed_s: float
    code: str | None
    error: str | None


@dataclass(frozen=True, slots=True)
class NameResolution:
    default_route: bool
    resolvers: tuple[ResolverTiming, ...]


@dataclass(frozen=True, slots=True)
class AgentSelf:
    rss_bytes: int
    cpu_fraction: float
    running_s: float
    data_folder_bytes: int | None
    queued_items: int | None
    oldest_queued_s: int | None
    last_upload_unix_s: int | None
    knowledge_age_s: int | None


@dataclass(frozen=True, slots=True)
class Interface:
    name: str
    up: bool
    addresses: tuple[str, ...]
    hardware_address: str
    mtu: int
    received_bytes: int
    sent_bytes: int
    errors: int
    drops: int


@dataclass(frozen=True, slots=True)
class Route:
    destination: str
    gateway: str
    interface: str
    metric: int


@dataclass(frozen=True, slots=True)
class Network:
    interfaces: tuple[Interface, ...]
    routes: tuple[Route, ...]
    resolvers: tuple[str, ...]
    search_domains: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Package:
    name: str
    version: str
    architecture: str
    status: str


@dataclass(frozen=True, slots=True)
class Packages:
    """`manager` is the program that answered: dpkg-query, rpm, pacman."""

    manager: str
    packages: tuple[Package, ...]


@dataclass(frozen=True, slots=True)
class Hardware:
    cpu_model: str
    cpus: int
    memory_bytes: int
    vendor: str | None
    product: str | None
    firmware_version: str | None
    firmware_date: str | None
    serial: str | None


@dataclass(frozen=True, slots=True)
class OperatingSystem:
    id: str
    name: str
    version: str
    kernel: str


@dataclass(frozen=True, slots=True)
class LogLine:
    """`severity` is syslog's 0–7. `text` is bounded and printable."""

    at_unix_s: int
    severity: int
    unit: str
    text: str


@dataclass(frozen=True, slots=True)
class Services:
    services: tuple[Service, ...]


@dataclass(frozen=True, slots=True)
class PlaceUse:
    """Space a known folder takes. `complete` False: at least this much. `mount` as `Filesystem.mount`, if known."""

    path: str
    mount: str | None
    allocated_bytes: int
    files: int
    complete: bool


@dataclass(frozen=True, slots=True)
class ConfigFile:
    path: str
    sha256: str
    size_bytes: int


@dataclass(frozen=True, slots=True)
class ConfigFiles:
    files: tuple[ConfigFile, ...]
    unread: tuple[UnreadSource, ...] = ()


@dataclass(frozen=True, slots=True)
class StartupItem:
    """`place` is the folder it lies in, or the registry key; `starts` then is the sum of what it starts."""

    place: str
    name: str
    size_bytes: int
    modified_unix_s: int
    starts: str = ""


@dataclass(frozen=True, slots=True)
class StartupItems:
    items: tuple[StartupItem, ...]


@dataclass(frozen=True, slots=True)
class PackageAction:
    """`verb` is dpkg's: install, upgrade, remove, purge. A version that there is not is empty."""

    at_unix_s: int
    verb: str
    name: str
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class PackageLog:
    actions: tuple[PackageAction, ...]
