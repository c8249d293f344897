"""Check 21, its first half: does this machine still look for updates?

Told is when the list of updates was last fetched, not which updates wait: a machine that no longer asks misses all of
them, silently. A machine that was off meanwhile has not been asked to.
"""

from __future__ import annotations

from diagnostics.checks.contract import CheckSpec, Context, Metric, Outcome, Seen, evidence, raised, rule
from diagnostics.collectors.contract import ALL_PLATFORMS, Cost
from diagnostics.collectors.update_lists import UPDATE_LISTS
from diagnostics.findings import Finding, Severity
from diagnostics.system_observations import UpdateLists
from diagnostics.wording import Words

CODE, FAILING = "updates-not-looked-for", "updates-failing"
# One failure is a busy server or a laptop that was closed.
FAILED_TIMES = 2
# Debian and Fedora look daily; who is two weeks behind has missed several security fixes.
WARNING_S, ERROR_S = 14 * 86_400, 60 * 86_400
# After a long time off, the daily job gets a day to run.
JUST_STARTED_S = 86_400


def check_updates(lists: UpdateLists, context: Context) -> Outcome:
    age_s = max(0, context.now - lists.fetched_unix_s)
    metrics = (Metric("updates.list-age-s", age_s), Metric("updates.waiting", len(lists.waiting)))
    failing = _failing(lists, context)
    up_s = context.now - context.boot_unix_s if context.boot_unix_s is not None else JUST_STARTED_S
    if age_s < WARNING_S or up_s < JUST_STARTED_S:
        return Outcome(failing, metrics)
    shown = f"the newest list of {lists.manager} is {age_s // 86_400} days old"
    finding = raised(
        CODE,
        "updates",
        Severity.ERROR if age_s >= ERROR_S else Severity.WARNING,
        rule=SPEC.rule,
        now=context.now,
        facts={"manager": lists.manager, "age_s": age_s},
        proof=(evidence("update-lists", lists.manager, shown),),
    )
    return Outcome((finding, *failing), metrics)


def _failing(lists: UpdateLists, context: Context) -> tuple[Finding, ...]:
    again = [update for update in lists.failed if update.times >= FAILED_TIMES]
    if not again:
        return ()
    worst = max(again, key=lambda update: update.times)
    return (
        raised(
            FAILING,
            "updates",
            Severity.WARNING,
            rule=SPEC.rule,
            now=context.now,
            facts={"title": worst.title, "code": worst.code, "times": worst.times, "updates": len(again)},
            proof=tuple(
                evidence("update-log", update.code, f"{update.title}: failed {update.times} times")
                for update in again[:3]
            ),
        ),
    )


def _judge(seen: Seen, context: Context) -> Outcome:
    return check_updates(seen.of(UPDATE_LISTS), context)


SPEC = CheckSpec(
    id="updates",
    number=21,
    version=1,
    title="Looking for updates",
    needs=(UPDATE_LISTS,),
    judge=_judge,
    codes={
        CODE: rule(
            Words(
                "The computer no longer looks for updates",
                "The last time this computer looked for updates was {age_s:duration} ago. Security fixes of that time "
                "are missing. Open the update settings, or ask for help.",
            ),
            Words(
                "Компьютер перестал искать обновления",
                "Последний раз обновления искались {age_s:duration} назад. Исправлений безопасности за это время нет. "
                "Откройте настройки обновлений или обратитесь за помощью.",
            ),
            after_s=86_400,
            looks=2,
            why="a day: the daily job may be about to run",
        ),
        FAILING: rule(
            Words(
                "An update fails again and again",
                "{title} failed {times}× with {code}. What it repairs stays open. Free disk space, a restart, or "
                "clearing the update cache are the usual ways out.",
            ),
            Words(
                "Обновление не устанавливается",
                "«{title}»: неудачных попыток — {times}, код {code}. То, что оно исправляет, остаётся открытым. Обычно "
                "помогают место на диске, перезагрузка или очистка кэша обновлений.",
            ),
            after_s=0,
            looks=1,
            why="it failed twice already: there is nothing to wait for",
        ),
    },
    interval_s=6 * 3600,
    cost=Cost.CHEAP,
    timeout_s=15,
    platforms=ALL_PLATFORMS,
)
