"""Check 30: is a planned job that is switched on also armed?

What a job does when its time comes is its service's matter (check 25); a timer that failed, or lies dead though it is
enabled, never comes to that.
"""

from __future__ import annotations

from diagnostics.checks.contract import CheckSpec, Context, Metric, Outcome, Seen, evidence, raised, rule
from diagnostics.collectors.contract import ALL_PLATFORMS, Cost
from diagnostics.collectors.timers import TIMERS
from diagnostics.findings import Finding, Severity
from diagnostics.system_observations import Timers
from diagnostics.wording import Words

CODE = "timer-not-armed"
FINDINGS_MAX = 10


def check_timers(timers: Timers, context: Context) -> Outcome:
    findings: list[Finding] = []
    for timer in timers.timers:
        failed = timer.active_state == "failed"
        if not failed and not (timer.enabled == "enabled" and timer.active_state == "inactive"):
            continue
        shown = f"{timer.name}: {timer.active_state} ({timer.result}), {timer.enabled}"
        findings.append(
            raised(
                CODE,
                f"timer:{timer.name}",
                Severity.WARNING if failed else Severity.INFO,
                rule=SPEC.rule,
                now=context.now,
                facts={
                    "name": timer.name,
                    "description": timer.description or timer.name,
                    "failed": failed,
                    "result": timer.result,
                },
                proof=(evidence("systemctl", timer.name, shown),),
            )
        )
    return Outcome(tuple(findings[:FINDINGS_MAX]), (Metric("timers.armed", len(timers.timers) - len(findings)),))


def _judge(seen: Seen, context: Context) -> Outcome:
    return check_timers(seen.of(TIMERS), context)


SPEC = CheckSpec(
    id="timers",
    number=30,
    version=1,
    title="Planned jobs",
    needs=(TIMERS,),
    judge=_judge,
    codes={
        CODE: rule(
            Words(
                "A planned job does not run",
                "{description} ({name}) is planned on this computer, but it cannot start when its time comes. "
                "Backups and clean-ups are often such jobs.",
            ),
            Words(
                "Запланированное задание не выполняется",
                "Задание «{description}» ({name}) запланировано, но не может запуститься в назначенное время. Так "
                "часто устроены резервное копирование и очистка.",
            ),
            after_s=3600,
            looks=2,
            why="1 h: an update stops and starts timers",
        )
    },
    interval_s=3600,
    interval_on_windows_s=6 * 3600,
    cost=Cost.MODERATE,
    timeout_s=15,
    platforms=ALL_PLATFORMS,
)
