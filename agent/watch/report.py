"""What a server reads of a look: the published list and nothing else. Pure.

Instances (`disk:/home/anna`) become pseudonyms of this device; facts, evidence, words and names stay here.
"""

from collections.abc import Callable
from typing import Final

from agent.config import ReportSettings
from agent.watch.look import Look
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


def report_of(
    look: Look, *, settings: ReportSettings, pseudonym: Callable[[str], str], gap_count: int, now: int
) -> Report:
    """The gravest findings come first where there are more than fit. An ended finding is reported once, at its end."""
    told = [
        entry
        for entry in look.findings
        if entry.finding.state not in (FindingState.RESOLVED, FindingState.EXPIRED)
        or entry.finding.fingerprint in look.ended
    ]
    told.sort(key=lambda entry: (-entry.finding.severity.rank, entry.finding.fingerprint))
    metrics = [metric for metric in look.metrics if settings.metrics and metric.name not in settings.metrics_disabled]
    return Report(
        at=now,
        checks=tuple(ReportedCheck(id=check.id, status=check.status) for check in look.checks[:CHECKS_MAX]),
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
