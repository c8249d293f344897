"""Check 15: is a program near the number of files it may hold open?

A program that forgets to close files stops working at its limit, mostly with "Too many open files". Limits are only
known on Linux; elsewhere a number far above every sane one is told.
"""

from __future__ import annotations

from diagnostics.checks.contract import CheckSpec, Context, Metric, Outcome, Seen, evidence, raised, rule
from diagnostics.collectors.contract import Cost
from diagnostics.collectors.open_files import OPEN_FILES
from diagnostics.findings import Finding, Severity
from diagnostics.system_observations import OpenFiles
from diagnostics.wording import Words

CODE = "process-open-files-high"
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
    return Outcome(tuple(gravest[:FINDINGS_MAX]), (Metric("files.open", total),))


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
        )
    },
    interval_s=300,
    cost=Cost.MODERATE,
    timeout_s=10,
)
