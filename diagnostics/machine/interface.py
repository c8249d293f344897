"""What may be asked of a machine, and what may be done to it.

`Machine` is the reading half: every question is bounded (bytes, seconds) and changes nothing. Three things
answer it alike: `read/{linux,macos,windows}.py` from this machine, `recorded.py` from a folder,
`recording.py` from another machine while writing the folder. `ChangingMachine` is the changing half, for
remedies alone: acts inside one allowed root, by directory handles, never through a symbolic link.

A source that is not there or may not be read raises `Unreadable` with a reason a person can read. It is an
ordinary answer, not a failure: the check becomes `skipped(reason)`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol, runtime_checkable

# Whole small files: the largest we read whole is a dpkg status file, 4 MiB on a full desktop.
FILE_MAX_BYTES = 8 * 1024 * 1024
# One command's standard output; the rest is cut and the answer marked truncated.
OUTPUT_MAX_BYTES = 8 * 1024 * 1024
# One command. Past it the whole process group is killed.
COMMAND_TIMEOUT_S = 10.0


class Platform(StrEnum):
    LINUX = "linux"
    MACOS = "macos"
    WINDOWS = "windows"


class UnreadableKind(StrEnum):
    ABSENT = "absent"  # no such file, program or subsystem here
    DENIED = "denied"  # there, but not for this user
    TIMEOUT = "timeout"  # did not answer within its limit
    REFUSED = "refused"  # outside of what this program allows itself to read
    UNSUPPORTED = "unsupported"  # this platform's reader does not know it yet


class Unreadable(Exception):
    """A source that cannot be read, and why, in words for a person."""

    def __init__(self, reason: str, kind: UnreadableKind = UnreadableKind.ABSENT) -> None:
        super().__init__(reason)
        self.reason = reason
        self.kind = kind


@dataclass(frozen=True, slots=True)
class Clock:
    """`boot_unix_s` is None where the system does not tell."""

    unix_s: int
    boot_unix_s: int | None


@dataclass(frozen=True, slots=True)
class Tail:
    """The end of a file, cut at a line start when `truncated`."""

    content: bytes
    size_bytes: int
    truncated: bool


class EntryKind(StrEnum):
    FILE = "file"
    FOLDER = "folder"
    LINK = "link"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class FolderEntry:
    """One directory entry as lstat sees it. `device` and `inode` say whether it is still the same thing
    later."""

    name: str
    kind: EntryKind
    size_bytes: int
    allocated_bytes: int
    modified_unix_s: int
    owner_uid: int
    links: int
    device: int
    inode: int


@dataclass(frozen=True, slots=True)
class Command:
    """A read-only command of the closed list in `commands.py`. Never a shell string."""

    name: str
    argv: tuple[str, ...]
    timeout_s: float = COMMAND_TIMEOUT_S


@dataclass(frozen=True, slots=True)
class CommandOutput:
    """`stderr` is the first 8 KiB only: enough for a reason."""

    exit_code: int
    stdout: bytes
    stderr: bytes
    truncated: bool


@dataclass(frozen=True, slots=True)
class Space:
    """statvfs in bytes. `free_bytes` counts what is reserved for root, `available_bytes` does not."""

    total_bytes: int
    free_bytes: int
    available_bytes: int
    total_inodes: int
    available_inodes: int


@dataclass(frozen=True, slots=True)
class ProcessNumbers:
    """One process at one moment. `started_s` is seconds after boot and makes (pid, started_s) unique."""

    pid: int
    parent_pid: int
    name: str
    state: str
    cpu_s: float
    rss_bytes: int
    threads: int
    started_s: float
    uid: int


@dataclass(frozen=True, slots=True)
class ProcessSnapshot:
    """All processes at one moment. Two of them, some time apart, make processor use."""

    monotonic_s: float
    uptime_s: float
    processes: tuple[ProcessNumbers, ...]


@dataclass(frozen=True, slots=True)
class ProcessFiles:
    """Open files (handles on Windows) of one process. `limit` None: none, or not looked up as it is far away."""

    pid: int
    name: str
    open_files: int
    limit: int | None


@dataclass(frozen=True, slots=True)
class ResolverReply:
    """One resolver's answer to one query. `reply` is None when nothing came; `error` then says why."""

    address: str
    reply: bytes | None
    elapsed_s: float
    error: str | None = None


@dataclass(frozen=True, slots=True)
class AgentNumbers:
    """What the agent itself uses. None: not known to the one who asks (a one-shot check has no queue)."""

    rss_bytes: int
    cpu_s: float
    running_s: float
    data_folder_bytes: int | None = None
    queued_items: int | None = None
    oldest_queued_s: int | None = None
    last_upload_unix_s: int | None = None
    knowledge_age_s: int | None = None


