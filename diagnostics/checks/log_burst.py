"""Check 28: do programs report far more errors than they used to here?

What is many is this machine's own: the median hour of the last week. Without three days of it only a flood counts.
A rate that rises day by day never stands out against its own week: it is foretold until it is a flood (`foretold.py`).
How fast logs fill a disk is told by the disk's own forecast and by the folders that grow.
"""

from __future__ import annotations

from statistics import median

from diagnostics.checks.contract import Cause, CheckSpec, Context, Metric, Outcome, Seen, evidence, raised, rule
from diagnostics.collectors.contract import ALL_PLATFORMS, Cost
from diagnostics.collectors.log_errors import LOG_ERRORS
from diagnostics.findings import Finding, Severity
from diagnostics.forecast import hourly
from diagnostics.foretold import foretold
from diagnostics.system_observations import LogErrors
from diagnostics.wording import Words

CODE, RISING = "log-error-burst", "log-errors-rising"
# Ten times the usual, and at least one a minute: a quiet machine's first three errors are no burst.
TIMES_USUAL = 10
LEAST_LINES = 60
# One a second without any past to compare with.
FLOOD_LINES = 3_600
_METRIC = "log.errors-1h"
_WEEK_S, _LEAST_HOURS = 7 * 86_400, 72


def usual(context: Context) -> float | None:
    """Errors of the median hour; None before three days are known."""
    points = hourly(context.history.series(_METRIC, "", since_unix_s=context.now - _WEEK_S))
    return median(point.value for point in points) if len(points) >= _LEAST_HOURS else None


def check_log_burst(errors: LogErrors, context: Context) -> Outcome:
    metrics = (Metric(_METRIC, errors.lines),)
    ordinary = usual(context)
    limit = FLOOD_LINES if ordinary is None else max(LEAST_LINES, TIMES_USUAL * ordinary)
    if errors.lines < limit:
        return Outcome(_foretold(errors, context), metrics)
    finding = raised(
        CODE,
        f"unit:{errors.loudest}",
        Severity.WARNING,
        rule=SPEC.rule,
        now=context.now,
        facts={
            "lines": errors.lines,
            "usual_lines": round(ordinary) if ordinary is not None else -1,
            "name": errors.loudest,
            "name_lines": errors.loudest_lines,
        },
        proof=(evidence("journal", errors.loudest, errors.sample),),
    )
    return Outcome((finding,), metrics)


def _foretold(errors: LogErrors, context: Context) -> tuple[Finding, ...]:
    told = foretold(_METRIC, "", float(FLOOD_LINES), context) if errors.lines >= LEAST_LINES else None
    if told is None:
        return ()
    finding = raised(
        RISING,
        "log:errors",
        Severity.INFO,
        rule=SPEC.rule,
        now=context.now,
        facts={
            "lines": errors.lines,
            "more_a_day": round(told.per_day),
            "name": errors.loudest,
            "name_lines": errors.loudest_lines,
            "earliest_s": told.time_to_act.earliest_s,
            "latest_s": told.time_to_act.latest_s,
        },
        proof=(evidence("journal", errors.loudest, errors.sample),),
        time_to_act=told.time_to_act,
    )
    return (finding,)


def _judge(seen: Seen, context: Context) -> Outcome:
    return check_log_burst(seen.of(LOG_ERRORS), context)


SPEC = CheckSpec(
    id="log-burst",
    number=28,
    version=1,
    title="Errors that programs report",
    needs=(LOG_ERRORS,),
    judge=_judge,
    codes={
        CODE: rule(
            Words(
                "Programs report many errors",
                "Within an hour {lines} errors were reported, most of them ({name_lines}) by {name}. Something it "
                "needs is likely broken.",
            ),
            Words(
                "Программы сообщают о множестве ошибок",
                "За час записано ошибок: {lines}, больше всего ({name_lines}) — от {name}. Скорее всего, не работает "
                "что-то, что ей нужно.",
            ),
            after_s=15 * 60,
            looks=2,
            why="15 min: a restart of a service writes its errors at once and is done",
        ),
        RISING: rule(
            Words(
                "Programs report more errors each day",
                "{lines} errors were reported within the last hour, {more_a_day} more than a day ago, and it has risen "
                "all week; most of them ({name_lines}) come from {name}. If that goes on, it is one a second in "
                "{earliest_s:duration} to {latest_s:duration}.",
            ),
            Words(
                "Программы с каждым днём сообщают о большем числе ошибок",
                "За последний час записано ошибок: {lines}, на {more_a_day} больше, чем сутки назад, и так всю неделю; "
                "больше всего ({name_lines}) — от {name}. Если так продолжится, через {earliest_s:duration} — "
                "{latest_s:duration} будет по одной в секунду.",
            ),
            after_s=3 * 3600,
            looks=3,
            why="three forecasts in a row have to agree, and not all of the same hour",
            hidden_under=(Cause(CODE, same_instance=False),),
        ),
    },
    interval_s=900,
    interval_on_macos_s=3600,
    cost=Cost.MODERATE,
    timeout_s=12,
    platforms=ALL_PLATFORMS,
)
