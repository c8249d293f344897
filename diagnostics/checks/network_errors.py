"""Check 36: does the network lose what is sent?

Judged over the time since the look before: broken frames of each card, and how much TCP had to send again. Dropped
frames alone are no fault: a card drops what nobody asked for.
"""

from __future__ import annotations

from diagnostics.checks.contract import CheckSpec, Context, Metric, Outcome, Seen, evidence, raised, rule
from diagnostics.collectors.contract import ALL_PLATFORMS, Cost
from diagnostics.collectors.network import NETWORK
from diagnostics.collectors.sockets import TCP_COUNTERS
from diagnostics.findings import Finding, Severity
from diagnostics.machine.interface import Unreadable
from diagnostics.observations import Network
from diagnostics.rates import FIRST_LOOK, risen
from diagnostics.system_observations import TcpCounters
from diagnostics.wording import Words

ERRORS, RESENT = "network-card-errors", "network-loses-data"
# A good cable has one broken frame a month; ten a minute is a bad plug.
ERRORS_PER_S = 10 / 60
RESENT_FRACTION = 0.05
# Below this a few lost packets of a sleeping peer make a large share.
LEAST_SEGMENTS = 2_000


def check_network_errors(network: Network, tcp: TcpCounters | None, context: Context) -> Outcome:
    findings: list[Finding] = []
    metrics: list[Metric] = []
    compared = False
    for interface in network.interfaces:
        if interface.name.startswith(("lo", "veth")):
            continue
        instance = f"interface:{interface.name}"
        metrics.append(Metric("network.errors", interface.errors, instance))
        rise = risen(context.history, "network.errors", instance, interface.errors, now=context.now)
        compared = compared or rise is not None
        if rise is not None and rise.per_s >= ERRORS_PER_S:
            findings.append(
                raised(
                    ERRORS,
                    instance,
                    Severity.WARNING,
                    rule=SPEC.rule,
                    now=context.now,
                    facts={"interface": interface.name, "errors": int(rise.by), "over_s": rise.over_s},
                    proof=(evidence("ip", interface.name, f"{rise.by:g} broken frames in {rise.over_s} s"),),
                )
            )
    if tcp is not None:
        metrics.append(Metric("tcp.sent-segments", tcp.sent_segments))
        metrics.append(Metric("tcp.resent-segments", tcp.resent_segments))
        sent = risen(context.history, "tcp.sent-segments", "", tcp.sent_segments, now=context.now)
        again = risen(context.history, "tcp.resent-segments", "", tcp.resent_segments, now=context.now)
        compared = compared or sent is not None
        if sent and again and sent.by >= LEAST_SEGMENTS and again.by / sent.by >= RESENT_FRACTION:
            findings.append(
                raised(
                    RESENT,
                    "network",
                    Severity.WARNING,
                    rule=SPEC.rule,
                    now=context.now,
                    facts={"resent_fraction": round(again.by / sent.by, 4), "over_s": sent.over_s},
                    proof=(evidence("snmp", "Tcp", f"{again.by:g} of {sent.by:g} segments sent again"),),
                )
            )
    return Outcome(tuple(findings), tuple(metrics), "" if compared else FIRST_LOOK)


def _judge(seen: Seen, context: Context) -> Outcome:
    try:
        tcp = seen.of(TCP_COUNTERS)
    except Unreadable:
        tcp = None
    return check_network_errors(seen.of(NETWORK), tcp, context)


SPEC = CheckSpec(
    id="network-errors",
    number=36,
    version=1,
    title="Losses on the network",
    needs=(NETWORK,),
    wishes=(TCP_COUNTERS,),
    judge=_judge,
    codes={
        ERRORS: rule(
            Words(
                "The network connection has errors",
                "{interface} received {errors} broken frames within {over_s:duration}. A bad cable or plug is the "
                "usual reason.",
            ),
            Words(
                "Ошибки сетевого подключения",
                "{interface} получил испорченные кадры: {errors} за {over_s:duration}. Обычная причина — плохой кабель "
                "или разъём.",
            ),
            after_s=15 * 60,
            looks=3,
            why="15 min: pulling a cable makes errors once",
        ),
        RESENT: rule(
            Words(
                "Much of what is sent gets lost on the way",
                "{resent_fraction:percent} of what this computer sends has to be sent again. Pages and calls are slow; "
                "weak Wi-Fi or a full line are the usual reasons.",
            ),
            Words(
                "Много данных теряется по пути",
                "{resent_fraction:percent} отправленного приходится отправлять снова. Страницы и звонки тормозят; "
                "обычные причины — слабый Wi-Fi или перегруженная линия.",
            ),
            after_s=15 * 60,
            looks=3,
            why="15 min: one slow server is not the network",
        ),
    },
    interval_s=300,
    interval_on_windows_s=1800,
    cost=Cost.MODERATE,
    timeout_s=15,
    platforms=ALL_PLATFORMS,
)
