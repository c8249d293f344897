"""The package manager's own log as changes: what a first look knows of the week before it. Pure."""

from __future__ import annotations

from diagnostics.changes.compare import CHANGES_MAX, Subject
from diagnostics.findings import Change
from diagnostics.observations import PackageAction, PackageLog


def changes_of_log(log: PackageLog, *, since_unix_s: int, now: int) -> tuple[Change, ...]:
    """Oldest first, the newest CHANGES_MAX. A time after `now` comes of a clock that was set: it counts as now."""
    return tuple(
        Change(min(action.at_unix_s, now), f"{Subject.PACKAGE}:{_told(action)}")
        for action in log.actions
        if action.at_unix_s >= since_unix_s
    )[-CHANGES_MAX:]


def _told(action: PackageAction) -> str:
    """In the words of `compare.py`."""
    if action.verb in ("remove", "purge"):
        return f"{action.name} {action.before} removed".replace("  ", " ")
    if not action.before:
        return f"{action.name} {action.after} added"
    return f"{action.name} {action.before} → {action.after}"
