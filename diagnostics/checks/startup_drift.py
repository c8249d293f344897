"""Check 31: what starts by itself that did not before?

Told for a day after it was noticed. Installing a program is the usual reason; so is software nobody asked for.
"""

from __future__ import annotations

from diagnostics.changes.compare import Subject
from diagnostics.changes.drift import DRIFT_S, drift, first_look
from diagnostics.checks.contract import CheckSpec, CodeRule, Context, Metric, Outcome, Seen, both
from diagnostics.collectors.contract import ALL_PLATFORMS, Cost
from diagnostics.collectors.startup_items import STARTUP_ITEMS
from diagnostics.findings import Severity
from diagnostics.observations import StartupItems
from diagnostics.wording import Words

CODE = "startup-items-changed"


def check_startup_drift(items: StartupItems, context: Context) -> Outcome:
    first_look(Subject.STARTUP, context)
    finding = drift(CODE, Subject.STARTUP, Severity.INFO, context, rule=SPEC.rule, source="startup-items")
    return Outcome((finding,) if finding else (), (Metric("startup.items", len(items.items)),))


def _judge(seen: Seen, context: Context) -> Outcome:
    return check_startup_drift(seen.of(STARTUP_ITEMS), context)


SPEC = CheckSpec(
    id="startup-drift",
    number=31,
    version=1,
    title="Programs that start by themselves",
    needs=(STARTUP_ITEMS,),
    judge=_judge,
    codes={
        CODE: CodeRule(
            words=both(
                Words(
                    "Something new starts by itself",
                    "What this computer starts by itself changed within a day ({changes}×): {names}. If you did not "
                    "install anything, ask for help.",
                ),
                Words(
                    "Изменились программы автозапуска",
                    "За сутки изменилось то, что компьютер запускает сам (изменений: {changes}): {names}. Если вы "
                    "ничего не устанавливали, обратитесь за помощью.",
                ),
            ),
            visible_after_s=0,
            evaluations=1,
            why="it changed: there is nothing to wait for",
            expires_after_s=DRIFT_S,
        )
    },
    interval_s=900,
    interval_on_windows_s=3600,
    cost=Cost.CHEAP,
    timeout_s=15,
    platforms=ALL_PLATFORMS,
)
