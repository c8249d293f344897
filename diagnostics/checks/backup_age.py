"""Check 9: is the last backup too old?

Judged is each backup program that has ever left a mark here, by its own newest one. A machine without any mark may be
backed up by its server: that is not known here, and nothing is said.
"""

from __future__ import annotations

from diagnostics.checks.contract import CheckSpec, Context, Metric, Outcome, Seen, evidence, raised, rule
from diagnostics.collectors.backups import BACKUPS
from diagnostics.collectors.contract import ALL_PLATFORMS, Cost
from diagnostics.findings import Finding, Severity
from diagnostics.system_observations import Backups
from diagnostics.wording import Words

CODE = "backup-old"
# Plans are daily or weekly; two weeks miss both. Two months of work are a loss people do not get over.
WARNING_S, ERROR_S = 14 * 86_400, 60 * 86_400
# Older than this the program was given up, and another one may do its work.
GIVEN_UP_S = 400 * 86_400


def check_backup_age(backups: Backups, context: Context) -> Outcome:
    findings: list[Finding] = []
    metrics: list[Metric] = []
    by_owner: dict[str, int] = {}
    for mark in backups.marks:
        by_owner[mark.owner] = max(by_owner.get(mark.owner, 0), mark.newest_unix_s)
    for mark in backups.marks:
        age_s = max(0, context.now - mark.newest_unix_s)
        instance = f"backup:{mark.program}:{mark.owner}"
        metrics.append(Metric("backup.age-s", age_s, instance))
        # Who changed from one program to another is backed up by the newer one.
        replaced = mark.newest_unix_s < by_owner[mark.owner]
        if age_s < WARNING_S or replaced or age_s > GIVEN_UP_S:
            continue
        findings.append(
            raised(
                CODE,
                instance,
                Severity.ERROR if age_s >= ERROR_S else Severity.WARNING,
                rule=SPEC.rule,
                now=context.now,
                facts={"program": mark.program, "owner": mark.owner, "age_s": age_s},
                proof=(
                    evidence("backups", mark.program, f"the newest one of {mark.owner} is {age_s // 86_400} days old"),
                ),
            )
        )
    return Outcome(tuple(findings), tuple(metrics))


def _judge(seen: Seen, context: Context) -> Outcome:
    return check_backup_age(seen.of(BACKUPS), context)


SPEC = CheckSpec(
    id="backup-age",
    number=9,
    version=1,
    title="The last backup",
    needs=(BACKUPS,),
    judge=_judge,
    codes={
        CODE: rule(
            Words(
                "The last backup is old",
                "The last backup by {program} was made {age_s:duration} ago. What was written since would be lost with "
                "the disk. Connect the backup drive, or start a backup now.",
            ),
            Words(
                "Резервная копия устарела",
                "Последняя копия программой {program} сделана {age_s:duration} назад. Всё записанное с тех пор "
                "пропадёт вместе с диском. Подключите диск для копий или запустите копирование.",
            ),
            after_s=86_400,
            looks=2,
            why="a day: after a holiday the next backup may be about to run",
        )
    },
    interval_s=6 * 3600,
    cost=Cost.CHEAP,
    timeout_s=15,
    platforms=ALL_PLATFORMS,
)
