"""Check 44: is the virus scanner on, and does it know of this week's viruses? Whether one is needed is not judged."""

from __future__ import annotations

from diagnostics.checks.contract import CheckSpec, Context, Metric, Outcome, Seen, evidence, raised, rule
from diagnostics.collectors.antivirus import ANTIVIRUS
from diagnostics.collectors.contract import ALL_PLATFORMS, Cost
from diagnostics.findings import Fact, Severity
from diagnostics.system_observations import Antivirus
from diagnostics.wording import Words

CODE, OFF, OUTDATED = "antivirus-signatures-old", "antivirus-off", "antivirus-outdated"
# New ones come daily; a week without them is a fault, not a holiday.
OLD_S = 7 * 86_400
# Apple renews XProtect when there is something to say: twice a month, with pauses of some weeks.
OLD_S_BY_NAME = {"XProtect": 60 * 86_400}


def check_antivirus(antivirus: Antivirus, context: Context) -> Outcome:
    """One finding: a scanner that does not guard is told before one that guards with old signatures."""
    metrics: tuple[Metric, ...] = ()
    age_s = None
    if antivirus.signatures_unix_s is not None:
        age_s = max(0, context.now - antivirus.signatures_unix_s)
        metrics = (Metric("antivirus.signatures-age-s", age_s),)
    facts: dict[str, Fact] = {"name": antivirus.name}
    if antivirus.enabled is False:
        code, shown = OFF, f"{antivirus.name} is switched off"
    elif age_s is not None and age_s >= OLD_S_BY_NAME.get(antivirus.name, OLD_S):
        code, shown = CODE, f"newest signatures are {age_s // 86_400} days old"
        facts["age_s"] = age_s
    elif age_s is None and antivirus.outdated:
        code, shown = OUTDATED, f"{antivirus.name} calls itself out of date"
    else:
        return Outcome((), metrics)
    finding = raised(
        code,
        "antivirus",
        Severity.WARNING,
        rule=SPEC.rule,
        now=context.now,
        facts=facts,
        proof=(evidence("antivirus", antivirus.name, shown),),
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
        ),
        OFF: rule(
            Words(
                "The virus scanner is switched off",
                "{name} does not guard this computer now. Open its window and switch it on; if somebody told you on "
                "the phone to switch it off, ask for help.",
            ),
            Words(
                "Антивирус выключен",
                "{name} сейчас не защищает компьютер. Откройте его окно и включите защиту; если вас попросили "
                "выключить её по телефону, обратитесь за помощью.",
            ),
            after_s=30 * 60,
            looks=2,
            why="30 min: installers and updates of the scanner itself switch it off for a while",
        ),
        OUTDATED: rule(
            Words(
                "The virus scanner calls itself out of date",
                "{name} says that it does not know of the newest viruses. Let it update itself; its licence may have "
                "ended.",
            ),
            Words(
                "Антивирус сообщает, что устарел",
                "{name} сообщает, что не знает новейших вирусов. Дайте ему обновиться; возможно, закончилась лицензия.",
            ),
            after_s=86_400,
            looks=2,
            why="a day: a laptop that slept for a week fetches them when it wakes",
        ),
    },
    interval_s=6 * 3600,
    cost=Cost.CHEAP,
    timeout_s=15,
    platforms=ALL_PLATFORMS,
)
