"""Check 15: is a program near the number of files it may hold open?

A program that forgets to close files stops working at its limit, mostly with "Too many open files". Limits are only
known on Linux; elsewhere a number far above every sane one is told.
"""

from __future__ import annotations

from diagnostics.checks.contract import Cause, CheckSpec, Context, Metric, Outcome, Seen, evidence, raised, rule
from diagnostics.collectors.contract import Cost
from diagnostics.collectors.open_files import OPEN_FILES
from diagnostics.findings import Finding, Severity
from diagnostics.foretold import foretold
from diagnostics.machine.interface import ProcessFiles
from diagnostics.system_observations import OpenFiles
from diagnostics.wording import Words

CODE, LEAK = "process-open-files-high", "process-open-files-leak"
_METRIC = "process.open-files"
# Foretold from a quarter of the limit on, and only what comes before the next restart of most machines.
LEAK_FROM, SOON_S, WATCHED_MAX = 0.25, 7 * 86_400, 5
WARNING_FRACTION, ERROR_FRACTION = 0.80, 0.95
# Windows lets a process have 16 million handles; leaking ones are found with ten thousands.
WITHOUT_LIMIT = 50_000
FINDINGS_MAX = 10


def check_open_files(open_files: OpenFiles, context: Context) -> Outcome:
    worst: dict[str, Finding] = {}
    total = 0
    for process in open_files.processes:
        total += process.open_files
        limit = process.limit or WITHOUT_LIMIT
        fraction = process.open_files / limit
        if fraction < WARNING_FRACTION or (process.limit is None and fraction < 1):
            continue
        finding = raised(
            CODE,
            f"process:{process.name}",
            Severity.ERROR if fraction >= ERROR_FRACTION and process.limit is not None else Severity.WARNING,
            rule=SPEC.rule,
            now=context.now,
            facts={
                "name": process.name,
                "open_files": process.open_files,
                "limit": process.limit or 0,
                "used_fraction": round(fraction, 4),
            },
            proof=(
                evidence(
                    "proc-fd", str(process.pid), f"{process.name}: {process.open_files} open, limit {process.limit}"
                ),
            ),
        )
        known = worst.get(process.name)
        if known is None or float(known.facts["used_fraction"]) < fraction:
            worst[process.name] = finding
    gravest = sorted(worst.values(), key=lambda item: (-item.severity.rank, item.instance))
    leaks, metrics = _leaks(open_files, context, set(worst))
    return Outcome((*gravest[:FINDINGS_MAX], *leaks), (Metric("files.open", total), *metrics))


def _leaks(open_files: OpenFiles, context: Context, told_already: set[str]) -> tuple[list[Finding], list[Metric]]:
    """Programs that hold more each day: the fullest process of each name, against its own limit."""
    fullest: dict[str, ProcessFiles] = {}
    for process in open_files.processes:
        if process.limit is None or process.open_files < LEAK_FROM * process.limit:
            continue
        known = fullest.get(process.name)
        if known is None or process.open_files > known.open_files:
            fullest[process.name] = process
    findings: list[Finding] = []
    metrics: list[Metric] = []
    for name, process in sorted(fullest.items(), key=lambda item: (-item[1].open_files, item[0]))[:WATCHED_MAX]:
        instance, limit = f"process:{name}", process.limit or 0
        metrics.append(Metric(_METRIC, process.open_files, instance))
        told = None if name in told_already else foretold(_METRIC, instance, limit, context, within_s=SOON_S)
        if told is None:
            continue
        shown = f"{name}: {process.open_files} open of {limit}, {told.per_day:.0f} more each day"
        findings.append(
            raised(
                LEAK,
                instance,
                Severity.WARNING,
                rule=SPEC.rule,
                now=context.now,
                facts={
                    "name": name,
                    "open_files": process.open_files,
                    "limit": limit,
                    "per_day": round(told.per_day),
                    "latest_s": told.time_to_act.latest_s,
                },
                proof=(evidence("history", f"{_METRIC} {instance}", shown),),
                time_to_act=told.time_to_act,
            )
        )
    return findings, metrics


def _judge(seen: Seen, context: Context) -> Outcome:
    return check_open_files(seen.of(OPEN_FILES), context)


SPEC = CheckSpec(
    id="open-files",
    number=15,
    version=1,
    title="Files held open",
    needs=(OPEN_FILES,),
    judge=_judge,
    codes={
        CODE: rule(
            Words(
                "A program holds too many files open",
                "{name} holds {open_files} files or connections open. At its limit it stops working; restarting it "
                "helps for a while.",
            ),
            Words(
                "Программа держит открытыми слишком много файлов",
                "{name} держит открытыми файлы и соединения: {open_files}. Дойдя до предела, она перестанет работать; "
                "перезапуск поможет на время.",
            ),
            after_s=10 * 60,
            looks=2,
            why="10 min: a burst of connections comes and goes",
        ),
        LEAK: rule(
            Words(
                "A program holds more and more files open",
                "{name} holds {open_files} files or connections open, {per_day} more each day, and may have {limit}. "
                "If that goes on it stops working within {latest_s:duration}; restarting it starts anew.",
            ),
            Words(
                "Программа держит открытыми всё больше файлов",
                "{name} держит открытыми {open_files}, каждый день на {per_day} больше, при пределе {limit}. Если так "
                "продолжится, она перестанет работать в течение {latest_s:duration}; поможет перезапуск.",
            ),
            after_s=2 * 3600,
            looks=3,
            why="three forecasts over two hours have to agree",
            hidden_under=(Cause(CODE, same_instance=True),),
        ),
    },
    interval_s=300,
    cost=Cost.MODERATE,
    timeout_s=10,
)
