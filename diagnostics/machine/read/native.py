"""What psutil answers alike on macOS and Windows; the two platform files add what is their own.

Traps it knows: AccessDenied is an ordinary answer; no `open_files()` (hangs on Windows); services exist in
psutil on Windows only. None of this has been proven on a real Mac or Windows machine yet: it imports,
type-checks, and its shapes are tested on Linux.
"""

from __future__ import annotations

import os
import time
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence

import psutil

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
from diagnostics.machine.read.places import measure
from diagnostics.machine.read.resolvers import ask_resolvers
from diagnostics.machine.read.run_command import run_command
from diagnostics.machine.read.web import ask_web


class NativeMachine(ABC):
    """Implements `Machine` with psutil. Subclasses name their platform and add to `native`."""

    def __init__(self, agent_state: AgentState | None = None) -> None:
        self._agent_state = agent_state or AgentState(pid=os.getpid())

    @property
    @abstractmethod
    def platform(self) -> Platform: ...

    def clock(self) -> Clock:
        return Clock(int(time.time()), int(psutil.boot_time()))

    def pause(self, seconds: float) -> None:
        if seconds > 0:
            time.sleep(seconds)

    def read_file(self, path: str, *, max_bytes: int = FILE_MAX_BYTES) -> bytes:
        return open_inside.read_file(path, max_bytes)

    def read_tail(self, path: str, *, max_bytes: int) -> Tail:
        return open_inside.read_tail(path, max_bytes)

    def list_folder(self, path: str) -> tuple[FolderEntry, ...]:
        return open_inside.list_folder(path)

    def run(self, command: Command) -> CommandOutput:
        return run_command(command)

    def space(self, mount: str) -> Space:
        try:
            usage = psutil.disk_usage(mount)
        except OSError as error:
            raise Unreadable(f"{mount}: {error.strerror}") from None
        available = usage.free
        # psutil's `used` already leaves out the reserve; inodes are not counted on these platforms.
        return Space(usage.total, usage.total - usage.used, available, 0, 0)

    def measure(self, place: Place) -> PlaceSize:
        return measure(place)

    def process_snapshot(self) -> ProcessSnapshot:
        now_s, boot_s = time.time(), psutil.boot_time()
        taken_s = time.monotonic()
        processes = []
        names = ["pid", "ppid", "name", "status", "cpu_times", "memory_info", "num_threads", "create_time"]
        for process in psutil.process_iter(names, ad_value=None):
            numbers = _numbers(process.info, boot_s)
            if numbers is not None:
                processes.append(numbers)
        processes.sort(key=lambda process: process.pid)
        return ProcessSnapshot(taken_s, now_s - boot_s, tuple(processes))

    def open_files(self) -> tuple[ProcessFiles, ...]:
        counted = "num_handles" if self.platform is Platform.WINDOWS else "num_fds"
        if not hasattr(psutil.Process, counted):
            raise Unreadable("open files are not counted on this platform", UnreadableKind.UNSUPPORTED)
        found = []
        for process in psutil.process_iter(["pid", "name", counted], ad_value=None):
            if isinstance(process.info[counted], int):
                name = str(process.info["name"] or "")
                found.append(ProcessFiles(process.info["pid"], name, process.info[counted], None))
        return tuple(sorted(found, key=lambda item: item.pid))

    def command_line(self, pid: int) -> tuple[str, ...]:
        try:
            return tuple(psutil.Process(pid).cmdline())
        except psutil.AccessDenied:
            raise Unreadable(f"this user may not see process {pid}", UnreadableKind.DENIED) from None
        except psutil.Error:
            raise Unreadable(f"process {pid} has ended") from None

    def kernel_ring(self) -> bytes:
        raise Unreadable("the kernel log is not read on this platform yet", UnreadableKind.UNSUPPORTED)

    def ask_resolvers(self, addresses: Sequence[str], query: bytes, *, timeout_s: float) -> tuple[ResolverReply, ...]:
        return ask_resolvers(addresses, query, timeout_s)

    def user_names(self) -> Mapping[int, str]:
        raise Unreadable("user names are not read by number on this platform", UnreadableKind.UNSUPPORTED)

    def native(self, subject: Native) -> object:
        if subject is Native.MOUNTS:
            return [
                {"device": part.device, "mount": part.mountpoint, "kind": part.fstype, "options": part.opts}
                for part in psutil.disk_partitions(all=False)
            ]
        if subject is Native.MEMORY:
            memory, swap = psutil.virtual_memory(), psutil.swap_memory()
            return {
                "total_bytes": memory.total,
                "available_bytes": memory.available,
                "swap_total_bytes": swap.total,
                "swap_free_bytes": swap.free,
            }
        if subject is Native.CPU:
            times = psutil.cpu_times()
            # On Windows interrupts are counted in `system` already; what is not idle is busy.
            busy_s = times.user + times.system + getattr(times, "nice", 0.0)
            load = list(psutil.getloadavg())
            return {"cpus": psutil.cpu_count() or 1, "load": load, "busy_s": busy_s, "idle_s": times.idle}
        if subject is Native.INTERFACES:
            return _interfaces()
        if subject is Native.FOLDER_SIZES:
            return folder_sizes()
        if subject in (Native.PORTAL, Native.SERVER_CERTIFICATES):
            return ask_web(subject, self._agent_state)
        raise Unreadable(f"{subject} is not read on this platform yet", UnreadableKind.UNSUPPORTED)

    def agent(self) -> AgentNumbers:
        state = self._agent_state
        try:
            process = psutil.Process(state.pid)
            with process.oneshot():
                times, memory, started = process.cpu_times(), process.memory_info(), process.create_time()
        except psutil.Error:
            raise Unreadable(f"the agent's process {state.pid} is not there") from None
        return AgentNumbers(
            rss_bytes=memory.rss,
            cpu_s=times.user + times.system,
            running_s=max(0.0, time.time() - started),
            data_folder_bytes=folder_bytes(state.data_folder),
            queued_items=state.queued_items,
            oldest_queued_s=state.oldest_queued_s,
            last_upload_unix_s=state.last_upload_unix_s,
            knowledge_age_s=state.knowledge_age_s,
        )


