"""One finding for everything of a subject that changed within a day: shared by the three drift checks. Pure."""

from __future__ import annotations

from diagnostics.changes.compare import Subject, name_of, subject_of
from diagnostics.checks.contract import Context, evidence, raised
from diagnostics.findings import Finding, Severity
from diagnostics.machine.interface import Unreadable

DRIFT_S = 86_400
_NAMES_MAX = 5
_EVIDENCE_MAX = 5


def first_look(subject: Subject, context: Context) -> None:
    """Raises Unreadable when there is nothing to compare with yet."""
    if subject not in context.compared:
        raise Unreadable("this is the first look: there is nothing to compare with yet")


def drift(
    code: str, subject: Subject, severity: Severity, context: Context, *, rule: str, source: str
) -> Finding | None:
    """None when nothing of the subject changed within DRIFT_S."""
    recent = [
        change
        for change in context.changes
        if subject_of(change) is subject and change.at_unix_s > context.now - DRIFT_S
    ]
    if not recent:
        return None
    names = list(dict.fromkeys(name_of(change) for change in recent))
    shown = ", ".join(names[:_NAMES_MAX]) + (", …" if len(names) > _NAMES_MAX else "")
    return raised(
        code,
        f"{subject}:all",
        severity,
        rule=rule,
        now=context.now,
        facts={"changes": len(recent), "names": shown},
        proof=tuple(evidence(source, str(item.at_unix_s), item.what) for item in recent[-_EVIDENCE_MAX:]),
    )
