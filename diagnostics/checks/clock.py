"""Check 42: is the clock right, and kept right?

A clock some minutes off makes certificates invalid and sign-ins fail. How far it is off is known where chrony keeps
it; systemd's service only tells whether it is.
"""

from __future__ import annotations

from diagnostics.checks.contract import CheckSpec, Context, Metric, Outcome, Seen, evidence, raised, rule
from diagnostics.collectors.clock_sync import CLOCK_SYNC
from diagnostics.collectors.contract import ALL_PLATFORMS, Cost
from diagnostics.findings import Finding, Severity
from diagnostics.system_observations import ClockSync
from diagnostics.wording import Words

OFF, UNKEPT = "clock-wrong", "clock-not-kept"
# Kerberos refuses at 300 s; one-time passwords at 30 s; logs of two machines no longer fit together at 1 s.
WARNING_S, ERROR_S = 1.0, 30.0


def check_clock(sync: ClockSync, context: Context) -> Outcome:
    findings: list[Finding] = []
    metrics: tuple[Metric, ...] = ()
    if sync.offset_s is not None:
        metrics = (Metric("clock.offset-s", sync.offset_s),)
        off_s = abs(sync.offset_s)
        if off_s >= WARNING_S:
            findings.append(
                raised(
                    OFF,
                    "clock",
                    Severity.ERROR if off_s >= ERROR_S else Severity.WARNING,
                    rule=SPEC.rule,
                    now=context.now,
                    facts={"offset_s": sync.offset_s, "off_s": off_s},
                    proof=(evidence(sync.source, "offset", f"the clock is {sync.offset_s:+.3f} s off"),),
                )
            )
    if not sync.synchronised:
        shown = f"synchronised: no; kept by a service: {'yes' if sync.enabled else 'no'}"
        findings.append(
            raised(
                UNKEPT,
                "clock",
                Severity.WARNING,
                rule=SPEC.rule,
                now=context.now,
                facts={"service_enabled": sync.enabled},
                proof=(evidence(sync.source, "synchronised", shown),),
            )
        )
    return Outcome(tuple(findings), metrics)


def _judge(seen: Seen, context: Context) -> Outcome:
    return check_clock(seen.of(CLOCK_SYNC), context)


SPEC = CheckSpec(
    id="clock",
    number=42,
    version=1,
    title="The clock",
    needs=(CLOCK_SYNC,),
    judge=_judge,
    codes={
        OFF: rule(
            Words(
                "The clock is wrong",
                "The clock of this computer is {off_s:duration} off. Secure pages, sign-ins and calendars fail with a "
                "wrong clock.",
            ),
            Words(
                "Часы идут неверно",
                "Часы компьютера сбились на {off_s:duration}. С неверными часами не открываются защищённые страницы, "
                "не работают вход и календари.",
            ),
            after_s=10 * 60,
            looks=2,
            why="10 min: after sleep a clock is set right by steps",
        ),
        UNKEPT: rule(
            Words(
                "Nothing keeps the clock right",
                "The clock of this computer is not compared with any time server, so it will drift. Switching on "
                "automatic time helps.",
            ),
            Words(
                "Часы не сверяются с точным временем",
                "Часы компьютера не сверяются с серверами времени и будут отставать или спешить. Включите "
                "автоматическую установку времени.",
            ),
            after_s=6 * 3600,
            looks=3,
            why="6 h: a laptop may be without a network that long",
        ),
    },
    interval_s=900,
    cost=Cost.MODERATE,
    timeout_s=15,
    platforms=ALL_PLATFORMS,
)
