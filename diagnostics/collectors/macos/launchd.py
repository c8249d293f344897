"""Background jobs of other makers, in our words for services and timers.

Which there are: /Library/LaunchDaemons/*.plist (launchd.plist(5)): Label, KeepAlive, RunAtLoad, StartInterval,
StartCalendarInterval, Disabled. How each does: `launchctl print system/LABEL`:

    system/org.example.backup = {
        active count = 0
        path = /Library/LaunchDaemons/org.example.backup.plist
        state = not running                            running, spawn scheduled, waiting
        program = /usr/local/bin/backup
        runs = 12
        pid = 512                                      only while it runs
        last exit code = 78: EX_CONFIG                 0, (never exited)
        last terminating signal = Killed: 9
    }

A job that is not loaded: exit code 113, `Could not find service "org.example.backup" in domain for system`. Switched
off by hand, `launchctl print-disabled system`: `"org.example.backup" => disabled` (`true` before macOS 13).

Apple's own some 400 jobs start on demand and end with every code there is; they are not judged. Jobs of a person's
session (LaunchAgents) are listed as start-up items; their state belongs to that session and is not asked here.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from diagnostics.collectors.macos.permissions import told
from diagnostics.collectors.macos.plists import read_plist, words
from diagnostics.machine import commands, macos_commands
from diagnostics.machine.interface import EntryKind, Machine, Unreadable
from diagnostics.observations import Service, Services
from diagnostics.plain_text import printable
from diagnostics.system_observations import Timer, Timers

FOLDER: Final = "/Library/LaunchDaemons"
JOBS_MAX: Final = 60
LISTED_MAX: Final = 5_000
_PLIST_MAX_BYTES: Final = 256 * 1024
_FIELD: Final = re.compile(r"^\t(state|runs|pid|last exit code|last terminating signal) = (.{1,100})$", re.MULTILINE)
_DISABLED: Final = re.compile(r'^\s*"([^"\n]{1,200})" => (?:disabled|true)$', re.MULTILINE)
_NOT_LOADED: Final = 113
# Ended on purpose: asked to (SIGTERM), or by launchd when it took too long to obey (SIGKILL).
_ON_PURPOSE: Final = (15, 9)


@dataclass(frozen=True, slots=True)
class Job:
    """A job's settings. `keeps`: launchd is to keep it running, or starts it once with the system."""

    label: str
    keeps: bool
    planned: bool
    off: bool


@dataclass(frozen=True, slots=True)
class JobState:
    """`exit_code` and `signal` None: it has not ended, or not that way."""

    state: str
    runs: int
    pid: int
    exit_code: int | None
    signal: int | None

    @property
    def failed(self) -> bool:
        """It ended badly and does not run now."""
        if self.state == "running" or self.pid:
            return False
        return bool(self.exit_code) or (self.signal is not None and self.signal not in _ON_PURPOSE)


def parse_job(value: dict[str, object]) -> Job | None:
    label = words(value.get("Label"))
    keep = value.get("KeepAlive")
    keeps = keep is True or (isinstance(keep, dict) and bool(keep)) or value.get("RunAtLoad") is True
    planned = "StartInterval" in value or "StartCalendarInterval" in value
    return Job(label, keeps and not planned, planned, value.get("Disabled") is True) if label else None


def parse_print(content: bytes) -> JobState:
    """Fields one step in: deeper ones belong to endpoints and other parts of the job."""
    found: dict[str, str] = {}
    for name, value in _FIELD.findall(content[:65_536].decode("utf-8", "replace")):
        found.setdefault(name, value.strip())
    signal = re.search(r"(\d{1,3})$", found.get("last terminating signal", ""))
    return JobState(
        printable(found.get("state", "unknown"), 40),
        _leading(found.get("runs")) or 0,
        _leading(found.get("pid")) or 0,
        _leading(found.get("last exit code")),
        int(signal[1]) if signal else None,
    )


def _leading(text: str | None) -> int | None:
    """`78: EX_CONFIG` → 78; `(never exited)` → None."""
    match = re.match(r"-?\d{1,9}", text or "")
    return int(match[0]) if match else None


