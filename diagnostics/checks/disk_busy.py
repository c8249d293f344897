"""Check 6: do programs wait for a disk?

Judged over the time since the look before: how long a request took on average, and for how much of the time the disk
had one. Busy alone is no fault (a backup); busy while work waits (pressure), or slow by itself, is.
"""

from __future__ import annotations

from diagnostics.checks.contract import CheckSpec, Context, Metric, Outcome, Seen, evidence, raised, rule
from diagnostics.collectors.contract import ALL_PLATFORMS, Cost
from diagnostics.collectors.disk_activity import DISK_ACTIVITY, IO_PRESSURE
from diagnostics.findings import Finding, Severity
from diagnostics.hardware_observations import DiskActivities, IoPressure
from diagnostics.machine.interface import Unreadable
from diagnostics.rates import FIRST_LOOK, risen
from diagnostics.wording import Words

CODE = "disk-slow"
# A worn magnetic disk takes 20 ms a request; ten times of that people feel in every click.
SLOW_S, VERY_SLOW_S = 0.2, 1.0
# Fewer requests than one a second make no average.
LEAST_REQUESTS_PER_S = 1.0
BUSY_FRACTION = 0.9
# Share of the time in which nobody could work for waiting on disks.
STALLED = 0.3


def check_disk_busy(activities: DiskActivities, pressure: IoPressure | None, context: Context) -> Outcome:
    findings: list[Finding] = []
    metrics: list[Metric] = []
    compared = False
    stalled = pressure is not None and pressure.full.avg300 >= STALLED
    for disk in activities.disks:
        instance = f"disk:{disk.name}"
        counters = {"requests": disk.requests, "waited-ms": disk.waited_ms, "busy-ms": disk.busy_ms}
        metrics += [Metric(f"disk.{name}", value, instance) for name, value in counters.items()]
        rises = {
            name: risen(context.history, f"disk.{name}", instance, value, now=context.now)
            for name, value in counters.items()
        }
        requests, waited, busy = rises["requests"], rises["waited-ms"], rises["busy-ms"]
        if requests is None or waited is None or busy is None:
            continue
        compared = True
        latency_s = waited.by / 1000 / requests.by if requests.by else 0.0
        busy_fraction = min(1.0, busy.by / 1000 / busy.over_s)
        metrics.append(Metric("disk.busy-fraction", round(busy_fraction, 4), instance))
        if requests.per_s < LEAST_REQUESTS_PER_S and busy_fraction < BUSY_FRACTION:
            continue
        if latency_s < SLOW_S and not (busy_fraction >= BUSY_FRACTION and stalled):
            continue
        shown = f"{disk.name}: {latency_s * 1000:.0f} ms a request, busy {busy_fraction * 100:.0f} % of {busy.over_s} s"
        findings.append(
            raised(
                CODE,
                instance,
                Severity.ERROR if latency_s >= VERY_SLOW_S else Severity.WARNING,
                rule=SPEC.rule,
                now=context.now,
                facts={
                    "device": disk.name,
                    "latency_s": round(latency_s, 4),
                    "busy_fraction": round(busy_fraction, 4),
                    "work_stalled": stalled,
                },
                proof=(evidence("diskstats", disk.name, shown),),
            )
        )
    return Outcome(tuple(findings), tuple(metrics), "" if compared else FIRST_LOOK)


def _judge(seen: Seen, context: Context) -> Outcome:
    try:
        pressure = seen.of(IO_PRESSURE)
    except Unreadable:
        pressure = None
    return check_disk_busy(seen.of(DISK_ACTIVITY), pressure, context)


SPEC = CheckSpec(
    id="disk-busy",
    number=6,
    version=1,
    title="Waiting for disks",
    needs=(DISK_ACTIVITY,),
    wishes=(IO_PRESSURE,),
    judge=_judge,
    codes={
        CODE: rule(
            Words(
                "A disk is slow",
                "Programs wait for the disk {device}: it is busy {busy_fraction:percent} of the time. If no backup or "
                "update is running, the disk may be wearing out.",
            ),
            Words(
                "Диск работает медленно",
                "Программы ждут диск {device}: он занят {busy_fraction:percent} времени. Если сейчас не идёт "
                "резервное копирование или обновление, диск может быть изношен.",
            ),
            after_s=30 * 60,
            looks=3,
            why="30 min: backups and large updates keep a disk busy for that long",
        )
    },
    interval_s=300,
    interval_on_windows_s=3600,
    cost=Cost.CHEAP,
    timeout_s=15,
    platforms=ALL_PLATFORMS,
)
