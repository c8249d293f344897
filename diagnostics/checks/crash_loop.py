"""Check 24: does a program crash again and again?"""

from __future__ import annotations

from diagnostics.checks.contract import CheckSpec, Context, Metric, Outcome, Seen, evidence, raised, rule
from diagnostics.collectors.contract import ALL_PLATFORMS, Cost
from diagnostics.collectors.crashes import CRASHES
from diagnostics.findings import Finding, Severity
from diagnostics.system_observations import Crashes
from diagnostics.wording import Words

CODE = "program-crashes"
DAY_S = 86_400
# Once is bad luck; twice a day is a pattern; five times nobody can work with it.
WARNING_A_DAY, ERROR_A_DAY = 2, 5
FINDINGS_MAX = 10


def check_crash_loop(crashes: Crashes, context: Context) -> Outcome:
    recent: dict[str, list[int]] = {}
    for crash in crashes.crashes:
        if context.now - DAY_S < crash.at_unix_s <= context.now:
            recent.setdefault(crash.program, []).append(crash.at_unix_s)
    findings: list[Finding] = [
        raised(
            CODE,
            f"program:{program}",
            Severity.ERROR if len(times) >= ERROR_A_DAY else Severity.WARNING,
            rule=SPEC.rule,
            now=context.now,
            facts={"name": program, "crashes": len(times), "last_unix_s": max(times)},
            proof=(evidence("coredump", program, f"{program}: {len(times)} crashes within a day"),),
        )
        for program, times in sorted(recent.items())
        if len(times) >= WARNING_A_DAY
    ]
    findings.sort(key=lambda finding: -int(finding.facts["crashes"]))
    count = sum(len(times) for times in recent.values())
    return Outcome(tuple(findings[:FINDINGS_MAX]), (Metric("programs.crashes-24h", count),))


def _judge(seen: Seen, context: Context) -> Outcome:
    return check_crash_loop(seen.of(CRASHES), context)


SPEC = CheckSpec(
    id="crash-loop",
    number=24,
    version=1,
    title="Programs that crash",
    needs=(CRASHES,),
    judge=_judge,
    codes={
        CODE: rule(
            Words(
                "A program crashes again and again",
                "{name} crashed {crashes}× within a day. Updating or reinstalling it is the usual way out.",
            ),
            Words(
                "Программа постоянно аварийно завершается",
                "{name} за сутки аварийно завершилась раз: {crashes}. Обычно помогает обновить или переустановить её.",
            ),
            after_s=0,
            looks=1,
            why="it happened twice already: there is nothing to wait for",
        )
    },
    interval_s=900,
    cost=Cost.CHEAP,
    timeout_s=15,
    platforms=ALL_PLATFORMS,
)
