"""Check 26: is a service started again and again?

systemd counts restarts since the service was last started by hand; judged is the rise since the look before.
"""

from __future__ import annotations

from diagnostics.checks.contract import Cause, CheckSpec, Context, Metric, Outcome, Seen, evidence, raised, rule
from diagnostics.collectors.contract import ALL_PLATFORMS, Cost
from diagnostics.collectors.services import SERVICES
from diagnostics.findings import Finding, Severity
from diagnostics.observations import Service
from diagnostics.rates import risen
from diagnostics.wording import Words

CODE = "service-restart-loop"
# One restart between two looks is an update of it.
LEAST_RESTARTS = 3
FINDINGS_MAX = 10
_METRIC = "service.restarts"


def check_restart_loop(services: tuple[Service, ...], context: Context) -> Outcome:
    findings: list[Finding] = []
    metrics: list[Metric] = []
    for service in services:
        if service.restarts <= 0:
            continue
        instance = f"service:{service.name}"
        metrics.append(Metric(_METRIC, service.restarts, instance))
        rise = risen(context.history, _METRIC, instance, service.restarts, now=context.now)
        if rise is None or rise.by < LEAST_RESTARTS:
            continue
        shown = f"{service.name}: {rise.by:g} restarts in {rise.over_s} s, {service.restarts} in all"
        findings.append(
            raised(
                CODE,
                instance,
                Severity.ERROR,
                rule=SPEC.rule,
                now=context.now,
                facts={
                    "name": service.name,
                    "description": service.description,
                    "restarts": int(rise.by),
                    "over_s": rise.over_s,
                },
                proof=(evidence("systemctl", service.name, shown),),
            )
        )
    return Outcome(tuple(findings[:FINDINGS_MAX]), tuple(metrics))


def _judge(seen: Seen, context: Context) -> Outcome:
    return check_restart_loop(seen.of(SERVICES).services, context)


SPEC = CheckSpec(
    id="restart-loop",
    number=26,
    version=1,
    title="Services that start again and again",
    needs=(SERVICES,),
    judge=_judge,
    codes={
        CODE: rule(
            Words(
                "A service stops and starts again and again",
                "{description} ({name}) was started again {restarts}× within {over_s:duration}. It cannot do its work, "
                "and each try costs the computer time.",
            ),
            Words(
                "Служба постоянно перезапускается",
                "Служба «{description}» ({name}) перезапускалась раз: {restarts} за {over_s:duration}. Работать она не "
                "может, а каждая попытка нагружает компьютер.",
            ),
            after_s=10 * 60,
            looks=2,
            why="10 min: a service that waits for another one tries a few times",
            hidden_under=(Cause("service-failed", same_instance=True),),
        )
    },
    interval_s=300,
    cost=Cost.MODERATE,
    timeout_s=12,
    platforms=ALL_PLATFORMS,
)
