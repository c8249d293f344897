"""Check 34: does a driver report that its device does not work?

From the kernel's log of the last day, one finding a device. One line may be a device that was pulled out; several are
a fault.
"""

from __future__ import annotations

from collections.abc import Iterable

from diagnostics.checks.contract import CheckSpec, Context, Metric, Outcome, Seen, evidence, raised, rule
from diagnostics.checks.kernel_events import RECENT_S
from diagnostics.collectors.contract import ALL_PLATFORMS, Cost
from diagnostics.collectors.kernel_log import KERNEL_LOG
from diagnostics.findings import Finding, Severity
from diagnostics.observations import KernelEvent, KernelEventKind
from diagnostics.wording import Words

CODE = "driver-error"
WARNING_EVENTS = 3
FINDINGS_MAX = 10


def check_driver_errors(events: Iterable[KernelEvent], context: Context) -> Outcome:
    grouped: dict[str, list[KernelEvent]] = {}
    for event in events:
        recent = event.at_unix_s is None or event.at_unix_s > context.now - RECENT_S
        if recent and event.kind is KernelEventKind.DRIVER_ERROR:
            grouped.setdefault(event.subject, []).append(event)
    findings: list[Finding] = [
        raised(
            CODE,
            f"device:{device}",
            Severity.WARNING if len(found) >= WARNING_EVENTS or any(it.lasting for it in found) else Severity.INFO,
            rule=SPEC.rule,
            now=context.now,
            facts={"device": device, "events": len(found)},
            proof=tuple(
                evidence("kernel-log", str(item.at_unix_s or "time unknown"), item.line) for item in found[-3:]
            ),
        )
        for device, found in grouped.items()
    ]
    findings.sort(key=lambda finding: (-finding.severity.rank, finding.instance))
    count = sum(len(found) for found in grouped.values())
    return Outcome(tuple(findings[:FINDINGS_MAX]), (Metric("kernel.driver-errors", count),))


def _judge(seen: Seen, context: Context) -> Outcome:
    return check_driver_errors(seen.of(KERNEL_LOG).events, context)


SPEC = CheckSpec(
    id="driver-errors",
    number=34,
    version=1,
    title="Devices and their drivers",
    needs=(KERNEL_LOG,),
    judge=_judge,
    codes={
        CODE: rule(
            Words(
                "A device does not work as it should",
                "The driver of {device} reported errors (within a day: {events}). Plugging the device in again, or an "
                "update of the system, often helps.",
            ),
            Words(
                "Устройство работает с ошибками",
                "Драйвер устройства {device} сообщил об ошибках (за сутки: {events}). Часто помогает переподключить "
                "устройство или обновить систему.",
            ),
            after_s=15 * 60,
            looks=2,
            why="15 min: a device that is pulled out reports errors once",
        )
    },
    interval_s=900,
    interval_on_macos_s=3600,
    interval_on_windows_s=3600,
    cost=Cost.CHEAP,
    timeout_s=15,
    platforms=ALL_PLATFORMS,
)
