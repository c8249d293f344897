"""What a server reads of a look: the published list and nothing else. Pure.

Instances (`disk:/home/anna`) become pseudonyms of this device; facts, evidence, words and names stay here. Which
applications are watched stays here too: their checks are told as one.
"""

from collections.abc import Callable, Sequence
from typing import Final

from agent.config import ReportSettings
from agent.watch.look import CheckLine, Look, MetricPoint
from diagnostics.findings import FindingState
from protocol.messages.report import (
    Report,
    ReportedCheck,
    ReportedFinding,
    ReportedMetric,
    ReportedSeverity,
    ReportedState,
)

FINDINGS_MAX: Final = 200
METRICS_MAX: Final = 500
CHECKS_MAX: Final = 128
#: What the checks of watched applications are called together.
APPLICATIONS: Final = "applications"
_APPLICATION: Final = "application-"
_GRAVITY: Final = ("skipped", "ok", "finding", "failed")


def told_checks(checks: Sequence[CheckLine]) -> tuple[ReportedCheck, ...]:
    """By id; those of watched applications together, as the gravest of them."""
    told = {check.id: check.status for check in checks if not check.id.startswith(_APPLICATION)}
    beside = [check.status for check in checks if check.id.startswith(_APPLICATION)]
    if beside:
        told[APPLICATIONS] = max(beside, key=_GRAVITY.index)
    return tuple(ReportedCheck(id=check_id, status=status) for check_id, status in told.items())


def report_of(
    look: Look,
    *,
    settings: ReportSettings,
    pseudonym: Callable[[str], str],
    gap_count: int,
    now: int,
    counters: Sequence[MetricPoint] = (),
) -> Report:
    """The gravest findings come first where there are more than fit. An ended finding is reported once, at its end."""
    told = [
        entry
        for entry in look.findings
        if entry.finding.state not in (FindingState.RESOLVED, FindingState.EXPIRED)
        or entry.finding.fingerprint in look.ended
    ]
    told.sort(key=lambda entry: (-entry.finding.severity.rank, entry.finding.fingerprint))
    # Counters first: a report holds only so many metrics.
    numbers = (*counters, *look.metrics)
    metrics = [metric for metric in numbers if settings.metrics and metric.name not in settings.metrics_disabled]
    return Report(
        at=now,
        checks=told_checks(look.checks)[:CHECKS_MAX],
        findings=tuple(
            ReportedFinding(
                code=entry.finding.code,
                instance=pseudonym(entry.finding.instance),
                severity=ReportedSeverity(entry.finding.severity.value),
                state=ReportedState(entry.finding.state.value),
                first_seen=max(0, entry.finding.first_seen_unix_s),
                last_seen=max(0, entry.finding.last_seen_unix_s),
                count=entry.finding.count,
                known_issue=entry.known_issue,
            )
            for entry in told[:FINDINGS_MAX]
        ),
        metrics=tuple(
            ReportedMetric(
                name=metric.name,
                instance=pseudonym(metric.instance) if metric.instance else None,
                at=now,
                value=metric.value,
            )
            for metric in metrics[:METRICS_MAX]
        ),
        gap_count=gap_count,
    )
