"""Check 44: does the virus scanner know of this week's viruses? Whether one is needed is not judged."""

from __future__ import annotations

from diagnostics.checks.contract import CheckSpec, Context, Metric, Outcome, Seen, evidence, raised, rule
from diagnostics.collectors.antivirus import ANTIVIRUS
from diagnostics.collectors.contract import LINUX_AND_MACOS, Cost
from diagnostics.findings import Severity
from diagnostics.system_observations import Antivirus
from diagnostics.wording import Words

CODE = "antivirus-signatures-old"
# New ones come daily; a week without them is a fault, not a holiday.
OLD_S = 7 * 86_400


def check_antivirus(antivirus: Antivirus, context: Context) -> Outcome:
    age_s = max(0, context.now - antivirus.signatures_unix_s)
    metrics = (Metric("antivirus.signatures-age-s", age_s),)
    if age_s < OLD_S:
        return Outcome((), metrics)
    finding = raised(
        CODE,
        "antivirus",
        Severity.WARNING,
        rule=SPEC.rule,
        now=context.now,
        facts={"name": antivirus.name, "age_s": age_s},
        proof=(evidence("clamav", "/var/lib/clamav", f"newest signatures are {age_s // 86_400} days old"),),
    )
    return Outcome((finding,), metrics)


def _judge(seen: Seen, context: Context) -> Outcome:
    return check_antivirus(seen.of(ANTIVIRUS), context)


SPEC = CheckSpec(
    id="antivirus",
    number=44,
    version=1,
    title="Virus signatures",
    needs=(ANTIVIRUS,),
    judge=_judge,
    codes={
        CODE: rule(
            Words(
                "The virus scanner is out of date",
                "{name} last learned of new viruses {age_s:duration} ago. It does not find newer ones until it is "
                "updated.",
            ),
            Words(
                "Антивирус устарел",
                "{name} последний раз узнавал о новых вирусах {age_s:duration} назад. Более новые он не найдёт, пока "
                "его не обновят.",
            ),
            after_s=86_400,
            looks=2,
            why="a day: a laptop that slept for a week fetches them when it wakes",
        )
    },
    interval_s=6 * 3600,
    cost=Cost.CHEAP,
    timeout_s=5,
    platforms=LINUX_AND_MACOS,
)
