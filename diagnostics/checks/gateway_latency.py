"""Check 43: does the gateway answer fast and surely?

A gateway that answers no ping at all may be told not to: that is no finding (check 35 knows whether it is there).
"""

from __future__ import annotations

from diagnostics.checks.contract import Cause, CheckSpec, Context, Metric, Outcome, Seen, evidence, raised, rule
from diagnostics.collectors.contract import ALL_PLATFORMS, Cost
from diagnostics.collectors.gateway_echo import GATEWAY_ECHO
from diagnostics.findings import Severity
from diagnostics.system_observations import GatewayEcho
from diagnostics.wording import Words

CODE = "gateway-slow"
# The next room answers within 5 ms, over good Wi-Fi within 20.
SLOW_S = 0.1
LOST_FRACTION = 0.5


def check_gateway_latency(echo: GatewayEcho, context: Context) -> Outcome:
    if echo.received == 0 or echo.average_s is None or echo.sent <= 0:
        return Outcome((), (), "the gateway answers no pings")
    lost = 1 - echo.received / echo.sent
    metrics = (Metric("gateway.latency-s", echo.average_s), Metric("gateway.lost-fraction", lost))
    if echo.average_s < SLOW_S and lost < LOST_FRACTION:
        return Outcome((), metrics)
    shown = f"{echo.received} of {echo.sent} answered, {echo.average_s * 1000:.1f} ms on average"
    finding = raised(
        CODE,
        f"gateway:{echo.gateway}",
        Severity.WARNING,
        rule=SPEC.rule,
        now=context.now,
        facts={"gateway": echo.gateway, "latency_ms": round(echo.average_s * 1000, 1), "lost_fraction": lost},
        proof=(evidence("ping", echo.gateway, shown),),
    )
    return Outcome((finding,), metrics)


def _judge(seen: Seen, context: Context) -> Outcome:
    return check_gateway_latency(seen.of(GATEWAY_ECHO), context)


SPEC = CheckSpec(
    id="gateway-latency",
    number=43,
    version=1,
    title="The way to the router",
    needs=(GATEWAY_ECHO,),
    judge=_judge,
    codes={
        CODE: rule(
            Words(
                "The router answers slowly",
                "The router ({gateway}) answers after {latency_ms} ms and {lost_fraction:percent} of the questions get "
                "lost. Weak Wi-Fi, a full line or the router itself are the usual reasons.",
            ),
            Words(
                "Роутер отвечает медленно",
                "Роутер ({gateway}) отвечает через {latency_ms} мс, теряется {lost_fraction:percent} запросов. Обычные "
                "причины — слабый Wi-Fi, загруженная линия или сам роутер.",
            ),
            after_s=30 * 60,
            looks=3,
            why="30 min: a large download fills the line",
            hidden_under=(Cause("wifi-weak", same_instance=False),),
        )
    },
    interval_s=900,
    interval_on_windows_s=1800,
    cost=Cost.NETWORK,
    timeout_s=15,
    platforms=ALL_PLATFORMS,
)
