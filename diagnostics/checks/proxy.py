"""Check 40: can programs use the proxy they are told to use?

Nothing is sent: a proxy that is no address at all, or one on this machine itself whose program is gone, is told apart
from here. Whether a proxy elsewhere answers is not judged.
"""

from __future__ import annotations

from diagnostics.checks.contract import CheckSpec, Context, Outcome, Seen, evidence, raised, rule
from diagnostics.collectors.contract import ALL_PLATFORMS, Cost
from diagnostics.collectors.listeners import LISTENERS
from diagnostics.collectors.proxies import PROXIES
from diagnostics.findings import Finding, Severity
from diagnostics.machine.interface import Unreadable
from diagnostics.system_observations import Listeners, Proxies
from diagnostics.wording import Words

BROKEN, GONE = "proxy-setting-broken", "proxy-program-gone"
_HERE = ("localhost:", "127.", "[::1]:")


def check_proxy(proxies: Proxies, listeners: Listeners | None, context: Context) -> Outcome:
    findings: list[Finding] = []
    for variable, proxy in sorted(proxies.proxies.items()):
        code = None
        if proxy is None:
            code = BROKEN
        elif listeners is not None and proxy.startswith(_HERE):
            port = int(proxy.rpartition(":")[2])
            code = GONE if port not in listeners.tcp_ports else None
        if code is None:
            continue
        shown = f"{variable} is {proxy}, and nobody listens there" if proxy else f"{variable} names no address"
        findings.append(
            raised(
                code,
                f"proxy:{variable}",
                Severity.WARNING,
                rule=SPEC.rule,
                now=context.now,
                facts={"variable": variable, "proxy": proxy or ""},
                proof=(evidence("environment", "/etc/environment", shown),),
            )
        )
    return Outcome(tuple(findings))


def _judge(seen: Seen, context: Context) -> Outcome:
    try:
        listeners = seen.of(LISTENERS)
    except Unreadable:
        listeners = None
    return check_proxy(seen.of(PROXIES), listeners, context)


SPEC = CheckSpec(
    id="proxy",
    number=40,
    version=1,
    title="Proxy settings",
    needs=(PROXIES,),
    wishes=(LISTENERS,),
    judge=_judge,
    codes={
        BROKEN: rule(
            Words(
                "The proxy setting is broken",
                "Programs are told to go over a proxy, but the setting {variable} names no address. Those that obey "
                "cannot reach the internet.",
            ),
            Words(
                "Неверная настройка прокси",
                "Программам велено ходить через прокси, но в настройке {variable} нет адреса. Те, что её слушают, не "
                "попадут в интернет.",
            ),
            after_s=0,
            looks=1,
            why="a setting does not get better by waiting",
        ),
        GONE: rule(
            Words(
                "The proxy program of this computer does not run",
                "Programs are told to go over {proxy} on this computer, and nothing runs there. A program that was "
                "removed may have left this setting ({variable}).",
            ),
            Words(
                "Прокси-программа на этом компьютере не работает",
                "Программам велено ходить через {proxy} на этом компьютере, но там ничего не работает. Настройка "
                "{variable} могла остаться от удалённой программы.",
            ),
            after_s=10 * 60,
            looks=2,
            why="10 min: the program may be starting",
        ),
    },
    interval_s=900,
    interval_on_windows_s=3600,
    cost=Cost.CHEAP,
    timeout_s=15,
    platforms=ALL_PLATFORMS,
)
