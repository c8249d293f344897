"""Check 25: has a background service given up?

Only what its supervisor itself calls failed. A service that is stopped, masked or missing was stopped by somebody
or never wanted.
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
from diagnostics.collectors.contract import ALL_PLATFORMS, Cost
from diagnostics.collectors.services import SERVICES
from diagnostics.findings import Finding, Severity
from diagnostics.observations import Service
from diagnostics.wording import Words

CODE = "service-failed"
# Without these nobody can work or get help.
VITAL = frozenset(
    {
        "NetworkManager.service",
        "systemd-networkd.service",
        "systemd-resolved.service",
        "systemd-logind.service",
        "dbus.service",
        "dbus-broker.service",
        "gdm.service",
        "sddm.service",
        "lightdm.service",
        # Windows: name service, addresses, calls between services, event log, firewall, profiles, planned tasks, Wi-Fi.
        "Dnscache",
        "Dhcp",
        "RpcSs",
        "EventLog",
        "mpssvc",
        "ProfSvc",
        "Schedule",
        "Winmgmt",
        "WlanSvc",
    }
)


def check_failed_services(services: tuple[Service, ...], context: Context) -> Outcome:
    findings: list[Finding] = []
    for service in services:
        if service.active_state != "failed" or service.load_state in ("masked", "not-found"):
            continue
        shown = (
            f"{service.name}: {service.active_state} ({service.result}), exit status {service.exit_status}, "
            f"restarted {service.restarts} times"
        )
        findings.append(
            raised(
                CODE,
                f"service:{service.name}",
                Severity.ERROR if service.name in VITAL else Severity.WARNING,
                rule=SPEC.rule,
                now=context.now,
                facts={
                    "name": service.name,
                    "description": service.description or service.name,
                    "result": service.result,
                    "exit_status": service.exit_status,
                    "restarts": service.restarts,
                    "enabled": service.enabled,
                    **({"failed_unix_s": service.changed_unix_s} if service.changed_unix_s else {}),
                },
                proof=(evidence("systemctl", service.name, shown),),
            )
        )
    metrics = (
        Metric("services.failed", len(findings)),
        Metric("services.running", sum(service.sub_state == "running" for service in services)),
    )
    return Outcome(tuple(findings), metrics)


def _judge(seen: Seen, context: Context) -> Outcome:
    return check_failed_services(seen.of(SERVICES).services, context)


SPEC = CheckSpec(
    id="failed-services",
    number=25,
    version=1,
    title="Background services",
    needs=(SERVICES,),
    judge=_judge,
    codes={
        CODE: CodeRule(
            words=both(
                Words(
                    "A background service has stopped working",
                    "{description} ({name}) stopped with an error ({result}) and is not running now. What depends "
                    "on it may not work until it is started again.",
                ),
                Words(
                    "Служба перестала работать",
                    "Служба «{description}» ({name}) остановилась с ошибкой ({result}) и сейчас не работает. То, "
                    "что от неё зависит, может не работать, пока её не запустят снова.",
                ),
            ),
            visible_after_s=2 * 60,
            evaluations=2,
            why="2 min: services that restart by themselves have done so by then",
        )
    },
    interval_s=300,
    cost=Cost.MODERATE,
    timeout_s=15,
    platforms=ALL_PLATFORMS,
)