def parse_disabled(content: bytes) -> frozenset[str]:
    return frozenset(_DISABLED.findall(content.decode("utf-8", "replace")))


def read_jobs(machine: Machine) -> Iterator[Job]:
    for entry in machine.list_folder(FOLDER)[:JOBS_MAX]:
        if entry.kind is not EntryKind.FILE or not entry.name.endswith(".plist"):
            continue
        try:
            job = parse_job(read_plist(machine, f"{FOLDER}/{entry.name}", max_bytes=_PLIST_MAX_BYTES))
        except Unreadable:
            continue  # launchd cannot read it either, or keeps it from this user
        if job is not None:
            yield job


def _state(machine: Machine, label: str) -> JobState | None:
    """None: launchd does not know it. Raises Unreadable when it does not tell."""
    output = machine.run(macos_commands.job(label))
    if output.exit_code == _NOT_LOADED or b"Could not find service" in output.stdout + output.stderr:
        return None
    if output.exit_code != 0:
        raise Unreadable(printable(output.stderr.strip().split(b"\n")[0], 200) or "launchctl tells nothing of it")
    return parse_print(output.stdout)


def _service(job: Job, state: JobState | None) -> Service:
    active, result, sub = "inactive", "success", state.state if state else "not loaded"
    if state is not None and (state.state == "running" or state.pid):
        active, sub = "active", "running"
    elif state is not None and (job.keeps or job.planned) and state.failed:
        active, result = "failed", "signal" if state.signal else "exit-code"
    return Service(
        name=printable(job.label, 256),
        description=printable(job.label, 256),
        load_state="loaded" if state else "not-found",
        active_state=active,
        sub_state=sub,
        result=result,
        exit_status=(state.exit_code or state.signal or 0) if state else 0,
        # launchd counts starts; the first one is none again.
        restarts=max(0, state.runs - 1) if state and job.keeps else 0,
        main_pid=state.pid if state else 0,
        enabled="disabled" if job.off else "enabled",
        changed_unix_s=None,
    )


def parse_list(content: bytes) -> tuple[Service, ...]:
    """`launchctl list`: the caller's own domain, three columns behind a head.

    PID	Status	Label
    512	0	com.apple.mDNSResponder
    -	78	org.example.updater
    """
    found = []
    for line in content.decode("utf-8", "replace").splitlines()[1:LISTED_MAX]:
        fields = line.split("\t")
        if len(fields) != 3:
            continue
        running, code = fields[0].isdigit(), _leading(fields[1]) or 0
        label = printable(fields[2], 256)
        active = "active" if running else "inactive"
        sub = "running" if running else "dead"
        pid = int(fields[0]) if running else 0
        found.append(Service(label, label, "loaded", active, sub, "", code, 0, pid, "", None))
    return tuple(found)


def collect_services(machine: Machine) -> Services:
    """Jobs of other makers with their state; of the rest only whether they run."""
    services: dict[str, Service] = {}
    for service in parse_list(told(machine, commands.MACOS_SERVICES)):
        services[service.name] = service
    for job in read_jobs(machine):
        try:
            service = _service(job, None if job.off else _state(machine, job.label))
        except Unreadable:
            continue  # its own line of the list stays
        services[service.name] = service
    if not services:
        raise Unreadable("launchctl lists no job")
    return Services(tuple(services.values()))


def collect_timers(machine: Machine) -> Timers:
    planned = [job for job in read_jobs(machine) if job.planned]
    try:
        off = parse_disabled(told(machine, macos_commands.JOBS_OFF))
    except Unreadable:
        off = frozenset()  # those the settings switch off are known all the same
    timers = []
    for job in planned:
        enabled = "disabled" if job.off or job.label in off else "enabled"
        state = None if enabled == "disabled" else _state(machine, job.label)
        # How its last run ended is its service's matter: it comes again at its time.
        active = "inactive" if state is None else "active"
        timers.append(Timer(printable(job.label, 256), printable(job.label, 256), active, "success", enabled))
    return Timers(tuple(timers))
