"""This Linux machine, read.

Everything in the hot path is plain /proc: psutil costs 50 ms to import and some milliseconds a process, and a
health cycle has 0.6 s for everything. What needs a right that is not there says so (`Unreadable`, denied).
"""

from __future__ import annotations

import errno
import os
import sys
import time
from collections.abc import Collection, Mapping, Sequence

from diagnostics.machine.interface import (
    FILE_MAX_BYTES,
    AgentNumbers,
    Clock,
    Command,
    CommandOutput,
    FolderEntry,
    Native,
    Place,
    PlaceSize,
    Platform,
    ProcessFiles,
    ProcessNumbers,
    ProcessSnapshot,
    ResolverReply,
    Space,
    Tail,
    Unreadable,
    UnreadableKind,
)
from diagnostics.machine.own_use import AgentState, folder_bytes
from diagnostics.machine.read import open_inside
from diagnostics.machine.read.folder_sizes import folder_sizes
from diagnostics.machine.read.open_files import count_open_files
from diagnostics.machine.read.places import measure
from diagnostics.machine.read.resolvers import ask_resolvers
from diagnostics.machine.read.run_command import run_command
from diagnostics.machine.read.web import ask_web
from diagnostics.machine.roots import Readable
from diagnostics.plain_text import printable

KERNEL_RING_MAX_BYTES = 4 * 1024 * 1024
# A record of /dev/kmsg: LOG_LINE_MAX is 1 KiB, with its dictionary below 8 KiB (the kernel's own limit).
_KERNEL_RECORD_MAX_BYTES = 8 * 1024
_COMMAND_LINE_MAX_BYTES = 4 * 1024
# pid_max is at most 2^22; nobody healthy has more than this, and a fork bomb must not eat our time.
PROCESSES_MAX = 20_000


class LinuxMachine:
    """Implements `Machine`. `agent_state` is what only the running agent knows about itself; `watched`: settings of
    applications that a watch of the owner names. Every other caller is refused them."""

    def __init__(self, agent_state: AgentState | None = None, watched: Collection[str] = ()) -> None:
        self._readable = Readable(watched)
        self._agent_state = agent_state or AgentState(pid=os.getpid())
        self._ticks_per_s, self._page_bytes = _units()

    @property
    def platform(self) -> Platform:
        return Platform.LINUX

    def clock(self) -> Clock:
        boot = None
        for line in self.read_file("/proc/stat").splitlines():
            if line.startswith(b"btime "):
                boot = int(line.split()[1])
        return Clock(int(time.time()), boot)

    def pause(self, seconds: float) -> None:
        if seconds > 0:
            time.sleep(seconds)

    def read_file(self, path: str, *, max_bytes: int = FILE_MAX_BYTES) -> bytes:
        return open_inside.read_file(path, max_bytes, allowed=self._readable)

    def read_tail(self, path: str, *, max_bytes: int) -> Tail:
        return open_inside.read_tail(path, max_bytes)

    def list_folder(self, path: str) -> tuple[FolderEntry, ...]:
        return open_inside.list_folder(path)

    def run(self, command: Command) -> CommandOutput:
        return run_command(command)

    def space(self, mount: str) -> Space:
        if sys.platform == "win32":
            raise Unreadable("statvfs is not on Windows", UnreadableKind.UNSUPPORTED)
        try:
            numbers = os.statvfs(mount)
        except PermissionError:
            raise Unreadable(f"this user may not look at {mount}", UnreadableKind.DENIED) from None
        except OSError as error:
            raise Unreadable(f"{mount}: {os.strerror(error.errno or 0)}") from None
        return Space(
            total_bytes=numbers.f_blocks * numbers.f_frsize,
            free_bytes=numbers.f_bfree * numbers.f_frsize,
            available_bytes=numbers.f_bavail * numbers.f_frsize,
            total_inodes=numbers.f_files,
            available_inodes=numbers.f_favail,
        )

    def measure(self, place: Place) -> PlaceSize:
        return measure(place)

    def process_snapshot(self) -> ProcessSnapshot:
        uptime_s = float(self.read_file("/proc/uptime").split()[0])
        processes = []
        with os.scandir("/proc") as entries:
            for entry in entries:
                if not entry.name.isdigit():
                    continue
                numbers = self._process(entry)
                if numbers is not None:
                    processes.append(numbers)
                if len(processes) >= PROCESSES_MAX:
                    break
        processes.sort(key=lambda process: process.pid)
        return ProcessSnapshot(time.monotonic(), uptime_s, tuple(processes))

    def _process(self, entry: os.DirEntry[str]) -> ProcessNumbers | None:
        """None for a process that ended while we looked."""
        try:
            uid = entry.stat(follow_symlinks=False).st_uid
            with open(f"/proc/{entry.name}/stat", "rb", buffering=0) as file:
                line = file.read(4096)
        except (FileNotFoundError, ProcessLookupError, PermissionError):
            return None
        return parse_stat(line or b"", uid, ticks_per_s=self._ticks_per_s, page_bytes=self._page_bytes)

    def open_files(self) -> tuple[ProcessFiles, ...]:
        return count_open_files()

    def command_line(self, pid: int) -> tuple[str, ...]:
        try:
            with open(f"/proc/{int(pid)}/cmdline", "rb", buffering=0) as file:
                content = file.read(_COMMAND_LINE_MAX_BYTES) or b""
        except (FileNotFoundError, ProcessLookupError):
            raise Unreadable(f"process {pid} has ended") from None
        except PermissionError:
            raise Unreadable(f"this user may not see process {pid}", UnreadableKind.DENIED) from None
        return tuple(part.decode("utf-8", "replace") for part in content.rstrip(b"\0").split(b"\0"))

    def kernel_ring(self) -> bytes:
        if sys.platform == "win32":
            raise Unreadable("there is no /dev/kmsg on Windows", UnreadableKind.UNSUPPORTED)
        try:
            handle = os.open("/dev/kmsg", os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOFOLLOW)
        except PermissionError:
            raise Unreadable("the kernel log is for administrators on this machine", UnreadableKind.DENIED) from None
        except OSError as error:
            raise Unreadable(f"/dev/kmsg: {os.strerror(error.errno or 0)}") from None
        records = []
        left = KERNEL_RING_MAX_BYTES
        try:
            while left > 0:
                try:
                    record = os.read(handle, _KERNEL_RECORD_MAX_BYTES)
                except BlockingIOError:
                    break  # the newest record has been read
                except OSError as error:
                    if error.errno == errno.EPIPE:
                        continue  # overwritten while we read: the kernel moved us to the oldest that is left
                    if error.errno == errno.EPERM:
                        raise Unreadable(
                            "the kernel log is for administrators on this machine", UnreadableKind.DENIED
                        ) from None
                    raise Unreadable(f"/dev/kmsg: {os.strerror(error.errno or 0)}") from None
                records.append(record)
                left -= len(record)
        finally:
            os.close(handle)
        return b"".join(records)

    def ask_resolvers(self, addresses: Sequence[str], query: bytes, *, timeout_s: float) -> tuple[ResolverReply, ...]:
        return ask_resolvers(addresses, query, timeout_s)

    def user_names(self) -> Mapping[int, str]:
        """Local users only: asking the name service could wait for a directory server that is down."""
        try:
            with open("/etc/passwd", "rb") as file:
                return parse_passwd(file.read(FILE_MAX_BYTES))
        except OSError as error:
            raise Unreadable(f"/etc/passwd: {os.strerror(error.errno or 0)}") from None

    def native(self, subject: Native) -> object:
        if subject is Native.FOLDER_SIZES:
            return folder_sizes()
        if subject in (Native.PORTAL, Native.SERVER_CERTIFICATES):
            return ask_web(subject, self._agent_state)
        raise Unreadable(f"{subject} is read from /proc on Linux", UnreadableKind.UNSUPPORTED)

    def agent(self) -> AgentNumbers:
        state = self._agent_state
        try:
            with open(f"/proc/{state.pid}/stat", "rb", buffering=0) as file:
                line = file.read(4096) or b""
        except OSError:
            raise Unreadable(f"the agent's process {state.pid} is not there") from None
        numbers = parse_stat(line, 0, ticks_per_s=self._ticks_per_s, page_bytes=self._page_bytes)
        if numbers is None:
            raise Unreadable(f"/proc/{state.pid}/stat has an unknown form")
        uptime_s = float(self.read_file("/proc/uptime").split()[0])
        return AgentNumbers(
            rss_bytes=numbers.rss_bytes,
            cpu_s=numbers.cpu_s,
            running_s=max(0.0, uptime_s - numbers.started_s),
            data_folder_bytes=folder_bytes(state.data_folder),
            queued_items=state.queued_items,
            oldest_queued_s=state.oldest_queued_s,
            last_upload_unix_s=state.last_upload_unix_s,
            knowledge_age_s=state.knowledge_age_s,
        )


