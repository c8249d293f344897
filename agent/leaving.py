"""The service's part of leaving: end visits, tell the desk with what messages there are, then stop for good.

    leave ─► no fix half done? ─► every visit ends, receipts are made ─► a ticket says that this device leaves
          ─► up to TELL_S for that, REST_S for the rest of the outbox ─► the answer ─► the service stops

There is no message of its own for leaving: a ticket is signed by the device and read by people, who withdraw the
certificate. What could not be handed over in time is counted in the answer, never glossed over. Deleting is left to
the command that asked: it waits until this process is gone.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from agent.link.link import Link
from agent.link.outbox import Outbox
from agent.local.verbs import NoArguments, Peer, Verb
from agent.mending.step_journal import StepJournal
from agent.refusal import Refusal
from agent.session.visits import Visits
from agent.tickets.store import TicketStore
from protocol.tickets import TicketOrigin

#: A person waits at the terminal; a line that is alive needs far less.
TELL_S: Final = 15.0
REST_S: Final = 5.0
#: A technician's countersignature and the relay's goodbye take 5 s at most.
VISIT_ENDS_S: Final = 12.0
_LOOK_AGAIN_S: Final = 0.05
#: Audit entries go before tickets; more of them than this wait only when nothing gets through anyway.
_TICKETS_AMONG: Final = 500
WORDS: Final = (
    "This device leaves: Bellpull is being removed from it, and its keys are being deleted. "
    "Nobody has to answer; please withdraw its certificate."
)


@dataclass(frozen=True)
class Lines:
    """What an enrolled device has to tell with."""

    link: Link
    outbox: Outbox
    tickets: TicketStore
    visits: Visits


@dataclass(frozen=True)
class Told:
    """`told`: the desk has stored it. `why`: when not, why. `undelivered`: items that it will never get."""

    stopped: int
    told: bool
    why: str
    undelivered: int


class Leaving:
    """`stop` ends the service once the answer is out. `lines` is None when the device is not enrolled."""

    def __init__(self, journal: StepJournal, lines: Lines | None, stop: Callable[[], None]) -> None:
        self._journal = journal
        self._lines = lines
        self._stop = stop

    def verbs(self) -> tuple[Verb[Any], ...]:
        return (Verb("leave", NoArguments, self._leave, administrator=True, refused_to_sessions=True),)

    async def _leave(self, arguments: NoArguments, peer: Peer) -> object:
        if self._journal.open_runs():
            raise Refusal(
                "a fix is not finished on this computer",
                expected="no fix that is under way or still watched",
                got=f"{len(self._journal.open_runs())}",
                hint="See it with bellpull-agent mend: wait for its end, or undo it; then leave.",
            )
        told = (
            Told(0, False, "this device is not enrolled", 0) if self._lines is None else await self._tell(self._lines)
        )
        self._stop()
        return told

    async def _tell(self, lines: Lines) -> Told:
        stopped = lines.visits.stop_all()
        await _until(lambda: not lines.visits.busy, VISIT_ENDS_S)
        if not lines.link.connected:
            return Told(stopped, False, "the server is not connected now", lines.outbox.numbers().items)
        dead_before = lines.outbox.numbers().dead_letters
        try:
            lines.tickets.open(origin=TicketOrigin.CUSTOMER, words=WORDS)
        except Refusal as error:
            return Told(stopped, False, error.what, lines.outbox.numbers().items)
        # Found before the line gets a turn, so that it is still there. Older tickets that wait are waited for as well.
        tickets = {item.id for item in lines.outbox.due((), _TICKETS_AMONG) if item.kind == "ticket"}
        await _until(lambda: not any(lines.outbox.holds(ticket) for ticket in tickets), TELL_S)
        held = any(lines.outbox.holds(ticket) for ticket in tickets)
        if not held:
            await _until(lambda: lines.outbox.numbers().items == 0, REST_S)
        numbers = lines.outbox.numbers()
        if held:
            return Told(stopped, False, f"the server had not stored it after {TELL_S:g} s", numbers.items)
        if numbers.dead_letters > dead_before:
            return Told(stopped, False, "the server refused it", numbers.items)
        return Told(stopped, True, "", numbers.items)


async def _until(done: Callable[[], bool], timeout_s: float) -> None:
    """Until it is so, or the time is over; the caller looks which."""
    loop = asyncio.get_running_loop()
    ends = loop.time() + timeout_s
    while not done() and loop.time() < ends:  # noqa: ASYNC110 - a table on the disk rings no bell
        await asyncio.sleep(_LOOK_AGAIN_S)
