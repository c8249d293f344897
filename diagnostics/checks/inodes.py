"""Check 3: can the filesystem still take new files?

A filesystem made by ext4 has a fixed number of files; millions of small ones use it up while space is left. Where
files have no fixed number (btrfs, FAT) it is 0 and there is nothing to judge.
"""

from __future__ import annotations

from diagnostics.checks.contract import CheckSpec, Context, Metric, Outcome, Seen, evidence, raised, rule
from diagnostics.collectors.contract import LINUX_ONLY, Cost
from diagnostics.collectors.filesystems import FILESYSTEMS
from diagnostics.findings import Finding, Severity
from diagnostics.observations import Filesystem
from diagnostics.wording import Words

CODE = "inodes-low"
# Worst first: share of files that can still be made.
THRESHOLDS = ((Severity.CRITICAL, 0.005), (Severity.ERROR, 0.03), (Severity.WARNING, 0.10))
CLEAR_FACTOR = 1.2


def severity_of(filesystem: Filesystem, *, already_raised: bool) -> Severity | None:
    if filesystem.read_only or filesystem.total_inodes <= 0:
        return None
    fraction = filesystem.available_inodes / filesystem.total_inodes
    for severity, least in THRESHOLDS:
        factor = CLEAR_FACTOR if already_raised and severity is Severity.WARNING else 1.0
        if fraction < least * factor:
            return severity
    return None


def check_inodes(filesystems: tuple[Filesystem, ...], context: Context) -> Outcome:
    findings: list[Finding] = []
    metrics: list[Metric] = []
    for filesystem in filesystems:
        if filesystem.total_inodes <= 0:
            continue
        instance = f"disk:{filesystem.mount}"
        used = filesystem.total_inodes - filesystem.available_inodes
        metrics.append(Metric("disk.used-inodes-fraction", used / filesystem.total_inodes, instance))
        severity = severity_of(filesystem, already_raised=context.is_raised(CODE, instance))
        if severity is None:
            continue
        shown = f"{filesystem.available_inodes} of {filesystem.total_inodes} inodes available on {filesystem.mount}"
        findings.append(
            raised(
                CODE,
                instance,
                severity,
                rule=SPEC.rule,
                now=context.now,
                facts={
                    "mount": filesystem.mount,
                    "kind": filesystem.kind,
                    "available_inodes": filesystem.available_inodes,
                    "total_inodes": filesystem.total_inodes,
                    "used_fraction": round(used / filesystem.total_inodes, 4),
                },
                proof=(evidence("statvfs", filesystem.mount, shown),),
            )
        )
    return Outcome(tuple(findings), tuple(metrics))


def _judge(seen: Seen, context: Context) -> Outcome:
    return check_inodes(seen.of(FILESYSTEMS).filesystems, context)


SPEC = CheckSpec(
    id="inodes",
    number=3,
    version=1,
    title="Room for more files",
    needs=(FILESYSTEMS,),
    judge=_judge,
    codes={
        CODE: rule(
            Words(
                "Too many small files on a disk",
                "The disk at {mount} can take only {available_inodes} more files, however small; "
                "{used_fraction:percent} of the places are taken. After that nothing can be saved, even with "
                "space left.",
            ),
            Words(
                "На диске слишком много мелких файлов",
                "На диске {mount} можно создать ещё {available_inodes} файлов, даже самых маленьких: занято "
                "{used_fraction:percent} мест. Потом ничего нельзя будет сохранить, хотя место останется.",
            ),
            after_s=10 * 60,
            looks=2,
            why="10 min: an update that unpacks thousands of files comes and goes",
        )
    },
    interval_s=300,
    cost=Cost.CHEAP,
    timeout_s=5,
    platforms=LINUX_ONLY,
)
