"""Check 12: have all processors been at work for long, or does a virtual machine wait for its host?

Judged over the time since the look before; one program that holds one processor is check 13's.
"""

from __future__ import annotations

from diagnostics.checks.contract import CheckSpec, Context, Metric, Outcome, Seen, evidence, raised, rule
from diagnostics.collectors.contract import ALL_PLATFORMS, Cost
from diagnostics.collectors.work_counters import CPU_TIMES
from diagnostics.findings import Finding, Severity
from diagnostics.hardware_observations import CpuTimes
from diagnostics.rates import FIRST_LOOK, risen
from diagnostics.wording import Words

BUSY, STOLEN = "cpu-busy", "cpu-stolen"
BUSY_FRACTION, BUSY_CLEAR = 0.90, 0.75
STOLEN_FRACTION = 0.20


def check_cpu_busy(times: CpuTimes, context: Context) -> Outcome:
    metrics = [
        Metric("cpu.busy-s", times.busy_s),
        Metric("cpu.stolen-s", times.stolen_s),
        Metric("cpu.total-s", times.total_s),
    ]
    busy, stolen, total = (risen(context.history, metric.name, "", metric.value, now=context.now) for metric in metrics)
    if busy is None or stolen is None or total is None or total.by <= 0:
        return Outcome((), tuple(metrics), FIRST_LOOK)
    busy_fraction, stolen_fraction = busy.by / total.by, stolen.by / total.by
    metrics.append(Metric("cpu.busy-fraction", round(busy_fraction, 4)))
    findings: list[Finding] = []

    def add(code: str, fraction: float, words: str) -> None:
        shown = f"{fraction * 100:.0f} % {words} over {total.over_s} s"
        findings.append(
            raised(
                code,
                "cpu",
                Severity.WARNING,
                rule=SPEC.rule,
                now=context.now,
                facts={"fraction": round(fraction, 4), "over_s": total.over_s},
                proof=(evidence("proc-stat", "cpu", shown),),
            )
        )

    if busy_fraction >= (BUSY_CLEAR if context.is_raised(BUSY, "cpu") else BUSY_FRACTION):
        add(BUSY, busy_fraction, "busy")
    if stolen_fraction >= STOLEN_FRACTION:
        add(STOLEN, stolen_fraction, "stolen by the host")
    return Outcome(tuple(findings), tuple(metrics))


def _judge(seen: Seen, context: Context) -> Outcome:
    return check_cpu_busy(seen.of(CPU_TIMES), context)


SPEC = CheckSpec(
    id="cpu-busy",
    number=12,
    version=1,
    title="Processors at work without pause",
    needs=(CPU_TIMES,),
    judge=_judge,
    codes={
        BUSY: rule(
            Words(
                "The processors have no pause",
                "All processors have been busy {fraction:percent} of the time for long. The computer is slow and "
                "loud; the list of programs shows who uses them.",
            ),
            Words(
                "Процессоры работают без пауз",
                "Процессоры долго заняты {fraction:percent} времени. Компьютер тормозит и шумит; кто их занимает, "
                "видно в списке программ.",
            ),
            after_s=30 * 60,
            looks=4,
            why="30 min: a long video call or a large update is work, not a fault",
        ),
        STOLEN: rule(
            Words(
                "This virtual machine has to wait for its host",
                "For {fraction:percent} of the time others on the same host had the processor. Nothing in this machine "
                "can change that; its provider can.",
            ),
            Words(
                "Виртуальная машина ждёт свой хост",
                "{fraction:percent} времени процессор занимали соседи по хосту. Внутри этой машины это не исправить, "
                "может помочь её владелец хоста.",
            ),
            after_s=30 * 60,
            looks=4,
            why="30 min: neighbours start and stop",
        ),
    },
    interval_s=300,
    cost=Cost.CHEAP,
    timeout_s=5,
    platforms=ALL_PLATFORMS,
)
