"""Check 28: do programs report far more errors than they used to here?

What is many is this machine's own: the median hour of the last week. Without three days of it only a flood counts.
"""

from __future__ import annotations

from statistics import median

from diagnostics.checks.contract import CheckSpec, Context, Metric, Outcome, Seen, evidence, raised, rule
from diagnostics.collectors.contract import ALL_PLATFORMS, Cost
from diagnostics.collectors.log_errors import LOG_ERRORS
from diagnostics.findings import Severity
from diagnostics.forecast import hourly
from diagnostics.system_observations import LogErrors
from diagnostics.wording import Words

CODE = "log-error-burst"
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
        return Outcome((), metrics)
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
        )
    },
    interval_s=900,
    interval_on_macos_s=3600,
    cost=Cost.MODERATE,
    timeout_s=12,
    platforms=ALL_PLATFORMS,
)
