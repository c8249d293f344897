"""Tickets without anybody asking: a grave finding that stays opens one; a finding that ends says so.

The rules are pure (`wanted`, `over`); `AutomaticTickets` carries them out after each look. One open ticket for each
fingerprint, and at most one for each onset of a finding: a ticket that the desk has closed does not come back every
five minutes, a problem that returns does.
"""

from collections.abc import Awaitable, Callable, Sequence
from typing import Final

from agent.clocks import Clocks
from agent.config import AutomaticTickets as From
from agent.event_log import EventLog
from agent.refusal import Refusal
from agent.tickets.store import FindingReason, OwnTicket, TicketStore
from agent.watch.look import Look, SeenFinding
from diagnostics.findings import FindingState, Severity
from protocol.tickets import TicketOrigin

# Evidence can be sealed to nobody before the organisation's recipients are known; a ticket waits this long for them.
WAIT_FOR_RECIPIENTS_S: Final = 3600
# One look opens at most so many: a machine in flames has one problem, not forty.
A_LOOK_MAX: Final = 5

#: Seals the evidence of a finding to the organisation's recipients; None when there are none to seal to.
SealEvidence = Callable[[SeenFinding, Look], Awaitable[bytes | None]]


def reason_of(entry: SeenFinding) -> FindingReason:
    finding = entry.finding
    return FindingReason(finding.fingerprint, finding.code, finding.instance, finding.severity.value)


def wanted(findings: Sequence[SeenFinding], tickets: Sequence[OwnTicket], automatic_from: From) -> list[SeenFinding]:
    """The findings that should open a ticket now, gravest first."""
    if automatic_from is From.NEVER:
        return []
    least = Severity(automatic_from.value).rank
    last_opened: dict[str, int] = {}
    open_now: set[str] = set()
    for ticket in tickets:
        if ticket.finding is not None:
            fingerprint = ticket.finding.fingerprint
            last_opened[fingerprint] = max(ticket.opened_at, last_opened.get(fingerprint, 0))
            if ticket.is_open:
                open_now.add(fingerprint)
    chosen = [
        entry
        for entry in findings
        if entry.finding.state is FindingState.ACTIVE
        and entry.finding.explained_by is None
        and entry.finding.severity.rank >= least
        and entry.finding.fingerprint not in open_now
        and last_opened.get(entry.finding.fingerprint, -1) < entry.finding.first_seen_unix_s
    ]
    chosen.sort(key=lambda entry: (-entry.finding.severity.rank, entry.finding.first_seen_unix_s))
    return chosen[:A_LOOK_MAX]


def over(look: Look, tickets: Sequence[OwnTicket]) -> list[OwnTicket]:
    """Open tickets whose finding ended with this look."""
    return [
        ticket
        for ticket in tickets
        if ticket.is_open
        and ticket.outcome is None
        and ticket.finding is not None
        and ticket.finding.fingerprint in look.ended
    ]


class AutomaticTickets:
    def __init__(
        self,
        tickets: TicketStore,
        clocks: Clocks,
        automatic_from: From,
        *,
        seal: SealEvidence,
        log: EventLog,
    ) -> None:
        self._tickets = tickets
        self._clocks = clocks
        self._from = automatic_from
        self._seal = seal
        self._log = log

    async def looked(self, look: Look) -> None:
        own = self._tickets.list()
        for ticket in over(look, own):
            self._tickets.ended_here(ticket.ticket, "cleared-by-itself")
        for entry in wanted(look.findings, own, self._from):
            try:
                await self._open(entry, look)
            except Refusal as error:
                self._log.warning("ticket-not-opened", code=entry.finding.code, reason=str(error))

    async def _open(self, entry: SeenFinding, look: Look) -> None:
        sealed = await self._seal(entry, look)
        if sealed is None and self._clocks.wall() - entry.finding.first_seen_unix_s < WAIT_FOR_RECIPIENTS_S:
            return
        opened = self._tickets.open(
            origin=TicketOrigin.FINDING, finding=reason_of(entry), sealed=() if sealed is None else (sealed,)
        )
        self._log.info("ticket-opened", ticket=opened.ticket, code=entry.finding.code)
