"""The check of one watched application: errors in its logs, services that failed, programs that are missing or take
more and more memory, settings that changed. Made from data; pure but for its collectors.

    files of one application ──► its own collector      settings of all ──► one collector ──► compared from look to look

What an application's settings say stays in the file: sums are compared (changes/), and the change stands before what
broke. An application that is not on this machine is skipped, so that one watch serves a whole fleet.
"""

from __future__ import annotations

import hashlib
import re
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from diagnostics.changes.compare import Subject, name_of, subject_of
from diagnostics.changes.watched import Watched, watch
from diagnostics.checks.contract import CheckSpec, Context, Metric, Outcome, Seen, evidence, raised, rule
from diagnostics.collectors.contract import LINUX_ONLY, Collector, Cost, Personal
from diagnostics.collectors.logs import dated, printable_lines
from diagnostics.collectors.memory import MEMORY
from diagnostics.collectors.processes import PROCESSES
from diagnostics.collectors.services import SERVICES
from diagnostics.findings import Finding, Severity
from diagnostics.forecast import DAY_S, foretell
from diagnostics.history import KEPT_S
from diagnostics.machine.interface import Machine, Unreadable, UnreadableKind
from diagnostics.observations import Memory, Process, Service, UnreadSource
from diagnostics.vendors.application import Application
from diagnostics.wording import Words

#: How ids of these checks begin; the application's own name follows and stays on the machine.
CHECK_PREFIX = "application-"
TAIL_BYTES = 256 * 1024
SETTINGS_MAX_BYTES = 1024 * 1024
LOG_WINDOW_S = 3600
# A single line of error is daily life; ten an hour are not.
ERRORS_LEAST = 10
LEAK_PER_DAY_BYTES = 50_000_000
# nginx writes [error], PostgreSQL ERROR: and FATAL:, most others one of these words in capitals.
_ERROR = re.compile(r"\[(?:error|crit|alert|emerg)\]|\b(?:ERROR|FATAL|PANIC|CRITICAL)\b")
_RSS = "application.rss-bytes"


@dataclass(frozen=True, slots=True)
class LogErrorsOf:
    """`sample`: the newest error of the window, printable."""

    path: str
    errors: int
    sample: str


@dataclass(frozen=True, slots=True)
class ApplicationLogs:
    logs: tuple[LogErrorsOf, ...]
    unread: tuple[UnreadSource, ...]


@dataclass(frozen=True, slots=True)
class Settings:
    """`sums`: SHA-256 by path, empty for a file that is not there; what may not be read is in `unread` alone."""

    sums: Mapping[str, str]
    unread: tuple[UnreadSource, ...]


def collect_logs(machine: Machine, application: Application) -> ApplicationLogs:
    now = machine.clock().unix_s
    logs, unread = [], []
    for path in application.log_files:
        try:
            lines = printable_lines(machine.read_tail(path, max_bytes=TAIL_BYTES).content)
        except Unreadable as unreadable:
            unread.append(UnreadSource(path, unreadable.reason))
            continue
        offset_s = time.localtime(now).tm_gmtoff  # programs write their logs in the machine's own zone
        recent = [text for at, text in dated(lines, now=now, utc_offset_s=offset_s) if at and at > now - LOG_WINDOW_S]
        errors = [text for text in recent if _ERROR.search(text)]
        logs.append(LogErrorsOf(path, len(errors), errors[-1] if errors else ""))
    return ApplicationLogs(tuple(logs), tuple(unread))


def collect_settings(machine: Machine, applications: Sequence[Application]) -> Settings:
    sums, unread = {}, []
    for path in dict.fromkeys(path for each in applications for path in each.config_files):
        try:
            sums[path] = hashlib.sha256(machine.read_file(path, max_bytes=SETTINGS_MAX_BYTES)).hexdigest()
        except Unreadable as unreadable:
            unread.append(UnreadSource(path, unreadable.reason))
            if unreadable.kind is UnreadableKind.ABSENT:
                sums[path] = ""
    return Settings(sums, tuple(unread))


