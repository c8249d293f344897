"""Check 2: when will a filesystem be full, if it goes on like this?

Foretold from the history of check 1 (`forecast.py` says when it dares to). Silent while a quarter of the disk is
free. A disk that has filled up stops rising, and keeps its finding.
"""

from __future__ import annotations

from diagnostics.checks import disk_space
from diagnostics.checks.contract import (
    Cause,
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
from diagnostics.findings import Finding, Severity, TimeToAct
from diagnostics.forecast import DAY_S, Outlook, Verdict, foretell
from diagnostics.history import KEPT_S
from diagnostics.machine.interface import Unreadable
from diagnostics.observations import Filesystem
from diagnostics.wording import Language, Words, show_bytes, show_duration

CODE = "disk-filling"
AVAILABLE_FRACTION_MAX = 0.25
# Below this it is full for all that matters, and the line has gone flat.
FULL_FRACTION = 0.02
# Sooner than this nobody can wait for the next visit.
URGENT_S = 3 * DAY_S


def check_disk_fill(filesystems: tuple[Filesystem, ...], context: Context) -> Outcome:
    """Raises Unreadable when no filesystem has enough history yet: then nothing was checked."""
    findings: list[Finding] = []
    metrics: list[Metric] = []
    too_little: list[str] = []
    judged = 0
    for filesystem in filesystems:
        if filesystem.read_only or filesystem.kind == "tmpfs":
            continue
        instance = f"disk:{filesystem.mount}"
        usable = filesystem.used_bytes + filesystem.available_bytes
        points = context.history.series("disk.used-bytes", instance, since_unix_s=context.now - KEPT_S)
        outlook = foretell(points, float(usable), now=context.now, boot_unix_s=context.boot_unix_s)
        if outlook.verdict is Verdict.TOO_LITTLE:
            too_little.append(f"{filesystem.mount}: {outlook.reason}")
            continue
        judged += 1
        if outlook.slope_per_day is not None:
            metrics.append(Metric("disk.growth-bytes-a-day", outlook.slope_per_day, instance))
        finding = _finding(filesystem, instance, outlook, usable, context)
        if finding is not None:
            findings.append(finding)
    if judged == 0:
        more = f" (and {len(too_little) - 1} more)" if len(too_little) > 1 else ""
        raise Unreadable(too_little[0] + more if too_little else "no filesystem that can fill up")
    return Outcome(tuple(findings), tuple(metrics))


def _finding(filesystem: Filesystem, instance: str, outlook: Outlook, usable: int, context: Context) -> Finding | None:
    fraction = filesystem.available_bytes / usable if usable > 0 else 1.0
    if fraction >= AVAILABLE_FRACTION_MAX:
        return None
    time_to_act = outlook.time_to_limit
    if fraction < FULL_FRACTION and context.is_raised(CODE, instance):
        time_to_act = TimeToAct(0, 0, 0)
    if time_to_act is None:
        return None
    growth = outlook.slope_per_day or 0.0
    shown = (
        f"{filesystem.mount}: {show_bytes(growth, Language.ENGLISH)} a day over 7 days, "
        f"{show_bytes(filesystem.available_bytes, Language.ENGLISH)} left: full in "
        f"{show_duration(time_to_act.earliest_s, Language.ENGLISH)} to "
        f"{show_duration(time_to_act.latest_s, Language.ENGLISH)}"
    )
    return raised(
        CODE,
        instance,
        Severity.ERROR if time_to_act.likely_s < URGENT_S else Severity.WARNING,
        rule=SPEC.rule,
        now=context.now,
        facts={
            "mount": filesystem.mount,
            "available_bytes": filesystem.available_bytes,
            "growth_bytes_a_day": round(growth),
            "earliest_s": time_to_act.earliest_s,
            "likely_s": time_to_act.likely_s,
            "latest_s": time_to_act.latest_s,
        },
        proof=(evidence("history", f"disk.used-bytes {instance}", shown),),
        remedies=(disk_space.CLEAN_USER_CACHE,) if filesystem.mount in ("/", "/home") else (),
        time_to_act=time_to_act,
    )


def _judge(seen: Seen, context: Context) -> Outcome:
    return check_disk_fill(seen.of(FILESYSTEMS).filesystems, context)


SPEC = CheckSpec(
    id="disk-fill-forecast",
    number=2,
    version=1,
    title="When the disk will be full",
    needs=(FILESYSTEMS,),
    judge=_judge,
    codes={
        CODE: CodeRule(
            words=both(
                Words(
                    "The disk is filling up",
                    "The disk at {mount} grows by {growth_bytes_a_day:bytes} a day. If that goes on, it is full in "
                    "{earliest_s:duration} to {latest_s:duration}.",
                ),
                Words(
                    "Диск заполняется",
                    "Занятое место на диске {mount} растёт на {growth_bytes_a_day:bytes} в день. Если так "
                    "продолжится, место закончится через {earliest_s:duration} — {latest_s:duration}.",
                ),
            ),
            visible_after_s=0,
            evaluations=3,
            why="three forecasts in a row have to agree",
            hidden_under=(Cause(disk_space.CODE, same_instance=True),),
        )
    },
    interval_s=3600,
    cost=Cost.CHEAP,
    timeout_s=5,
)