def _numbers(info: Mapping[str, object], boot_s: float) -> ProcessNumbers | None:
    times, memory, started = info["cpu_times"], info["memory_info"], info["create_time"]
    if times is None or memory is None or not isinstance(started, float):
        return None  # another user's process: only its name is known, which judges nothing
    return ProcessNumbers(
        pid=int(str(info["pid"])),
        parent_pid=int(str(info["ppid"] or 0)),
        name=str(info["name"] or ""),
        state=str(info["status"] or ""),
        cpu_s=float(getattr(times, "user", 0.0)) + float(getattr(times, "system", 0.0)),
        rss_bytes=int(getattr(memory, "rss", 0)),
        threads=int(str(info["num_threads"] or 0)),
        started_s=max(0.0, started - boot_s),
        uid=-1,
    )


def _interfaces() -> list[dict[str, object]]:
    counters = psutil.net_io_counters(pernic=True)
    states = psutil.net_if_stats()
    result: list[dict[str, object]] = []
    for name, addresses in sorted(psutil.net_if_addrs().items()):
        count, state = counters.get(name), states.get(name)
        hardware = [item.address for item in addresses if item.family == psutil.AF_LINK]
        result.append(
            {
                "name": name,
                "up": bool(state and state.isup),
                "addresses": [item.address for item in addresses if item.family != psutil.AF_LINK],
                "hardware_address": hardware[0] if hardware else "",
                "mtu": state.mtu if state else 0,
                "received_bytes": count.bytes_recv if count else 0,
                "sent_bytes": count.bytes_sent if count else 0,
                "errors": count.errin + count.errout if count else 0,
                "drops": count.dropin + count.dropout if count else 0,
            }
        )
    return result
