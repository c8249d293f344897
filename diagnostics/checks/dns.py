"""Check 37: do the configured name servers answer, and soon enough?

Judged only with a way out (a default route): a machine without network has another problem. An answer of any kind
proves a resolver alive. "Server failure" from all of them means that none can look anything up.
"""

from __future__ import annotations

from diagnostics.checks.contract import (
    CheckSpec,
    CodeRule,
    Context,
    Metric,
    Outcome,
    Seen,
    both,
    evidence,
    raised,
)
from diagnostics.collectors.contract import Cost
from diagnostics.collectors.dns import DNS, RESOLVER_TIMEOUT_S
from diagnostics.findings import Evidence, Finding, Severity
from diagnostics.machine.interface import Unreadable
from diagnostics.observations import NameResolution, ResolverTiming
from diagnostics.wording import Words

NONE_ANSWERS = "dns-not-answering"
ONE_SILENT = "dns-server-silent"
SLOW = "dns-slow"
ALL = "resolvers"
# A page asks for a dozen names: at this speed it takes seconds before anything is drawn.
SLOW_S = 0.5
CLEAR_SLOW_S = 0.3


def check_dns(names: NameResolution, context: Context) -> Outcome:
    """Raises Unreadable without a default route: then nothing was checked."""
    if not names.default_route:
        raise Unreadable("this machine has no way out (no default route), so its name servers were not asked")
    if not names.resolvers:
        finding = raised(
            NONE_ANSWERS,
            ALL,
            Severity.ERROR,
            rule=SPEC.rule,
            now=context.now,
            facts={"servers": 0, "answering": 0, "failing": 0},
            proof=(evidence("resolv.conf", "/etc/resolv.conf", "no name server is configured"),),
        )
        return Outcome((finding,))
    silent = [item for item in names.resolvers if item.code is None]
    failing = [item for item in names.resolvers if item.code == "SERVFAIL"]
    answering = [item for item in names.resolvers if item not in silent and item not in failing]
    metrics = tuple(Metric("dns.answer-s", item.elapsed_s, f"resolver:{item.address}") for item in answering)
    if not answering:
        finding = raised(
            NONE_ANSWERS,
            ALL,
            Severity.ERROR,
            rule=SPEC.rule,
            now=context.now,
            facts={"servers": len(names.resolvers), "answering": 0, "failing": len(failing)},
            proof=tuple(_proof(item) for item in names.resolvers),
        )
        return Outcome((finding,), metrics)
    findings = [_silent(item, context) for item in silent]
    fastest = min(answering, key=lambda item: item.elapsed_s)
    if fastest.elapsed_s >= (CLEAR_SLOW_S if context.is_raised(SLOW, ALL) else SLOW_S):
        findings.append(
            raised(
                SLOW,
                ALL,
                Severity.WARNING,
                rule=SPEC.rule,
                now=context.now,
                facts={"fastest_s": round(fastest.elapsed_s, 3), "servers": len(names.resolvers)},
                proof=tuple(_proof(item) for item in answering),
            )
        )
    return Outcome(tuple(findings), metrics)


def _silent(item: ResolverTiming, context: Context) -> Finding:
    return raised(
        ONE_SILENT,
        f"resolver:{item.address}",
        Severity.WARNING,
        rule=SPEC.rule,
        now=context.now,
        facts={"address": item.address, "error": item.error or "", "waited_s": round(item.elapsed_s, 3)},
        proof=(_proof(item),),
    )


def _proof(item: ResolverTiming) -> Evidence:
    shown = item.error or f"{item.code} after {item.elapsed_s * 1000:.0f} ms"
    return evidence("dns", item.address, f"{item.address}: {shown}")


def _judge(seen: Seen, context: Context) -> Outcome:
    return check_dns(seen.of(DNS), context)


_BLIP = "5 min: a router that restarts is back by then"

SPEC = CheckSpec(
    id="dns",
    number=37,
    version=1,
    title="Name servers",
    needs=(DNS,),
    judge=_judge,
    codes={
        NONE_ANSWERS: CodeRule(
            words=both(
                Words(
                    "Internet names cannot be looked up",
                    "None of the {servers} name servers of this computer gives a usable answer, so web pages and "
                    "mail do not open although the network is connected. Switching the router off and on often "
                    "helps.",
                ),
                Words(
                    "Не работает поиск адресов в интернете",
                    "Ни один из DNS-серверов этого компьютера (всего {servers}) не отвечает, поэтому сайты и почта "
                    "не открываются, хотя сеть подключена. Часто помогает выключить и включить роутер.",
                ),
            ),
            visible_after_s=2 * 60,
            evaluations=2,
            why="2 min: nothing works meanwhile, so sooner than others",
            expires_after_s=86_400,
        ),
        ONE_SILENT: CodeRule(
            words=both(
                Words(
                    "One name server does not answer",
                    "The name server {address} does not answer; the others do. Opening pages may be slow at times.",
                ),
                Words(
                    "Один из DNS-серверов не отвечает",
                    "DNS-сервер {address} не отвечает, остальные работают. Страницы иногда могут открываться медленно.",
                ),
            ),
            visible_after_s=15 * 60,
            evaluations=3,
            why="15 min: nobody is cut off, and single packets get lost",
            expires_after_s=86_400,
        ),
        SLOW: CodeRule(
            words=both(
                Words(
                    "Looking up internet names is slow",
                    "The fastest name server needs {fastest_s} seconds for an answer. Pages begin to load late.",
                ),
                Words(
                    "Поиск адресов в интернете идёт медленно",
                    "Даже самый быстрый DNS-сервер отвечает за {fastest_s} с, поэтому страницы начинают "
                    "загружаться с задержкой.",
                ),
            ),
            visible_after_s=15 * 60,
            evaluations=3,
            why=_BLIP + "; slowness needs longer to be sure of",
            expires_after_s=86_400,
        ),
    },
    interval_s=300,
    interval_on_windows_s=1800,
    cost=Cost.NETWORK,
    # The resolvers are asked all at once and waited for this long.
    timeout_s=RESOLVER_TIMEOUT_S + 1,
)
