"""Check 46: do print jobs wait at a printer that was switched off by the system?"""

from __future__ import annotations

from diagnostics.checks.contract import CheckSpec, Context, Metric, Outcome, Seen, evidence, raised, rule
from diagnostics.collectors.contract import Cost
from diagnostics.collectors.printers import PRINTERS
from diagnostics.findings import Finding, Severity
from diagnostics.system_observations import Printers
from diagnostics.wording import Words

CODE = "print-jobs-stuck"
# A printer that works through a long queue is no fault; this many do not come from one office in an hour.
QUEUE_MAX = 50


def check_print_queue(printers: Printers, context: Context) -> Outcome:
    findings: list[Finding] = []
    for printer, jobs in sorted(printers.waiting.items()):
        stopped = printer in printers.disabled
        if not stopped and jobs < QUEUE_MAX:
            continue
        shown = f"{printer}: {'disabled, ' if stopped else ''}{jobs} jobs wait"
        findings.append(
            raised(
                CODE,
                f"printer:{printer}",
                Severity.WARNING,
                rule=SPEC.rule,
                now=context.now,
                facts={"printer": printer, "jobs": jobs, "disabled": stopped},
                proof=(evidence("lpstat", printer, shown),),
            )
        )
    return Outcome(tuple(findings), (Metric("printers.waiting-jobs", sum(printers.waiting.values())),))


def _judge(seen: Seen, context: Context) -> Outcome:
    return check_print_queue(seen.of(PRINTERS), context)


SPEC = CheckSpec(
    id="print-queue",
    number=46,
    version=1,
    title="Printers and waiting jobs",
    needs=(PRINTERS,),
    judge=_judge,
    codes={
        CODE: rule(
            Words(
                "Print jobs are stuck",
                "{jobs} print jobs wait at {printer}, and it does not print. Check paper and cable; then the printer "
                "must be switched on again in the settings.",
            ),
            Words(
                "Задания печати застряли",
                "У принтера {printer} ждут задания ({jobs}), но он не печатает. Проверьте бумагу и кабель, затем снова "
                "включите принтер в настройках.",
            ),
            after_s=10 * 60,
            looks=2,
            why="10 min: somebody is filling paper in",
        )
    },
    interval_s=900,
    interval_on_windows_s=3600,
    cost=Cost.MODERATE,
    timeout_s=15,
)
