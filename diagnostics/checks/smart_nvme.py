"""Check 5: is an NVMe drive worn out, or does it lose data?

The drive's own critical warning decides first; then spare blocks near their threshold, errors it could not correct,
and a life that is used up (`percentage used` may pass 100).
"""

from __future__ import annotations

from diagnostics.checks.contract import CheckSpec, Context, Metric, Outcome, Seen, evidence, raised, rule
from diagnostics.collectors.contract import ALL_PLATFORMS, Cost
from diagnostics.collectors.disk_health import DISK_HEALTH
from diagnostics.findings import Finding, Severity, TimeToAct
from diagnostics.foretold import foretold
from diagnostics.hardware_observations import NvmeHealth
from diagnostics.machine.interface import Unreadable
from diagnostics.wording import Words

FAILING, WORN = "nvme-failing", "nvme-worn"
USED_WARNING, USED_ERROR = 0.90, 1.0
# Bit 1 is only the temperature, which check 16 judges by itself.
_TEMPERATURE_BIT = 0b10


def check_smart_nvme(drives: tuple[NvmeHealth, ...], context: Context) -> Outcome:
    findings: list[Finding] = []
    metrics: list[Metric] = []
    for drive in drives:
        instance = f"disk:{drive.device}"
        metrics += [
            Metric("nvme.used-fraction", drive.used_fraction, instance),
            Metric("nvme.media-errors", drive.media_errors, instance),
        ]
        spare, least = drive.available_spare_fraction, drive.spare_threshold_fraction
        if spare is not None:
            metrics.append(Metric("nvme.spare-fraction", spare, instance))
        code, severity = "", Severity.WARNING
        if drive.critical_warning & ~_TEMPERATURE_BIT:
            code, severity = FAILING, Severity.CRITICAL
        elif drive.media_errors > 0 or (spare is not None and least is not None and spare <= least):
            code, severity = FAILING, Severity.ERROR
        elif drive.used_fraction >= USED_WARNING:
            code, severity = WORN, Severity.ERROR if drive.used_fraction >= USED_ERROR else Severity.WARNING
        if not code:
            continue
        spared = "" if spare is None else f"spare {spare:.0%}, "
        shown = (
            f"critical warning {drive.critical_warning:#04x}, {spared}"
            f"used {drive.used_fraction:.0%}, media errors {drive.media_errors}"
        )
        findings.append(
            raised(
                code,
                instance,
                severity,
                rule=SPEC.rule,
                now=context.now,
                facts={
                    "device": drive.device,
                    "model": drive.model,
                    "used_fraction": drive.used_fraction,
                    **({} if spare is None else {"spare_fraction": spare}),
                    "media_errors": drive.media_errors,
                    "counts": shown,
                },
                proof=(evidence("smartctl", drive.device, f"{drive.model}: {shown}"),),
                time_to_act=_used_up(instance, context) if code == WORN else None,
            )
        )
    return Outcome(tuple(findings), tuple(metrics))


def _used_up(instance: str, context: Context) -> TimeToAct | None:
    told = foretold("nvme.used-fraction", instance, USED_ERROR, context)
    return None if told is None else told.time_to_act


def _judge(seen: Seen, context: Context) -> Outcome:
    drives = seen.of(DISK_HEALTH).nvme
    if not drives:
        raise Unreadable("no NVMe drive tells of its health here")
    return check_smart_nvme(drives, context)


_AT_ONCE = "these counters never go back: there is nothing to wait for"

SPEC = CheckSpec(
    id="smart-nvme",
    number=5,
    version=1,
    title="Health of NVMe drives",
    needs=(DISK_HEALTH,),
    judge=_judge,
    codes={
        FAILING: rule(
            Words(
                "A drive is failing",
                "The drive {device} ({model}) reports: {counts}. It may stop working any day. Back up what matters now "
                "and have it replaced.",
            ),
            Words(
                "Накопитель выходит из строя",
                "Накопитель {device} ({model}) сообщает: {counts}. Он может отказать в любой день. Сразу скопируйте "
                "важное и замените накопитель.",
            ),
            after_s=0,
            looks=1,
            why=_AT_ONCE,
        ),
        WORN: rule(
            Words(
                "A drive has nearly used up its life",
                "The drive {device} ({model}) has used {used_fraction:percent} of the life its maker promises. Plan to "
                "replace it, and make sure that there is a backup.",
            ),
            Words(
                "Ресурс накопителя почти исчерпан",
                "Накопитель {device} ({model}) израсходовал {used_fraction:percent} ресурса, обещанного изготовителем. "
                "Запланируйте замену и проверьте, что есть резервная копия.",
            ),
            after_s=0,
            looks=1,
            why=_AT_ONCE,
        ),
    },
    interval_s=6 * 3600,
    cost=Cost.COSTLY,
    timeout_s=15,
    platforms=ALL_PLATFORMS,
)
