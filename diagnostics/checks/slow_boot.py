"""Check 19: does the computer take long to start?

Firmware and loader wait for a person's key on some machines; judged is what the system itself takes.
"""

from __future__ import annotations

from diagnostics.checks.contract import CheckSpec, Context, Metric, Outcome, Seen, evidence, raised, rule
from diagnostics.collectors.contract import ALL_PLATFORMS, Cost
from diagnostics.collectors.start_time import START_TIME
from diagnostics.findings import Severity
from diagnostics.system_observations import StartTime
from diagnostics.wording import Words

CODE = "boot-slow"
# A magnetic disk needs a minute; what takes two waits for something that does not come (90 s is systemd's patience).
SLOW_S = 120.0
_OWN_PARTS = ("kernel", "initrd", "userspace")


def check_slow_boot(start: StartTime, context: Context) -> Outcome:
    taken_s = sum(start.parts_s.get(part, 0.0) for part in _OWN_PARTS)
    metrics = (Metric("boot.own-s", round(taken_s, 1)),)
    if taken_s < SLOW_S:
        return Outcome((), metrics)
    shown = ", ".join(f"{part} {seconds:.1f} s" for part, seconds in start.parts_s.items())
    finding = raised(
        CODE,
        "system",
        Severity.INFO,
        rule=SPEC.rule,
        now=context.now,
        facts={"taken_s": round(taken_s, 1)},
        proof=(evidence("systemd-analyze", "time", shown),),
    )
    return Outcome((finding,), metrics)


def _judge(seen: Seen, context: Context) -> Outcome:
    return check_slow_boot(seen.of(START_TIME), context)


SPEC = CheckSpec(
    id="slow-boot",
    number=19,
    version=1,
    title="Time to start",
    needs=(START_TIME,),
    judge=_judge,
    codes={
        CODE: rule(
            Words(
                "The computer takes long to start",
                "The last start took {taken_s:duration} after the maker's logo. Something waits for a disk, a network "
                "or a program that does not come.",
            ),
            Words(
                "Компьютер долго запускается",
                "Последний запуск после логотипа изготовителя занял {taken_s:duration}. Что-то ждёт диск, сеть или "
                "программу, которые не отвечают.",
            ),
            after_s=0,
            looks=1,
            why="it is measured once a start",
        )
    },
    interval_s=6 * 3600,
    cost=Cost.MODERATE,
    timeout_s=15,
    platforms=ALL_PLATFORMS,
)