@dataclass(frozen=True, slots=True)
class _Raise:
    application: Application
    now: int

    def __call__(
        self, code: str, what: str, severity: Severity, source: str, shown: str, **facts: int | str
    ) -> Finding:
        return raised(
            f"application-{code}",
            f"application:{self.application.application}:{what}",
            severity,
            rule=f"{CHECK_PREFIX}{self.application.application}@2",
            now=self.now,
            facts={"title": self.application.title, "what": what, **facts},
            proof=(evidence(source, what, shown),),
        )


def judge_logs(read: ApplicationLogs, application: Application, context: Context) -> Outcome:
    tell = _Raise(application, context.now)
    return Outcome(
        tuple(
            tell("log-errors", log.path, Severity.WARNING, "log", log.sample, errors=log.errors)
            for log in read.logs
            if log.errors >= ERRORS_LEAST
        )
    )


def judge_settings(application: Application, context: Context) -> Outcome:
    """Told for a day after it was noticed."""
    tell = _Raise(application, context.now)
    changed = {
        name_of(change): change.what
        for change in context.changes
        if subject_of(change) is Subject.APPLICATION and change.at_unix_s > context.now - DAY_S
    }
    return Outcome(
        tuple(
            tell("config-changed", path, Severity.INFO, "sha256", changed[path])
            for path in application.config_files
            if path in changed
        )
    )


def judge_services(services: Sequence[Service], application: Application, context: Context) -> Outcome:
    tell = _Raise(application, context.now)
    return Outcome(
        tuple(
            tell("service-failed", item.name, Severity.ERROR, "systemctl", f"{item.active_state} ({item.result})")
            for item in services
            if item.active_state == "failed"
        )
    )


def should_run(services: Sequence[Service]) -> bool:
    """Of an application whose programs are not there. `services`: its own; none known: somebody said that it runs.

    One that failed is told as that; one that is stopped and not to be started is meant to be so.
    """
    if any(item.active_state == "failed" for item in services):
        return False
    return not services or any(item.active_state == "active" or item.enabled == "enabled" for item in services)


def judge_processes(
    processes: Sequence[Process],
    memory: Memory,
    application: Application,
    context: Context,
    *,
    must_run: bool = True,
) -> Outcome:
    tell = _Raise(application, context.now)
    findings, metrics = [], []
    for name in application.processes:
        mine = [process.rss_bytes for process in processes if process.name == name]
        if not mine:
            if must_run:
                shown = "no process of this name runs"
                findings.append(tell("process-missing", name, Severity.ERROR, "processes", shown))
            continue
        instance = f"{application.application}:{name}"
        metrics.append(Metric(_RSS, sum(mine), instance))
        points = context.history.series(_RSS, instance, since_unix_s=context.now - KEPT_S)
        limit = sum(mine) + memory.available_bytes
        outlook = foretell(points, limit, now=context.now, boot_unix_s=context.boot_unix_s)
        per_day = outlook.slope_per_day or 0.0
        if outlook.time_to_limit is not None and per_day >= LEAK_PER_DAY_BYTES:
            shown = f"{round(per_day / 1e6)} MB more each day"
            findings.append(tell("memory-leak", name, Severity.WARNING, "history", shown, bytes_per_day=round(per_day)))
    return Outcome(tuple(findings), tuple(metrics))


def _settings_collector(applications: Sequence[Application]) -> Collector[Settings]:
    return Collector(
        id="application-settings",
        collect=lambda machine: collect_settings(machine, applications),
        may_contain=frozenset(),
        cost=Cost.CHEAP,
        platforms=LINUX_ONLY,
    )


@dataclass(frozen=True, slots=True)
class WatchedApplications:
    """What a look gets for the applications that are watched: a check each, and what is compared from look to look."""

    checks: tuple[CheckSpec, ...]
    compared: tuple[Watched, ...]


def watch_applications(applications: Sequence[Application]) -> WatchedApplications:
    settings = _settings_collector(applications)
    compared = (watch(Subject.APPLICATION, settings, Settings, lambda read: read.sums),)
    return WatchedApplications(
        tuple(_check_of(each, settings) for each in applications),
        compared if any(each.config_files for each in applications) else (),
    )