class Place(StrEnum):
    """Folders whose size may be asked for. Their content is never read, only counted."""

    USER_CACHE = "user-cache"
    TEMPORARY = "temporary"
    JOURNAL = "journal"


@dataclass(frozen=True, slots=True)
class PlaceSize:
    """`complete` is False when the walk ran out of time or entries: the true size is larger."""

    path: str
    allocated_bytes: int
    files: int
    complete: bool


class Native(StrEnum):
    """Numbers the platform's own calls give as plain JSON values, where there is no file or command to
    read."""

    MOUNTS = "mounts"
    MEMORY = "memory"
    CPU = "cpu"
    INTERFACES = "interfaces"
    SERVICES = "services"
    # Space taken below the folders two steps from the root: `read/folder_sizes.py`.
    FOLDER_SIZES = "folder-sizes"
    # One question to the configured probe address, and the certificates of the configured servers: `read/web.py`.
    PORTAL = "portal"
    SERVER_CERTIFICATES = "server-certificates"


@runtime_checkable
class Machine(Protocol):
    """The reading half. Every method may raise Unreadable; none of them changes anything."""

    @property
    def platform(self) -> Platform: ...

    def clock(self) -> Clock: ...

    def pause(self, seconds: float) -> None:
        """Let time pass between two samples. A recorded machine returns at once."""

    def read_file(self, path: str, *, max_bytes: int = FILE_MAX_BYTES) -> bytes:
        """A whole file of the allow-list (`roots.py`), cut at `max_bytes`."""

    def read_tail(self, path: str, *, max_bytes: int) -> Tail:
        """The end of a file of the allow-list, without reading the rest."""

    def list_folder(self, path: str) -> tuple[FolderEntry, ...]:
        """A folder of the allow-list, sorted by name, at most FOLDER_MAX_ENTRIES."""

    def run(self, command: Command) -> CommandOutput:
        """A command of the closed list. Absent or over its time: Unreadable. A non-zero exit is an answer."""

    def space(self, mount: str) -> Space: ...

    def measure(self, place: Place) -> PlaceSize:
        """Disk space taken below a folder, links not followed, other filesystems not entered."""

    def process_snapshot(self) -> ProcessSnapshot: ...

    def open_files(self) -> tuple[ProcessFiles, ...]:
        """Of the processes this user may look into, sorted by number."""

    def command_line(self, pid: int) -> tuple[str, ...]:
        """The arguments of one process, at most 4 KiB; may hold secrets, never for the published list."""

    def kernel_ring(self) -> bytes:
        """The kernel's ring buffer in /dev/kmsg form, oldest first."""

    def ask_resolvers(self, addresses: Sequence[str], query: bytes, *, timeout_s: float) -> tuple[ResolverReply, ...]:
        """Send one DNS query to each address at once; one reply an address, in that order."""

    def user_names(self) -> Mapping[int, str]:
        """Local users by uid."""

    def native(self, subject: Native) -> object: ...

    def agent(self) -> AgentNumbers: ...


FOLDER_MAX_ENTRIES = 20_000


@dataclass(frozen=True, slots=True)
class FileIdentity:
    """What a remedy saw when it listed a file. An act on a file that is no longer this one is refused."""

    device: int
    inode: int
    size_bytes: int
    modified_unix_s: int


class ActRefused(Exception):
    """The act was not done: the thing is gone, is another thing now, or lies outside of the allowed root."""


class ChangingMachine(Protocol):
    """The changing half: acts of remedies. `root` is an absolute folder the composition allowed for
    this user; `relative` is a path below it without `.`, `..`, empty or absolute parts. Every walk opens
    each part with O_NOFOLLOW by directory handle, so a link planted on the way ends in ActRefused and never
    elsewhere."""

    def list_tree(self, root: str, *, max_entries: int) -> tuple[tuple[str, FolderEntry], ...]:
        """Files below `root` as (relative path, entry), depth first, sorted; links and other file systems are
        listed as entries and never entered."""

    def quarantine(self, root: str, relative: str, seen: FileIdentity, into: str) -> None:
        """Move one regular file to `into/relative` on the same file system, by rename: reversible, frees
        nothing."""

    def restore(self, root: str, relative: str, seen: FileIdentity, out_of: str) -> None:
        """Move it back. Refused when something else has taken its place meanwhile."""

    def remove_file(self, root: str, relative: str, seen: FileIdentity) -> None:
        """Delete one regular file for good."""

    def remove_empty_folders(self, root: str) -> int:
        """Remove folders below `root` that hold nothing; the root itself stays. Returns how many."""
