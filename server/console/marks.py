"""Pure: what is marked on the time axis of a device's plots, and listed beneath them under the same numbers.

Findings that began or ended, tickets, visits, fixes, restarts and changed software: what a person holds against a curve
that bends. A plot bears so many lines; the gravest kinds stay, the oldest of the rest are left out and counted.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final, assert_never

from protocol.messages.api import SessionRow
from protocol.messages.report import ReportedFinding
from server.console.words import from_code, ticket_title
from server.findings.changes import Change, ChangeKind
from server.findings.rules import PRESENT
from server.tickets.listing import TicketLine

MARKS_MAX: Final = 24


@dataclass(frozen=True)
class Mark:
    """`tone`: of web's components. `href`: of the console, or empty."""

    at: int
    text: str
    tone: str
    icon: str
    href: str = ""
    number: int = 0

    @property
    def drawn(self) -> dict[str, Any]:
        """For `ui.plot`."""
        return {"at": self.at, "text": self.text, "tone": self.tone, "number": self.number}

    @property
    def told(self) -> dict[str, Any]:
        """For `ui.timeline`."""
        title = f"{self.number}. {self.text}"
        return {"at": self.at, "title": title, "tone": self.tone, "icon": self.icon, "href": self.href}


@dataclass(frozen=True)
class Marks:
    """Oldest first, numbered from 1. `left_out`: older ones within the time shown."""

    shown: tuple[Mark, ...]
    left_out: int


def marks_of(
    findings: Iterable[ReportedFinding],
    tickets: Iterable[TicketLine],
    visits: Iterable[SessionRow],
    changes: Iterable[Change],
    *,
    since: int,
    now: int,
) -> Marks:
    marks = [*_of_findings(findings), *map(_of_ticket, tickets), *map(_of_visit, visits), *map(_of_change, changes)]
    within = sorted((mark for mark in marks if since <= mark.at <= now), key=lambda mark: (mark.at, mark.text))
    kept = within[-MARKS_MAX:]
    numbered = tuple(
        Mark(mark.at, mark.text, mark.tone, mark.icon, mark.href, number) for number, mark in enumerate(kept, start=1)
    )
    return Marks(numbered, len(within) - len(kept))


def _of_findings(findings: Iterable[ReportedFinding]) -> Iterable[Mark]:
    for finding in findings:
        title = from_code(finding.code)
        yield Mark(finding.first_seen, f"Found: {title}", finding.severity.value, "health")
        if finding.state not in PRESENT:
            yield Mark(finding.last_seen, f"Seen last: {title}", "ok", "check")


def _of_ticket(line: TicketLine) -> Mark:
    return Mark(
        line.opened_at,
        f"Ticket: {ticket_title(line.words, line.finding)}",
        "accent",
        "ticket",
        f"/tickets/{line.ticket}",
    )


def _of_visit(row: SessionRow) -> Mark:
    return Mark(row.asked_at, "Visit asked for" if row.paired_at is None else "Visit", "accent", "terminal")


def _of_change(change: Change) -> Mark:
    match change.kind:
        case ChangeKind.FIX:
            times = "" if change.by == 1 else f", {change.by} times"
            good = change.what in ("solved-mechanically", "cleared-by-itself", "solved-by-a-person")
            return Mark(
                change.at, f"Fix: {from_code(change.what).lower()}{times}", "ok" if good else "warning", "wrench"
            )
        case ChangeKind.RESTART:
            return Mark(change.at, "Restarted", "info", "refresh")
        case ChangeKind.SOFTWARE:
            more = "more" if change.by > 0 else "fewer"
            return Mark(change.at, f"Software: {abs(change.by)} {more} packages", "info", "package")
        case never:
            assert_never(never)
