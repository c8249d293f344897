"""The check of one watched application: errors in its logs, services that failed, programs that are missing or take
more and more memory, settings that changed. Made from data; pure but for its collector.

A setting's sum is kept in the history as a number (52 bits of SHA-256): two files are the same when their sums are.
"""

from __future__ import annotations

import hashlib
import re
import time
from dataclasses import dataclass

from diagnostics.checks.contract import CheckSpec, Context, Metric, Outcome, Seen, evidence, raised, rule
from diagnostics.collectors.contract import LINUX_ONLY, Collector, Cost, Personal
from diagnostics.collectors.logs import dated, printable_lines
from diagnostics.collectors.memory import MEMORY
from diagnostics.collectors.processes import PROCESSES
from diagnostics.collectors.services import SERVICES
from diagnostics.findings import Finding, Severity
from diagnostics.forecast import DAY_S, foretell
from diagnostics.history import KEPT_S
from diagnostics.machine.interface import Machine, Unreadable
from diagnostics.observations import Memory, Process, Service, UnreadSource
from diagnostics.vendors.application import Application
from diagnostics.wording import Words

TAIL_BYTES = 256 * 1024
LOG_WINDOW_S = 3600
# A single line of error is daily life; ten an hour are not.
ERRORS_LEAST = 10
LEAK_PER_DAY_BYTES = 50_000_000
# nginx writes [error], PostgreSQL ERROR: and FATAL:, most others one of these words in capitals.
_ERROR = re.compile(r"\[(?:error|crit|alert|emerg)\]|\b(?:ERROR|FATAL|PANIC|CRITICAL)\b")
_RSS, _SUM = "application.rss-bytes", "application.config-sum"


@dataclass(frozen=True, slots=True)
class LogErrorsOf:
    """`sample`: the newest error of the window, printable."""

    path: str
    errors: int
    sample: str


@dataclass(frozen=True, slots=True)
class ConfigSum:
    path: str
    sum52: int


@dataclass(frozen=True, slots=True)
class ApplicationFiles:
    logs: tuple[LogErrorsOf, ...]
    configs: tuple[ConfigSum, ...]
    unread: tuple[UnreadSource, ...]


def collect_files(machine: Machine, application: Application) -> ApplicationFiles:
    now = machine.clock().unix_s
    logs, configs, unread = [], [], []
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
    for path in application.config_files:
        try:
            digest = hashlib.sha256(machine.read_file(path)).digest()
        except Unreadable as unreadable:
            unread.append(UnreadSource(path, unreadable.reason))
            continue
        configs.append(ConfigSum(path, int.from_bytes(digest[:8]) >> 12))
    return ApplicationFiles(tuple(logs), tuple(configs), tuple(unread))


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
            rule=f"application-{self.application.application}@1",
            now=self.now,
            facts={"title": self.application.title, "what": what, **facts},
            proof=(evidence(source, what, shown),),
        )


def judge_files(files: ApplicationFiles, application: Application, context: Context) -> Outcome:
    tell = _Raise(application, context.now)
    findings = [
        tell("log-errors", log.path, Severity.WARNING, "log", log.sample, errors=log.errors)
        for log in files.logs
        if log.errors >= ERRORS_LEAST
    ]
    metrics = []
    for config in files.configs:
        instance = f"{application.application}:{config.path}"
        metrics.append(Metric(_SUM, config.sum52, instance))
        earlier = context.history.series(_SUM, instance, since_unix_s=context.now - DAY_S)
        if any(int(point.value) != config.sum52 for point in earlier):
            shown = "its content is not what it was within the last day"
            findings.append(tell("config-changed", config.path, Severity.INFO, "sha256", shown))
    return Outcome(tuple(findings), tuple(metrics))


def judge_services(services: tuple[Service, ...], application: Application, context: Context) -> Outcome:
    tell = _Raise(application, context.now)
    failed = [item for item in services if item.name in application.services and item.active_state == "failed"]
    return Outcome(
        tuple(
            tell("service-failed", item.name, Severity.ERROR, "systemctl", f"{item.active_state} ({item.result})")
            for item in failed
        )
    )


def judge_processes(
    processes: tuple[Process, ...], memory: Memory, application: Application, context: Context
) -> Outcome:
    tell = _Raise(application, context.now)
    findings, metrics = [], []
    for name in application.processes:
        mine = [process.rss_bytes for process in processes if process.name == name]
        if not mine:
            findings.append(tell("process-missing", name, Severity.ERROR, "processes", "no process of this name runs"))
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


def check_of(application: Application) -> CheckSpec:
    """The check of this application, beside those of the catalogue."""
    files: Collector[ApplicationFiles] = Collector(
        id=f"application-{application.application}",
        collect=lambda machine: collect_files(machine, application),
        may_contain=frozenset({Personal.LOG_TEXT}),
        cost=Cost.MODERATE,
        platforms=LINUX_ONLY,
    )

    def judge(seen: Seen, context: Context) -> Outcome:
        """What cannot be read is left out; nothing readable at all is skipped with the first reason."""
        outcomes: list[Outcome] = []
        reasons: list[str] = []
        read = seen.of(files)
        reasons += [source.reason for source in read.unread]
        if read.logs or read.configs:
            outcomes.append(judge_files(read, application, context))
        try:
            if application.services:
                outcomes.append(judge_services(seen.of(SERVICES).services, application, context))
        except Unreadable as unreadable:
            reasons.append(unreadable.reason)
        try:
            if application.processes:
                running, memory = seen.of(PROCESSES).processes, seen.of(MEMORY)
                outcomes.append(judge_processes(running, memory, application, context))
        except Unreadable as unreadable:
            reasons.append(unreadable.reason)
        if not outcomes:
            raise Unreadable(reasons[0] if reasons else "the watch names nothing to look at")
        findings = tuple(finding for outcome in outcomes for finding in outcome.findings)
        return Outcome(findings, tuple(metric for outcome in outcomes for metric in outcome.metrics))

    return CheckSpec(
        id=f"application-{application.application}",
        number=0,
        version=1,
        title=application.title,
        needs=(files,),
        wishes=(SERVICES, PROCESSES, MEMORY),
        judge=judge,
        codes=CODES,
        interval_s=900,
        cost=Cost.MODERATE,
        timeout_s=15,
        platforms=LINUX_ONLY,
    )


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
