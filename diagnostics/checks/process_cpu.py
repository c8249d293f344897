"""Check 13: does one program keep a processor core busy for long?

One look sees a quarter of a second, so a finding is only shown when several looks over ten minutes agree. A busy
core on a machine with cores to spare is worth knowing (info); on a machine with none left it slows all (warning).
"""

from __future__ import annotations

from diagnostics.checks.contract import (
    CheckSpec,
    CodeRule,
    Context,
    Metric,
    Outcome,
    Seen,
    both,
    evidence,
    raised,
)
from diagnostics.collectors.contract import Cost
from diagnostics.collectors.memory import LOAD
from diagnostics.collectors.processes import PROCESSES
from diagnostics.findings import Finding, Severity
from diagnostics.machine.interface import Unreadable
from diagnostics.observations import Load, Process, Processes
from diagnostics.wording import Words

CODE = "process-cpu-hog"
# Of one core. Where programs take turns, half of a core is all that a runaway gets. Cleared below the last line.
BUSY_FRACTION = 0.80
BUSY_CROWDED_FRACTION = 0.50
CLEAR_FRACTION = 0.40
# Starting up is work too.
YOUNG_S = 60
# Waiting programs per core; from here on they take turns.
CROWDED_LOAD = 1.0
# More than this at once is a busy machine, not so many single culprits.
HOGS_MAX = 5


def check_process_cpu(processes: Processes, load: Load, context: Context) -> Outcome:
    """One finding a program name: numbers change with every restart."""
    crowded = load.five_minutes >= load.cpus * CROWDED_LOAD
    busy_fraction = BUSY_CROWDED_FRACTION if crowded else BUSY_FRACTION
    by_name: dict[str, list[Process]] = {}
    for process in processes.processes:
        line = CLEAR_FRACTION if context.is_raised(CODE, f"process:{process.name}") else busy_fraction
        # Kernel threads, which own no memory, cannot be closed or renewed; what they do shows elsewhere.
        is_kernel = process.rss_bytes == 0
        if process.cpu_fraction >= line and process.age_s >= YOUNG_S and not is_kernel:
            by_name.setdefault(process.name, []).append(process)
    findings: list[Finding] = []
    for name, busy in list(by_name.items())[:HOGS_MAX]:
        first = busy[0]
        used = sum(process.cpu_fraction for process in busy)
        shown = (
            f"{name} (process {first.pid}, {first.user}): {used * 100:.0f} % of one core over "
            f"{processes.window_s:.2f} s, {first.lifetime_cpu_fraction * 100:.0f} % since it started"
        )
        findings.append(
            raised(
                CODE,
                f"process:{name}",
                Severity.WARNING if crowded else Severity.INFO,
                rule=SPEC.rule,
                now=context.now,
                facts={
                    "name": name,
                    "pid": first.pid,
                    "user": first.user,
                    "processes": len(busy),
                    "cpu_fraction": round(used, 3),
                    "lifetime_cpu_fraction": round(first.lifetime_cpu_fraction, 3),
                    "cpus": load.cpus,
                    "load_five_minutes": load.five_minutes,
                    "crowded": crowded,
                },
                proof=(evidence("processes", f"process {first.pid}", shown),),
            )
        )
    metrics = (
        Metric("load.one-minute", load.one_minute),
        Metric("load.five-minutes", load.five_minutes),
        Metric("processes.count", len(processes.processes)),
        Metric("cpu.used-fraction", sum(item.cpu_fraction for item in processes.processes) / load.cpus),
    )
    return Outcome(tuple(findings), metrics)


def _judge(seen: Seen, context: Context) -> Outcome:
    try:
        load = seen.of(LOAD)
    except Unreadable:
        load = Load(0.0, 0.0, 0.0, 1)  # not known: never called crowded, so only an info
    return check_process_cpu(seen.of(PROCESSES), load, context)


SPEC = CheckSpec(
    id="process-cpu",
    number=13,
    version=1,
    title="Programs that keep the processor busy",
    needs=(PROCESSES,),
    wishes=(LOAD,),
    judge=_judge,
    codes={
        CODE: CodeRule(
            words=both(
                Words(
                    "A program keeps the processor busy",
                    "{name} has been using {cpu_fraction:percent} of a processor core. If it is not doing something "
                    "for you right now, closing and opening it again often helps.",
                ),
                Words(
                    "Программа нагружает процессор",
                    "{name} занимает {cpu_fraction:percent} ядра процессора. Если сейчас она не делает ничего "
                    "нужного вам, закройте её и откройте снова.",
                ),
            ),
            visible_after_s=10 * 60,
            evaluations=3,
            why="10 min and 3 looks: each look is a quarter of a second, and real work ends",
            expires_after_s=86_400,
        )
    },
    interval_s=300,
    cost=Cost.MODERATE,
    timeout_s=5,
)