def parse_passwd(content: bytes) -> dict[int, str]:
    """passwd(5); of two names for one number the first holds.

    anna:x:1000:1000:Anna,,,:/home/anna:/bin/bash
    """
    names: dict[int, str] = {}
    for line in content.decode("utf-8", "replace").splitlines():
        fields = line.split(":")
        if len(fields) >= 3 and fields[2].isascii() and fields[2].isdigit():
            names.setdefault(int(fields[2]), printable(fields[0], 64))
    return names


def _units() -> tuple[int, int]:
    """Clock ticks a second and bytes a page: the units of /proc/PID/stat."""
    if sys.platform != "linux":
        raise Unreadable("this is not Linux", UnreadableKind.UNSUPPORTED)
    return os.sysconf("SC_CLK_TCK"), os.sysconf("SC_PAGE_SIZE")


def parse_stat(line: bytes, uid: int, *, ticks_per_s: int, page_bytes: int) -> ProcessNumbers | None:
    """One /proc/PID/stat line (proc_pid_stat(5)); None when it is not one.

        1432 (tokio-rt (x)) S 1 1432 1432 0 -1 4194560 3301 0 12 0 210 44 0 0 20 0 7 0 1044 44941312 3491 …
        pid   name          state ppid                        utime(14) stime(15)  threads(20) start(22)
        rss(24)

    The name may hold spaces, brackets, line ends and broken UTF-8: everything between the first `(` and the
    last `)` is name.
    """
    start, end = line.find(b"("), line.rfind(b")")
    fields = line[end + 2 :].split()
    if start < 0 or end < start or len(fields) < 22:
        return None
    try:
        return ProcessNumbers(
            pid=int(line[:start]),
            parent_pid=int(fields[1]),
            name=line[start + 1 : end].decode("utf-8", "replace"),
            state=fields[0].decode("ascii", "replace"),
            cpu_s=(int(fields[11]) + int(fields[12])) / ticks_per_s,
            rss_bytes=max(0, int(fields[21])) * page_bytes,
            threads=int(fields[17]),
            started_s=int(fields[19]) / ticks_per_s,
            uid=uid,
        )
    except ValueError:
        return None
