"""Check 18: how much of its first strength has the battery left?

Makers call a battery worn at 80 % after some hundred cycles; people notice below 60 %, and below 40 % a laptop goes
out while its screen still shows a fifth of charge.
"""

from __future__ import annotations

from diagnostics.checks.contract import Cause, CheckSpec, Context, Metric, Outcome, Seen, evidence, raised, rule
from diagnostics.collectors.contract import ALL_PLATFORMS, Cost
from diagnostics.collectors.sensors import BATTERIES
from diagnostics.findings import Fact, Finding, Severity
from diagnostics.foretold import foretold
from diagnostics.hardware_observations import Batteries
from diagnostics.wording import Words

CODE, WEARING = "battery-worn", "battery-wearing-fast"
_METRIC = "battery.health-fraction"
INFO_BELOW, WARNING_BELOW = 0.60, 0.40


def check_battery(batteries: Batteries, context: Context) -> Outcome:
    findings: list[Finding] = []
    metrics: list[Metric] = []
    for battery in batteries.batteries:
        health = min(1.0, battery.full / battery.design)
        instance = f"battery:{battery.name}"
        metrics.append(Metric(_METRIC, round(health, 4), instance))
        if health >= INFO_BELOW:
            findings += _foretold(battery.name, health, instance, context)
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


def _foretold(name: str, health: float, instance: str, context: Context) -> list[Finding]:
    """A battery that gets to where people notice within a month is broken rather than old."""
    told = foretold(_METRIC, instance, INFO_BELOW, context, falling=True)
    if told is None:
        return []
    shown = f"{name}: {health:.0%} of its design, {told.per_day:.2%} less each day"
    return [
        raised(
            WEARING,
            instance,
            Severity.INFO,
            rule=SPEC.rule,
            now=context.now,
            facts={"name": name, "health_fraction": round(health, 4), "latest_s": told.time_to_act.latest_s},
            proof=(evidence("history", f"{_METRIC} {instance}", shown),),
            time_to_act=told.time_to_act,
        )
    ]


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
        ),
        WEARING: rule(
            Words(
                "The battery wears fast",
                "The battery {name} still holds {health_fraction:percent} of what it held when it was new, but loses "
                "so fast that it will be worn within {latest_s:duration}. It may be broken: ask about its guarantee.",
            ),
            Words(
                "Батарея быстро изнашивается",
                "Батарея {name} ещё держит {health_fraction:percent} от новой, но теряет так быстро, что износится в "
                "течение {latest_s:duration}. Возможно, она неисправна: спросите о гарантии.",
            ),
            after_s=86_400,
            looks=3,
            why="a day: the gauge itself is off by some per cent until the next full cycle",
            hidden_under=(Cause(CODE, same_instance=True),),
        ),
    },
    interval_s=3600,
    interval_on_windows_s=6 * 3600,
    cost=Cost.CHEAP,
    timeout_s=15,
    platforms=ALL_PLATFORMS,
)
