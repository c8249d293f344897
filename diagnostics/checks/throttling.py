"""Check 17: do the processors slow down for heat?

The kernel counts each time; some a day are ordinary on a laptop. Judged by the rate since the look before.
"""

from __future__ import annotations

from diagnostics.checks.contract import Cause, CheckSpec, Context, Metric, Outcome, Seen, evidence, raised, rule
from diagnostics.collectors.contract import LINUX_AND_MACOS, Cost
from diagnostics.collectors.sensors import THROTTLING
from diagnostics.findings import Severity
from diagnostics.hardware_observations import Throttling
from diagnostics.rates import FIRST_LOOK, risen
from diagnostics.wording import Words

CODE = "cpu-throttled"
# Once every ten seconds: the processor is held down, not only trimmed at a peak.
LEAST_PER_S = 0.1
_METRIC = "cpu.throttle-events"


def check_throttling(throttling: Throttling, context: Context) -> Outcome:
    metrics = (Metric(_METRIC, throttling.events),)
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
        )
    },
    interval_s=300,
    cost=Cost.CHEAP,
    timeout_s=5,
    platforms=LINUX_AND_MACOS,
)
