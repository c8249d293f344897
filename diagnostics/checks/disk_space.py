"""Check 1: is a filesystem nearly full?

Counted as `df` does: what ordinary users can have is the whole. Both a share and an absolute amount must be low,
because 10 % of a 20 TB disk is plenty and 2 GB of a 16 GB one is not. Read-only filesystems are left out.
"""

from __future__ import annotations

from dataclasses import dataclass

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
from diagnostics.collectors.contract import Cost
from diagnostics.collectors.filesystems import FILESYSTEMS
from diagnostics.findings import Finding, RemedyOffer, Severity
from diagnostics.observations import Filesystem
from diagnostics.wording import Language, Words, show_bytes

CODE = "disk-space-low"
_GB = 1_000_000_000
# Small filesystems (/boot, EFI) are judged by their share alone: 500 MB free is all they ever have.
SMALL_BYTES = 4 * _GB


@dataclass(frozen=True, slots=True)
class Threshold:
    severity: Severity
    available_fraction: float
    available_bytes: int


# Worst first.
THRESHOLDS = (
    Threshold(Severity.CRITICAL, 0.01, _GB // 2),  # programs already fail to save
    Threshold(Severity.ERROR, 0.05, 5 * _GB),  # the next large update does not fit
    Threshold(Severity.WARNING, 0.10, 20 * _GB),  # time to tidy without haste
)
# Cleared only 20 % above the line it was raised at, or it would come and go with every browser cache.
CLEAR_FACTOR = 1.2

CLEAN_USER_CACHE = RemedyOffer("clean-user-cache", risk=2, needs=(), reversible=True, estimated_s=30)


def severity_of(filesystem: Filesystem, *, already_raised: bool) -> Severity | None:
    """The worst threshold this filesystem is under; None when it has room."""
    usable = filesystem.used_bytes + filesystem.available_bytes
    if filesystem.read_only or usable <= 0:
        return None
    fraction = filesystem.available_bytes / usable
    for threshold in THRESHOLDS:
        factor = CLEAR_FACTOR if already_raised and threshold is THRESHOLDS[-1] else 1.0
        under_share = fraction < threshold.available_fraction * factor
        under_bytes = filesystem.available_bytes < threshold.available_bytes * factor
        if under_share and (under_bytes or usable < SMALL_BYTES):
            return threshold.severity
    return None


def check_disk_space(filesystems: tuple[Filesystem, ...], context: Context) -> Outcome:
    findings: list[Finding] = []
    metrics: list[Metric] = []
    for filesystem in filesystems:
        instance = f"disk:{filesystem.mount}"
        metrics.append(Metric("disk.used-fraction", filesystem.used_fraction, instance))
        metrics.append(Metric("disk.used-bytes", filesystem.used_bytes, instance))
        metrics.append(Metric("disk.available-bytes", filesystem.available_bytes, instance))
        severity = severity_of(filesystem, already_raised=context.is_raised(CODE, instance))
        if severity is None:
            continue
        shown = (
            f"{show_bytes(filesystem.available_bytes, Language.ENGLISH)} of "
            f"{show_bytes(filesystem.total_bytes, Language.ENGLISH)} available on {filesystem.mount} "
            f"({filesystem.kind}, {filesystem.used_fraction * 100:.1f} % used)"
        )
        # The cache of a person lies in their home, which is on the root filesystem or under /home.
        holds_homes = filesystem.mount in ("/", "/home", "/System/Volumes/Data") or (
            filesystem.mount.startswith(("/home/", "C:"))
        )
        findings.append(
            raised(
                CODE,
                instance,
                severity,
                rule=SPEC.rule,
                now=context.now,
                facts={
                    "mount": filesystem.mount,
                    "device": filesystem.device,
                    "kind": filesystem.kind,
                    "total_bytes": filesystem.total_bytes,
                    "available_bytes": filesystem.available_bytes,
                    "used_fraction": round(filesystem.used_fraction, 4),
                },
                proof=(evidence("statvfs", filesystem.mount, shown),),
                remedies=(CLEAN_USER_CACHE,) if holds_homes else (),
            )
        )
    return Outcome(tuple(findings), tuple(metrics))


def _judge(seen: Seen, context: Context) -> Outcome:
    return check_disk_space(seen.of(FILESYSTEMS).filesystems, context)


SPEC = CheckSpec(
    id="disk-space",
    number=1,
    version=1,
    title="Free disk space",
    needs=(FILESYSTEMS,),
    judge=_judge,
    codes={
        CODE: CodeRule(
            words=both(
                Words(
                    "Little disk space left",
                    "The disk at {mount} has {available_bytes:bytes} left of {total_bytes:bytes}. When it is full, "
                    "programs cannot save and updates fail. Deleting files you no longer need makes room.",
                ),
                Words(
                    "Мало места на диске",
                    "На диске {mount} осталось {available_bytes:bytes} из {total_bytes:bytes}. Когда место "
                    "закончится, программы не смогут сохранять файлы, а обновления — устанавливаться. Удалите "
                    "ненужные файлы.",
                ),
            ),
            visible_after_s=10 * 60,
            evaluations=2,
            why="10 min: a large download or an unpacked update comes and goes",
        )
    },
    interval_s=300,
    cost=Cost.CHEAP,
    timeout_s=5,
)
