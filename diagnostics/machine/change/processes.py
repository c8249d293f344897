"""Ending one program: the very one that was seen, never a later one with the same number. Linux.

    open a handle on the number (pidfd) ─► is it still the one that began then? ─► TERM ─► grace ─► KILL

The handle is taken first and the start is read after it: from then on every signal goes through the handle, so a number
that is given to another program in between can never be hit. Who may be ended is decided before any signal.
"""

from __future__ import annotations

import select
import signal
import sys
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from diagnostics.machine.interface import ActRefused, Machine, ProcessNumbers, ProcessSnapshot, Unreadable

#: A killed program is gone at once, but for one that waits for a broken disk.
_AFTER_KILL_S: Final = 2.0
#: Accounts of people begin here (login.defs UID_MIN); what runs below belongs to the system.
PERSON_UID_MIN: Final = 1000
_NOBODY_UID: Final = 65534


class HowEnded(StrEnum):
    BY_ITSELF = "by-itself"  # it answered TERM
    KILLED = "killed"
    STILL_THERE = "still-there"  # not even KILL reached it yet


@dataclass(frozen=True, slots=True)
class EndedProcess:
    """`user` by name where this machine knows one."""

    pid: int
    name: str
    user: str
    how: HowEnded


def why_not(
    target: ProcessNumbers, all_of_them: ProcessSnapshot, *, own_uid: int, agent_pid: int, whole_machine: bool = False
) -> str:
    """Why this program must not be ended; empty when it may be. Pure.

    Spared: the first process, the agent, all it descends from and all that descends from it; other users' programs.
    An agent of the whole machine may end programs of people, never those of the system: they are services.
    """
    if target.pid == 1:
        return "it is the first process of this computer"
    if target.pid in family(all_of_them, agent_pid):
        return "it is the agent itself, or what started it, or a part of it"
    if not whole_machine:
        return "" if target.uid == own_uid else "it is another user's"
    if PERSON_UID_MIN <= target.uid != _NOBODY_UID:
        return ""
    return "it is the system's; services are stopped as services"


def family(snapshot: ProcessSnapshot, pid: int) -> frozenset[int]:
    """`pid`, everything above it, and everything below it. Pure."""
    parents = {each.pid: each.parent_pid for each in snapshot.processes}
    found = {pid}
    above = parents.get(pid, 0)
    while above > 0 and above not in found:
        found.add(above)
        above = parents.get(above, 0)
    below = {pid}
    while below:
        below = {each.pid for each in snapshot.processes if each.parent_pid in below} - found
        found |= below
    return frozenset(found)


def end_process(
    machine: Machine,
    pid: int,
    started_ms: int,
    *,
    grace_s: float,
    own_uid: int,
    agent_pid: int,
    whole_machine: bool = False,
) -> EndedProcess:
    """Raises ActRefused with the reason; nothing was signalled then."""
    if sys.platform == "linux":
        return _end(machine, pid, started_ms, grace_s, own_uid, agent_pid, whole_machine)
    raise ActRefused("programs are ended on Linux only in this version")


class LocalProcesses:
    """Implements `ChangingProcesses` for this user, with ten seconds of grace."""

    def __init__(self, machine: Machine, *, own_uid: int, agent_pid: int, grace_s: float = 10.0) -> None:
        self._machine = machine
        self._own_uid = own_uid
        self._agent_pid = agent_pid
        self._grace_s = grace_s
        # Root ends people's programs; the system's are services.
        self._whole = own_uid == 0

    def running(self) -> tuple[ProcessNumbers, ...]:
        try:
            return tuple(each for each in self._machine.process_snapshot().processes if each.state != "Z")
        except Unreadable as error:
            raise ActRefused(f"programs cannot be read: {error}") from None

    def boot_unix_s(self) -> int:
        try:
            boot = self._machine.clock().boot_unix_s
        except Unreadable as error:
            raise ActRefused(f"the start of this computer cannot be read: {error}") from None
        if boot is None:
            raise ActRefused("when this computer was started is not known")
        return boot

    def why_not(self, process: ProcessNumbers) -> str:
        snapshot = self._machine.process_snapshot()
        return why_not(process, snapshot, own_uid=self._own_uid, agent_pid=self._agent_pid, whole_machine=self._whole)

    def end(self, pid: int, started_ms: int) -> str:
        ended = end_process(
            self._machine, pid, started_ms, grace_s=self._grace_s, own_uid=self._own_uid, agent_pid=self._agent_pid,
            whole_machine=self._whole,
        )  # fmt: skip
        match ended.how:
            case HowEnded.BY_ITSELF:
                return "it ended when it was asked to"
            case HowEnded.KILLED:
                return "it was ended by force"
            case HowEnded.STILL_THERE:
                return "it was told to end and is still there"


if sys.platform == "linux":
    import os

    def _end(
        machine: Machine, pid: int, started_ms: int, grace_s: float, own_uid: int, agent_pid: int, whole: bool
    ) -> EndedProcess:
        try:
            handle = os.pidfd_open(pid)
        except ProcessLookupError:
            raise ActRefused("it has ended already") from None
        except OSError as error:
            raise ActRefused(f"it cannot be reached: {error.strerror}") from None
        try:
            # Read after the handle: what is seen now is what the handle holds, or the handle's process has ended.
            snapshot = machine.process_snapshot()
            target = next((each for each in snapshot.processes if each.pid == pid), None)
            if target is None:
                raise ActRefused("it has ended already")
            if round(target.started_s * 1000) != started_ms:
                raise ActRefused("it has ended, and another program has its number now")
            reason = why_not(target, snapshot, own_uid=own_uid, agent_pid=agent_pid, whole_machine=whole)
            if reason:
                raise ActRefused(f"{target.name} is not ended: {reason}")
            how = _signal(handle, target.name, grace_s)
        finally:
            os.close(handle)
        try:
            user = machine.user_names().get(target.uid, str(target.uid))
        except Unreadable:
            user = str(target.uid)
        return EndedProcess(pid, target.name, user, how)

    def _signal(handle: int, name: str, grace_s: float) -> HowEnded:
        try:
            if grace_s > 0:
                signal.pidfd_send_signal(handle, signal.SIGTERM)
                if _gone(handle, grace_s):
                    return HowEnded.BY_ITSELF
            signal.pidfd_send_signal(handle, signal.SIGKILL)
        except ProcessLookupError:
            return HowEnded.BY_ITSELF
        except PermissionError:
            raise ActRefused(f"this user may not end {name}") from None
        return HowEnded.KILLED if _gone(handle, _AFTER_KILL_S) else HowEnded.STILL_THERE

    def _gone(handle: int, within_s: float) -> bool:
        """A pidfd becomes readable when its process ends, also as a zombie that nobody has buried."""
        poller = select.poll()
        poller.register(handle, select.POLLIN)
        return bool(poller.poll(within_s * 1000))
