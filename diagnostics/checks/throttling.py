"""Check 17: do the processors slow down for heat?

Linux counts each time; some a day are ordinary on a laptop, and the rate since the look before is judged. macOS does
not count, it tells how fast the processors may run just now.
"""

from __future__ import annotations

from diagnostics.checks.contract import Cause, CheckSpec, Context, Metric, Outcome, Seen, evidence, raised, rule
from diagnostics.collectors.contract import ALL_PLATFORMS, Cost
from diagnostics.collectors.sensors import THROTTLING
from diagnostics.findings import Fact, Severity
from diagnostics.hardware_observations import Throttling
from diagnostics.rates import FIRST_LOOK, risen
from diagnostics.wording import Words

CODE, HELD = "cpu-throttled", "cpu-held-down"
# Once every ten seconds: the processor is held down, not only trimmed at a peak.
LEAST_PER_S = 0.1
_METRIC = "cpu.throttle-events"
# A tenth less is trimmed at a peak; a fifth people feel.
HELD_FRACTION = 0.8


def _held(limit_fraction: float, context: Context) -> Outcome:
    metrics = (Metric("cpu.limit-fraction", limit_fraction),)
    if limit_fraction > HELD_FRACTION:
        return Outcome((), metrics)
    finding = raised(
        HELD,
        "cpu",
        Severity.WARNING,
        rule=SPEC.rule,
        now=context.now,
        facts={"limit_fraction": limit_fraction},
        proof=(evidence("pmset", "therm", f"held at {limit_fraction:.0%} for heat"),),
    )
    return Outcome((finding,), metrics)


def check_throttling(throttling: Throttling, context: Context) -> Outcome:
    if throttling.limit_fraction is not None:
        return _held(throttling.limit_fraction, context)
    metrics = (Metric(_METRIC, throttling.events),)
    if throttling.over_s:
        # Told of a window of time (Windows): the share of it in which the firmware held the processors down.
        if throttling.limited_s / throttling.over_s < LEAST_PER_S:
            return Outcome((), metrics)
        shown = f"held down for {throttling.limited_s} of {throttling.over_s} s, {throttling.events} reports"
        facts: dict[str, Fact] = {"events": throttling.events, "over_s": throttling.over_s}
        proof = (evidence("event-log", "Kernel-Processor-Power 37", shown),)
        held = raised(CODE, "cpu", Severity.WARNING, rule=SPEC.rule, now=context.now, facts=facts, proof=proof)
        return Outcome((held,), metrics)
    rise = risen(context.history, _METRIC, "", throttling.events, now=context.now)
    if rise is None:
        return Outcome((), metrics, FIRST_LOOK)
    if rise.per_s < LEAST_PER_S:
        return Outcome((), metrics)
    finding = raised(
        CODE,
        "cpu",
        Severity.WARNING,
        rule=SPEC.rule,
        now=context.now,
        facts={"events": int(rise.by), "over_s": rise.over_s},
        proof=(evidence("thermal-throttle", "core_throttle_count", f"{rise.by:g} times in {rise.over_s} s"),),
    )
    return Outcome((finding,), metrics)


def _judge(seen: Seen, context: Context) -> Outcome:
    return check_throttling(seen.of(THROTTLING), context)


SPEC = CheckSpec(
    id="throttling",
    number=17,
    version=1,
    title="Processors slowed down by heat",
    needs=(THROTTLING,),
    judge=_judge,
    codes={
        CODE: rule(
            Words(
                "The processor slows down because it is hot",
                "Within {over_s:duration} the processor slowed itself down {events}×. The computer is slower than it "
                "could be; clean the fan and free the vents.",
            ),
            Words(
                "Процессор замедляется из-за нагрева",
                "За {over_s:duration} процессор замедлялся раз: {events}. Компьютер работает медленнее, чем мог бы; "
                "очистите вентилятор и вентиляционные отверстия.",
            ),
            after_s=30 * 60,
            looks=3,
            why="30 min: one long calculation heats every laptop",
            hidden_under=(Cause("temperature-high", same_instance=False),),
        ),
        HELD: rule(
            Words(
                "The processor is held down because it is hot",
                "The system lets the processor run at {limit_fraction:percent} of its speed, to cool it. Clean the "
                "fan, free the vents, and take the computer off the blanket or out of the sun.",
            ),
            Words(
                "Процессор замедлен из-за нагрева",
                "Чтобы охладить процессор, система разрешает ему {limit_fraction:percent} скорости. Очистите "
                "вентилятор и отверстия, не ставьте компьютер на мягкое и на солнце.",
            ),
            after_s=30 * 60,
            looks=3,
            why="30 min: one long calculation heats every laptop",
            hidden_under=(Cause("temperature-high", same_instance=False),),
        ),
    },
    interval_s=300,
    cost=Cost.CHEAP,
    timeout_s=15,
    platforms=ALL_PLATFORMS,
)
