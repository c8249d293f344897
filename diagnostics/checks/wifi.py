"""Check 39: is the Wi-Fi signal too weak to work with?

Below -78 dBm most cards fall back to a few Mbit/s and lose packets; video calls need about -67.
"""

from __future__ import annotations

from diagnostics.checks.contract import CheckSpec, Context, Metric, Outcome, Seen, evidence, raised, rule
from diagnostics.collectors.contract import ALL_PLATFORMS, Cost
from diagnostics.collectors.wireless import WIRELESS
from diagnostics.findings import Finding, Severity
from diagnostics.hardware_observations import WirelessLinks
from diagnostics.wording import Words

CODE = "wifi-weak"
WEAK_DBM, CLEAR_DBM = -78.0, -72.0


def check_wifi(wireless: WirelessLinks, context: Context) -> Outcome:
    findings: list[Finding] = []
    metrics: list[Metric] = []
    for link in wireless.links:
        instance = f"interface:{link.interface}"
        metrics.append(Metric("wifi.level-dbm", link.level_dbm, instance))
        if link.level_dbm > (CLEAR_DBM if context.is_raised(CODE, instance) else WEAK_DBM):
            continue
        findings.append(
            raised(
                CODE,
                instance,
                Severity.WARNING,
                rule=SPEC.rule,
                now=context.now,
                facts={"interface": link.interface, "level_dbm": link.level_dbm},
                proof=(evidence("wireless", link.interface, f"{link.interface}: {link.level_dbm:g} dBm"),),
            )
        )
    return Outcome(tuple(findings), tuple(metrics))


def _judge(seen: Seen, context: Context) -> Outcome:
    return check_wifi(seen.of(WIRELESS), context)


SPEC = CheckSpec(
    id="wifi",
    number=39,
    version=1,
    title="Wi-Fi signal",
    needs=(WIRELESS,),
    judge=_judge,
    codes={
        CODE: rule(
            Words(
                "The Wi-Fi signal is weak",
                "The signal of {interface} is {level_dbm} dBm; pages and calls will stall. Move nearer to the router, "
                "or use a cable.",
            ),
            Words(
                "Слабый сигнал Wi-Fi",
                "Сигнал {interface} — {level_dbm} dBm: страницы и звонки будут прерываться. Подойдите ближе к роутеру "
                "или подключите кабель.",
            ),
            after_s=15 * 60,
            looks=3,
            why="15 min: people carry laptops through the house",
        )
    },
    interval_s=300,
    interval_on_macos_s=1800,
    cost=Cost.CHEAP,
    timeout_s=15,
    platforms=ALL_PLATFORMS,
)