def _check_of(application: Application, settings: Collector[Settings]) -> CheckSpec:
    """The check of this application, beside those of the catalogue."""
    logs: Collector[ApplicationLogs] = Collector(
        id=f"{CHECK_PREFIX}{application.application}",
        collect=lambda machine: collect_logs(machine, application),
        may_contain=frozenset({Personal.LOG_TEXT}),
        cost=Cost.MODERATE,
        platforms=LINUX_ONLY,
    )

    def judge(seen: Seen, context: Context) -> Outcome:
        return _judge(application, seen, context, logs, settings)

    return CheckSpec(
        id=f"{CHECK_PREFIX}{application.application}",
        number=0,
        version=2,
        title=application.title,
        needs=(logs, settings),
        wishes=(SERVICES, PROCESSES, MEMORY),
        judge=judge,
        codes=CODES,
        interval_s=900,
        cost=Cost.MODERATE,
        timeout_s=15,
        platforms=LINUX_ONLY,
    )


def _judge(
    application: Application,
    seen: Seen,
    context: Context,
    logs: Collector[ApplicationLogs],
    settings: Collector[Settings],
) -> Outcome:
    """What cannot be read is left out; nothing readable at all is skipped with the first reason."""
    outcomes: list[Outcome] = []
    read = seen.of(logs)
    reasons = [source.reason for source in read.unread]
    if read.logs:
        outcomes.append(judge_logs(read, application, context))
    if application.config_files:
        of_all = seen.of(settings)
        reasons += [source.reason for source in of_all.unread if source.name in application.config_files]
        if any(of_all.sums.get(path) for path in application.config_files):
            outcomes.append(judge_settings(application, context))
    mine: tuple[Service, ...] = ()
    try:
        if application.services:
            known = seen.of(SERVICES).services
            mine = tuple(item for item in known if item.name in application.services and item.load_state == "loaded")
            if mine:
                outcomes.append(judge_services(mine, application, context))
    except Unreadable as unreadable:
        reasons.append(unreadable.reason)
    try:
        if application.processes:
            running, memory = seen.of(PROCESSES).processes, seen.of(MEMORY)
            told_otherwise = application.log_files or application.config_files or application.services
            if outcomes or not told_otherwise or any(process.name in application.processes for process in running):
                must_run = should_run(mine)
                outcomes.append(judge_processes(running, memory, application, context, must_run=must_run))
    except Unreadable as unreadable:
        reasons.append(unreadable.reason)
    if not outcomes:
        raise Unreadable(_absence(application, reasons))
    findings = tuple(finding for outcome in outcomes for finding in outcome.findings)
    return Outcome(findings, tuple(metric for outcome in outcomes for metric in outcome.metrics))


def _absence(application: Application, reasons: Sequence[str]) -> str:
    if not (application.log_files or application.config_files or application.services or application.processes):
        return "the watch names nothing to look at"
    return f"{application.title} is not seen on this machine" + (f" ({reasons[0]})" if reasons else "")


CODES = {
    f"application-{code}": rule(Words(*english), Words(*russian), after_s=0, looks=1, why=why)
    for code, english, russian, why in (
        (
            "log-errors",
            ("An application reports many errors", "{title} wrote {errors} errors within an hour to {what}."),
            ("Программа сообщает о множестве ошибок", "{title}: ошибок за час в {what}: {errors}."),
            "ten errors an hour are counted already",
        ),
        (
            "service-failed",
            ("An application's service has failed", "{what}, of {title}, stopped with an error."),
            ("Служба программы остановилась с ошибкой", "{what} ({title}) остановилась с ошибкой."),
            "its supervisor has given up already",
        ),
        (
            "process-missing",
            ("An application is not running", "No {what} of {title} is running."),
            ("Программа не работает", "Процесс {what} ({title}) не запущен."),
            "somebody has said that it always runs",
        ),
        (
            "memory-leak",
            ("An application takes more and more memory", "{what}, of {title}: {bytes_per_day:bytes} more each day."),
            ("Программа занимает всё больше памяти", "{what} ({title}): каждый день больше на {bytes_per_day:bytes}."),
            "a forecast has looked at days",
        ),
        (
            "config-changed",
            ("An application's settings were changed", "{what}, of {title}, changed within a day."),
            ("Изменены настройки программы", "{what} ({title}): файл изменился за сутки."),
            "it changed: there is nothing to wait for",
        ),
    )
}
