"""Check 23: did the machine go out without being shut down?

Once is a power cut or a finger on the button; again within the month is a fault. What a dying kernel saved tells that
it was the kernel.
"""

from __future__ import annotations

from diagnostics.checks.contract import CheckSpec, Context, Metric, Outcome, Seen, evidence, raised, rule
from diagnostics.collectors.boots import BOOTS
from diagnostics.collectors.contract import ALL_PLATFORMS, Cost
from diagnostics.findings import Finding, Severity
from diagnostics.system_observations import Boots
from diagnostics.wording import Words

CODE, PANIC = "unexpected-shutdown", "kernel-panic-saved"
RECENT_S = 7 * 86_400
MONTH_S = 30 * 86_400
AGAIN = 3


def check_unexpected_shutdown(boots: Boots, context: Context) -> Outcome:
    unclean = [boot for boot in boots.boots if boot.clean is False and boot.at_unix_s <= context.now]
    month = [boot for boot in unclean if boot.at_unix_s > context.now - MONTH_S]
    findings: list[Finding] = []
    if month and month[-1].at_unix_s > context.now - RECENT_S:
        findings.append(
            raised(
                CODE,
                "system",
                Severity.ERROR if len(month) >= AGAIN else Severity.WARNING,
                rule=SPEC.rule,
                now=context.now,
                facts={
                    "times": len(month),
                    "last_unix_s": month[-1].at_unix_s,
                    "ago_s": context.now - month[-1].at_unix_s,
                },
                proof=tuple(
                    evidence("wtmp", str(boot.at_unix_s), "started again without having been shut down")
                    for boot in month[-3:]
                ),
            )
        )
    if boots.panics:
        findings.append(
            raised(
                PANIC,
                "system",
                Severity.ERROR,
                rule=SPEC.rule,
                now=context.now,
                facts={"files": len(boots.panics), "newest": boots.panics[-1]},
                proof=tuple(evidence("pstore", name, f"saved by a dying kernel: {name}") for name in boots.panics[:3]),
            )
        )
    return Outcome(tuple(findings), (Metric("system.unclean-boots-30d", len(month)),))


def _judge(seen: Seen, context: Context) -> Outcome:
    return check_unexpected_shutdown(seen.of(BOOTS), context)


_AT_ONCE = "it happened: there is nothing to wait for"

SPEC = CheckSpec(
    id="unexpected-shutdown",
    number=23,
    version=1,
    title="Going out without a shutdown",
    needs=(BOOTS,),
    judge=_judge,
    codes={
        CODE: rule(
            Words(
                "The computer went out without being shut down",
                "The last time was {ago_s:duration} ago; within a month it happened {times}×. Power, heat or a driver "
                "are the usual reasons. Unsaved work was lost.",
            ),
            Words(
                "Компьютер выключился сам",
                "Последний раз — {ago_s:duration} назад, за месяц раз: {times}. Обычные причины — питание, перегрев "
                "или драйвер. Несохранённая работа потеряна.",
            ),
            after_s=0,
            looks=1,
            why=_AT_ONCE,
        ),
        PANIC: rule(
            Words(
                "The system's core failed",
                "The core of the system failed and saved notes of it ({files}). Support can read the reason from them.",
            ),
            Words(
                "Сбой ядра системы",
                "Ядро системы отказало и сохранило записи об этом (файлов: {files}). По ним поддержка найдёт причину.",
            ),
            after_s=0,
            looks=1,
            why=_AT_ONCE,
        ),
    },
    interval_s=3600,
    cost=Cost.CHEAP,
    timeout_s=15,
    platforms=ALL_PLATFORMS,
)
