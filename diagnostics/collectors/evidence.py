"""Everything a bundle may hold, as named files. `collect_evidence` walks the list and never stops at a failure.

`evidence_lines.py` names the files; logs are walked here because the machine decides which there are. Everything is
raw here; redaction comes after.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterator, Sequence

from diagnostics.collectors.contract import (
    EVIDENCE_FILE_MAX_BYTES,
    EVIDENCE_TIMEOUT_S,
    CollectedFile,
    Cost,
    EvidenceCollector,
    Privilege,
    Skipped,
    SkipStatus,
)
from diagnostics.collectors.evidence_lines import LOG_TEXT, SUBJECTS, Line
from diagnostics.collectors.logs import log_files
from diagnostics.collectors.plain_names import PlainNames
from diagnostics.machine.interface import Machine, Unreadable, UnreadableKind
from diagnostics.plain_text import printable

# The logs everybody asks for first get a whole tail, the others share what is left.
MAIN_LOGS = frozenset({"syslog", "messages", "kern.log", "daemon.log", "system.log"})
OTHER_LOG_BYTES = 1024 * 1024
ALL_LOGS_BYTES = 24 * 1024 * 1024
LOGS_WHY = "the ends of the log files that changed within a week"


def _lines(machine: Machine, subject: str) -> Iterator[CollectedFile | Skipped]:
    for line in SUBJECTS[subject][1]:
        if machine.platform in line.platforms:
            yield read_line(machine, subject, line)


def read_line(machine: Machine, subject: str, line: Line) -> CollectedFile | Skipped:
    """One file, or why not. Raises nothing."""
    started_s = time.monotonic()

    def passed_ms() -> int:
        return round((time.monotonic() - started_s) * 1000)

    try:
        content, source, truncated = line.read(machine)
        if not content:
            raise Unreadable(f"{source} is empty, or keeps its content from this user")
    except Unreadable as unreadable:
        status = SkipStatus.TIMEOUT if unreadable.kind is UnreadableKind.TIMEOUT else SkipStatus.SKIPPED
        return Skipped(line.path, subject, status, unreadable.reason, passed_ms())
    except Exception as error:  # noqa: BLE001 — one broken reader must not cost the others' evidence
        words = printable(f"{type(error).__name__}: {error}", 200)
        return Skipped(line.path, subject, SkipStatus.FAILED, words, passed_ms())
    return CollectedFile(line.path, content, line.why, subject, source, truncated, line.may_contain, passed_ms())


def _logs(machine: Machine, now: int, without: Collection[str]) -> Iterator[CollectedFile | Skipped]:
    """One file at a time, so that memory holds one tail at a time."""
    left = ALL_LOGS_BYTES
    try:
        files = [file for file in log_files(machine, now=now) if file.path not in without]
    except Unreadable as unreadable:
        yield Skipped("logs/files", "logs", SkipStatus.SKIPPED, unreadable.reason, 0)
        return
    names = PlainNames()
    for file in sorted(files, key=lambda item: (item.name not in MAIN_LOGS, -item.modified_unix_s)):
        most = min(left, EVIDENCE_FILE_MAX_BYTES if file.name in MAIN_LOGS else OTHER_LOG_BYTES)
        path = f"logs/files/{names.name_for(file.name)}"
        if most <= 0:
            reason = f"all logs together are cut at {ALL_LOGS_BYTES // 2**20} MiB"
            yield Skipped(path, "logs", SkipStatus.SKIPPED, reason, 0)
            continue

        def read(machine: Machine, source: str = file.path, most: int = most) -> tuple[bytes, str, bool]:
            tail = machine.read_tail(source, max_bytes=most)
            return tail.content, source, tail.truncated

        got = read_line(
            machine, "logs", Line(path, f"log file, changed lately: {printable(file.name)}", read, LOG_TEXT)
        )
        if isinstance(got, CollectedFile):
            left -= len(got.content)
        yield got


def evidence_catalogue(now: int, without_logs: Collection[str] = ()) -> tuple[EvidenceCollector, ...]:
    """The subjects in the order they are collected: small and telling ones first."""

    def reader(subject: str) -> Callable[[Machine], Iterator[CollectedFile | Skipped]]:
        return lambda machine: _lines(machine, subject)

    collectors = [
        EvidenceCollector(
            id=subject,
            why=why,
            collect=reader(subject),
            may_contain=frozenset().union(*(line.may_contain for line in lines)),
            cost=Cost.MODERATE,
            privilege=Privilege.LOG_READER if subject in ("kernel", "journal") else Privilege.ANYONE,
        )
        for subject, (why, lines) in SUBJECTS.items()
    ]
    collectors.append(
        EvidenceCollector(
            id="logs",
            why=LOGS_WHY,
            collect=lambda machine: _logs(machine, now, without_logs),
            may_contain=LOG_TEXT,
            cost=Cost.COSTLY,
            privilege=Privilege.LOG_READER,
        )
    )
    return tuple(collectors)


def collect_evidence(
    machine: Machine,
    *,
    now: int,
    only: Collection[str] | None = None,
    also: Sequence[EvidenceCollector] = (),
    without_logs: Collection[str] = (),
) -> Iterator[CollectedFile | Skipped]:
    """All evidence, or that of the subjects in `only`. Paths are unique. `also`: subjects of this machine's own, before
    its logs; `without_logs`: log files that come with them. What is not reached within EVIDENCE_TIMEOUT_S is skipped
    as timed out. Raises ValueError on an unknown subject; nothing else."""
    *small, logs = evidence_catalogue(now, without_logs)
    catalogue = (*small, *also, logs)
    unknown = sorted(set(only or ()) - {collector.id for collector in catalogue})
    if unknown:
        known = ", ".join(collector.id for collector in catalogue)
        raise ValueError(f"there is no subject {unknown[0]!r}; there are {known}")
    return _collect(machine, tuple(item for item in catalogue if only is None or item.id in only))


def _collect(machine: Machine, collectors: tuple[EvidenceCollector, ...]) -> Iterator[CollectedFile | Skipped]:
    deadline_s = time.monotonic() + EVIDENCE_TIMEOUT_S
    for collector in collectors:
        if time.monotonic() > deadline_s:
            reason = f"collecting took longer than {EVIDENCE_TIMEOUT_S:g} s"
            yield Skipped(collector.id, collector.id, SkipStatus.TIMEOUT, reason, 0)
            continue
        if machine.platform not in collector.platforms:
            continue
        for item in collector.collect(machine):
            yield item
            if time.monotonic() > deadline_s:
                break
