"""Check 3: can the filesystem still take new files?

A filesystem made by ext4 has a fixed number of files; millions of small ones use it up while space is left. Where
files have no fixed number (btrfs, FAT) it is 0 and there is nothing to judge.
"""

from __future__ import annotations

from diagnostics.checks.contract import Cause, CheckSpec, Context, Metric, Outcome, Seen, evidence, raised, rule
from diagnostics.collectors.contract import LINUX_AND_MACOS, Cost
from diagnostics.collectors.filesystems import FILESYSTEMS
from diagnostics.findings import Finding, Severity
from diagnostics.foretold import foretold
from diagnostics.observations import Filesystem
from diagnostics.wording import Words

CODE, RUNNING_OUT = "inodes-low", "inodes-running-out"
# Foretold only from here on, as with space.
FORETOLD_FROM = 0.75
_METRIC = "disk.used-inodes-fraction"
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
        metrics.append(Metric(_METRIC, used / filesystem.total_inodes, instance))
        severity = severity_of(filesystem, already_raised=context.is_raised(CODE, instance))
        if severity is None:
            findings += _foretold(filesystem, instance, context)
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


def _foretold(filesystem: Filesystem, instance: str, context: Context) -> list[Finding]:
    used_fraction = 1 - filesystem.available_inodes / filesystem.total_inodes
    told = None if used_fraction < FORETOLD_FROM else foretold(_METRIC, instance, 1.0, context)
    if told is None:
        return []
    shown = f"{filesystem.mount}: {told.per_day:.1%} more of its inodes each day, {used_fraction:.0%} are taken"
    return [
        raised(
            RUNNING_OUT,
            instance,
            Severity.WARNING,
            rule=SPEC.rule,
            now=context.now,
            facts={
                "mount": filesystem.mount,
                "used_fraction": round(used_fraction, 4),
                "earliest_s": told.time_to_act.earliest_s,
                "latest_s": told.time_to_act.latest_s,
            },
            proof=(evidence("history", f"{_METRIC} {instance}", shown),),
            time_to_act=told.time_to_act,
        )
    ]


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
        ),
        RUNNING_OUT: rule(
            Words(
                "A disk runs out of places for files",
                "The disk at {mount} has {used_fraction:percent} of its places for files taken. If it goes on like "
                "this, none is left in {earliest_s:duration} to {latest_s:duration}, even with space left.",
            ),
            Words(
                "На диске заканчиваются места для файлов",
                "На диске {mount} занято {used_fraction:percent} мест для файлов. Если так продолжится, они закончатся "
                "через {earliest_s:duration} — {latest_s:duration}, даже если место останется.",
            ),
            after_s=2 * 3600,
            looks=3,
            why="three forecasts over two hours have to agree",
            hidden_under=(Cause(CODE, same_instance=True),),
        ),
    },
    interval_s=300,
    cost=Cost.CHEAP,
    timeout_s=5,
    platforms=LINUX_AND_MACOS,
)
