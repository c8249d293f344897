"""Check 14: does a program take more memory day by day?

Programs of one name are summed: a browser has fifty processes. A program leaks when its sum rises by the rules of
`forecast.py` and would take what is available now within a week. It needs three days of history.
"""

from __future__ import annotations

from collections import Counter

from diagnostics.checks.contract import CheckSpec, Context, Metric, Outcome, Seen, evidence, raised, rule
from diagnostics.collectors.contract import Cost
from diagnostics.collectors.memory import MEMORY
from diagnostics.collectors.processes import PROCESSES
from diagnostics.findings import Finding, Severity
from diagnostics.forecast import DAY_S, Verdict, foretell
from diagnostics.history import KEPT_S
from diagnostics.observations import Memory, Processes
from diagnostics.wording import Language, Words, show_bytes

CODE = "process-memory-leak"
# Those who matter; each is a series of the history.
WATCHED_MAX = 12
LEAST_BYTES = 200_000_000
# Slower than this nobody notices before the next restart.
LEAST_PER_DAY_BYTES = 50_000_000
SOON_S = 7 * DAY_S
_METRIC = "process.rss-bytes"


def by_name(processes: Processes) -> dict[str, int]:
    """Memory by name, the largest first, at most WATCHED_MAX. Shared pages count in each process: an upper bound."""
    sums: Counter[str] = Counter()
    for process in processes.processes:
        sums[process.name] += process.rss_bytes
    return dict(sorted(sums.items(), key=lambda item: (-item[1], item[0]))[:WATCHED_MAX])


def check_memory_leak(processes: Processes, memory: Memory, context: Context) -> Outcome:
    findings: list[Finding] = []
    metrics: list[Metric] = []
    enough = False
    for name, rss_bytes in by_name(processes).items():
        instance = f"process:{name}"
        metrics.append(Metric(_METRIC, rss_bytes, instance))
        if rss_bytes < LEAST_BYTES:
            continue
        points = context.history.series(_METRIC, instance, since_unix_s=context.now - KEPT_S)
        limit = rss_bytes + memory.available_bytes
        outlook = foretell(points, limit, now=context.now, boot_unix_s=context.boot_unix_s)
        enough = enough or outlook.verdict is not Verdict.TOO_LITTLE
        per_day = outlook.slope_per_day or 0.0
        to_limit = outlook.time_to_limit
        if to_limit is None or per_day < LEAST_PER_DAY_BYTES or to_limit.likely_s > SOON_S:
            continue
        shown = (
            f"{name}: {show_bytes(rss_bytes, Language.ENGLISH)} now, "
            f"{show_bytes(per_day, Language.ENGLISH)} more each day for a week"
        )
        findings.append(
            raised(
                CODE,
                instance,
                Severity.WARNING,
                rule=SPEC.rule,
                now=context.now,
                facts={"name": name, "rss_bytes": rss_bytes, "bytes_per_day": round(per_day)},
                proof=(evidence("history", _METRIC, shown),),
                time_to_act=to_limit,
            )
        )
    skipped = "" if enough or not metrics else "needs three days of hourly samples"
    return Outcome(tuple(findings), tuple(metrics), skipped)


def _judge(seen: Seen, context: Context) -> Outcome:
    return check_memory_leak(seen.of(PROCESSES), seen.of(MEMORY), context)


SPEC = CheckSpec(
    id="memory-leak",
    number=14,
    version=1,
    title="Programs that take more and more memory",
    needs=(PROCESSES, MEMORY),
    judge=_judge,
    codes={
        CODE: rule(
            Words(
                "A program takes more and more memory",
                "{name} uses {rss_bytes:bytes} of memory and takes {bytes_per_day:bytes} more each day. Restarting it "
                "gives the memory back; an update of it may end this.",
            ),
            Words(
                "Программа занимает всё больше памяти",
                "{name} занимает {rss_bytes:bytes} памяти и каждый день прибавляет {bytes_per_day:bytes}. Перезапуск "
                "вернёт память, а обновление программы может исправить ошибку.",
            ),
            after_s=2 * 3600,
            looks=3,
            why="three looks: a forecast has to say the same three times",
        )
    },
    interval_s=1800,
    cost=Cost.MODERATE,
    timeout_s=10,
)
