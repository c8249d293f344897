"""Check 18: how much of its first strength has the battery left?

Makers call a battery worn at 80 % after some hundred cycles; people notice below 60 %, and below 40 % a laptop goes
out while its screen still shows a fifth of charge.
"""

from __future__ import annotations

from diagnostics.checks.contract import CheckSpec, Context, Metric, Outcome, Seen, evidence, raised, rule
from diagnostics.collectors.contract import LINUX_ONLY, Cost
from diagnostics.collectors.sensors import BATTERIES
from diagnostics.findings import Fact, Finding, Severity
from diagnostics.hardware_observations import Batteries
from diagnostics.wording import Words

CODE = "battery-worn"
INFO_BELOW, WARNING_BELOW = 0.60, 0.40


def check_battery(batteries: Batteries, context: Context) -> Outcome:
    findings: list[Finding] = []
    metrics: list[Metric] = []
    for battery in batteries.batteries:
        health = min(1.0, battery.full / battery.design)
        instance = f"battery:{battery.name}"
        metrics.append(Metric("battery.health-fraction", round(health, 4), instance))
        if health >= INFO_BELOW:
            continue
        facts: dict[str, Fact] = {"name": battery.name, "health_fraction": round(health, 4)}
        if battery.cycles is not None:
            facts["cycles"] = battery.cycles
        shown = f"{battery.name}: full {battery.full} of {battery.design} by design, {battery.cycles or '?'} cycles"
        findings.append(
            raised(
                CODE,
                instance,
                Severity.WARNING if health < WARNING_BELOW else Severity.INFO,
                rule=SPEC.rule,
                now=context.now,
                facts=facts,
                proof=(evidence("power-supply", battery.name, shown),),
            )
        )
    return Outcome(tuple(findings), tuple(metrics))


def _judge(seen: Seen, context: Context) -> Outcome:
    return check_battery(seen.of(BATTERIES), context)


SPEC = CheckSpec(
    id="battery",
    number=18,
    version=1,
    title="Battery wear",
    needs=(BATTERIES,),
    judge=_judge,
    codes={
        CODE: rule(
            Words(
                "The battery is worn",
                "The battery {name} holds {health_fraction:percent} of what it held when it was new. The computer runs "
                "shorter without its cable and may go out suddenly. A new battery helps.",
            ),
            Words(
                "Батарея изношена",
                "Батарея {name} держит {health_fraction:percent} от новой. Без кабеля компьютер работает меньше и "
                "может внезапно выключиться. Поможет замена батареи.",
            ),
            after_s=86_400,
            looks=3,
            why="a day: the gauge itself is off by some per cent until the next full cycle",
        )
    },
    interval_s=3600,
    cost=Cost.CHEAP,
    timeout_s=5,
    platforms=LINUX_ONLY,
)
