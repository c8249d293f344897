"""All visits of this device: which offers are taken up, at most one at a time, and what the customer sees of them.

    offer ─► a ticket of our own? may we ask? nobody else here? ─► join the room ─► Visit
          ─► a visit waits for its technician, whose connection was lost ─► join the room ─► let it see who comes
          ─► the technician who is here has named the next one ─► join the room ─► a Visit beside, which takes over
             when the customer says yes to it; until then, or after a no, the first goes on
                                       else ─► declined, with one of a few words

An offer proves nothing and is the server's word; so declining says nothing that the server does not know.
"""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, Literal

from agent.consent.freeze import About
from agent.consent.telling import told
from agent.link.connection import LinkLost
from agent.refusal import Refusal
from agent.session.arrival import OwnTicket
from agent.session.chat import VisitInForce
from agent.session.effects import CustomerNarrows, EndNow, HandOverSettled, TransportLost
from agent.session.own_side import OwnSide
from agent.session.relay import JoinRoom, join_room
from agent.session.steps import VisitSteps
from agent.session.visit import Visit, VisitParts, moment_of
from agent.tickets.store import TicketStore
from protocol.actions.scopes import MEANINGS, Scope
from protocol.grants import ConsentMethod, EndedBy
from protocol.journal import Outcome
from protocol.messages.sessions import OfferDeclined, SessionOffer
from protocol.session_state import SessionState
from protocol.strict_json import WireModel

DeclineReason = Literal["unknown-ticket", "cool-down", "busy", "stopped", "not-enrolled"]

#: Receipts that a full disk prevented are tried again this often, when nobody is here.
_REPAIR_S: Final = 60.0
#: The agent stops: so long it waits for the technician's countersignature and the relay.
_LAST_WORDS_S: Final = 5.0


@dataclass(frozen=True)
class DoneAction:
    """One action of the visit, for the customer's eyes. `sentence`: what, and about what."""

    sequence: int
    action: str
    sentence: str
    outcome: str


@dataclass(frozen=True)
class VisitView:
    """What the customer sees of a visit. Names are from the verified certificate; empty before it was verified."""

    room: str
    state: str
    technician: str
    organisation: str
    tier: int
    reason: str
    ticket: str
    phrase: tuple[str, ...]
    scopes: tuple[str, ...]
    sentences: tuple[str, ...]
    minutes: int
    seconds_left: int
    doing: tuple[str, ...]
    done: tuple[DoneAction, ...]
    unattended: bool  # let in by the owner's policy: nobody was asked


class Visits:
    """One for the service."""

    def __init__(
        self,
        parts: VisitParts,
        tickets: TicketStore,
        *,
        own: Callable[[], OwnSide],
        origin: str,
        send: Callable[[WireModel], None],
        join: JoinRoom = join_room,
    ) -> None:
        self._parts = parts
        self._tickets = tickets
        self._own = own
        self._origin = origin
        self._send = send
        self._join = join
        self._rooms: set[str] = set()
        self._present: list[Visit] = []  # the one in force first; then one that asks to take over, or one that leaves
        self._tasks: set[asyncio.Task[None]] = set()
        self._return_task: asyncio.Task[None] | None = None

    # --- offers ----------------------------------------------------------------------------------------------

    async def offered(self, offer: SessionOffer) -> None:
        """The server says that a technician waits in a room."""
        if self._returns(offer):
            return
        known = self._ticket_of(offer)
        giver = self._giver()
        refusal = self._why_not(known, giver)
        if refusal is not None or known is None:
            self._send(OfferDeclined(room=offer.room, reason=refusal or "unknown-ticket"))
            return
        self._rooms.add(offer.room)
        # A task of its own: a visit does not end because the line to the desk does.
        task = asyncio.create_task(self._guarded(offer, known, giver))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    @property
    def _visit(self) -> Visit | None:
        return self._present[0] if self._present else None

    def _giver(self) -> Visit | None:
        """The visit whose technician has named the next one, while nobody else has come for it."""
        visit = self._visit
        if visit is None or len(self._rooms) != 1 or visit.ended:
            return None
        return visit if visit.steps.hands_over_to(visit.moment()) else None

    def _returns(self, offer: SessionOffer) -> bool:
        """Whether the offer is taken as a return to a visit that waits. One comes to the door at a time."""
        visit = self._visit
        if visit is None or not visit.steps.waits or self._parts.gate.frozen:
            return False
        if self._return_task is not None and not self._return_task.done():
            return False
        self._return_task = asyncio.create_task(self._come_back(offer, visit))
        return True

    async def _come_back(self, offer: SessionOffer, visit: Visit) -> None:
        try:
            socket = await self._join(self._origin, offer.room, offer.join_token)
        except LinkLost as lost:
            self._parts.log.info("room-not-joined", room=offer.room, reason=str(lost))
            return
        if self._visit is visit and visit.steps.waits:
            self._parts.log.info("somebody-came-back", room=offer.room)
            visit.came_back(offer.room, socket, self._own())
        else:
            await socket.close()

    def _ticket_of(self, offer: SessionOffer) -> OwnTicket | None:
        """A ticket of our own that is open; without one named, none is needed where the owner's policy may let in."""
        if offer.ticket is None:
            return OwnTicket("", "") if self._parts.gate.unattended_now() else None
        ticket = self._tickets.get(offer.ticket)
        return OwnTicket(ticket.ticket, ticket.words) if ticket is not None and ticket.is_open else None

    async def _guarded(self, offer: SessionOffer, ticket: OwnTicket, giver: Visit | None) -> None:
        try:
            await self._visit_in(offer, ticket, giver)
        except LinkLost as lost:
            self._parts.log.info("room-not-joined", room=offer.room, reason=str(lost))
        except Exception as error:  # noqa: BLE001 - a defect ends this visit, is shown, and must not end the service
            self._parts.log.defect("visit-raised", error, room=offer.room)
        finally:
            self._rooms.discard(offer.room)

    def _why_not(self, ticket: OwnTicket | None, giver: Visit | None) -> DeclineReason | None:
        if self._rooms and giver is None:
            return "busy"
        if self._parts.gate.frozen:
            return "stopped"
        if ticket is None:
            return "unknown-ticket"
        if self._parts.gate.obstacle() is not None and not self._parts.gate.unattended_now():
            return "cool-down"
        return None

    async def _visit_in(self, offer: SessionOffer, ticket: OwnTicket, giver: Visit | None) -> None:
        socket = await self._join(self._origin, offer.room, offer.join_token)
        moment = moment_of(self._parts.clocks)
        number = self._parts.books.grants.next_number
        takes_over = None if giver is None else giver.steps.hand_over(giver.moment())
        steps = VisitSteps(
            self._own(), ticket, offer.room, self._parts.trust.trust, moment, next_number=number, takes_over=takes_over
        )
        visit = Visit(steps, socket, self._parts, offer.room)
        if giver is not None:
            visit.when_let_in = lambda: self._taken_over(giver, visit)
        self._present.append(visit)
        self._parts.log.info("visit-began", room=offer.room)
        try:
            await visit.run()
        finally:
            if not visit.ended:
                visit.feed(EndNow(EndedBy.AGENT_STOPPED, "the agent stops"))
                visit.feed(TransportLost())  # nobody is there to countersign: the receipt is made now
            self._present.remove(visit)
            if giver is not None and not visit.let_in and not giver.ended:
                giver.feed(HandOverSettled(taken=False))
            by = steps.ended_by.value if steps.ended_by else str(steps.refused or "")
            # Without what stands in parentheses: that may name people.
            self._parts.log.info("visit-ended", room=offer.room, by=by, why=steps.why.partition(" (")[0])

    def _taken_over(self, giver: Visit, heir: Visit) -> None:
        """The customer has let the next one in: only now the one before leaves."""
        self._present.sort(key=lambda visit: visit is not heir)
        if not giver.ended:
            giver.feed(HandOverSettled(taken=True))

    # --- the customer ----------------------------------------------------------------------------------------

    def about(self) -> About | None:
        """Who is here or asks, as far as it was proven: what a report of abuse is about. None: nobody."""
        visit = self._visit
        if visit is None or visit.ended or visit.steps.visitor is None:
            return None
        technician, grant = visit.steps.visitor.technician.body, visit.steps.grant
        ticket = visit.steps.visitor.request.body.ticket
        return About(technician.name, technician.organisation, ticket, None if grant is None else grant.grant.hash)

    def current(self) -> list[VisitView]:
        """The one in force first."""
        return [self._view(visit) for visit in self._present if not visit.ended]

    def in_force(self) -> VisitInForce | None:
        """The visit that may act now, as proven; None while nobody is here or nothing is granted."""
        visit = self._visit
        if visit is None or visit.ended or visit.steps.state is not SessionState.ACTIVE:
            return None
        grant, visitor = visit.steps.grant, visit.steps.visitor
        if grant is None or visitor is None:
            return None
        technician = visitor.technician.body
        return VisitInForce(
            grant.grant.hash,
            technician.name,
            technician.organisation,
            visitor.request.body.ticket or "",
            frozenset(grant.scopes),
        )

    def stop_all(self, by: EndedBy = EndedBy.CUSTOMER) -> int:
        """End every visit. When this returns, their processes are killed and the end is written."""
        stopped = 0
        for visit in list(self._present):
            if not visit.ended and visit.steps.state is not SessionState.STOPPING:
                visit.feed(EndNow(by, "the customer pressed Stop" if by is EndedBy.CUSTOMER else "the agent stops"))
                stopped += 1
        return stopped

    def stop_unattended(self) -> int:
        """End a visit that the owner's policy let in: the policy was withdrawn."""
        return self.stop_all() if any(view.unattended for view in self.current()) else 0

    def narrow(self, scopes: Sequence[Scope]) -> tuple[Scope, ...]:
        """Allow only these from now on; the scopes in force afterwards. Nothing left: the visit ends."""
        visit = self._visit
        if visit is None or visit.steps.grant is None:
            return ()
        visit.feed(CustomerNarrows(tuple(scopes)))
        state = visit.steps.grant
        return () if state.ended_by is not None else tuple(sorted(state.scopes))

    def trust_changed(self) -> None:
        """The organisation has published something newer: judge the visitor anew, now."""
        for visit in list(self._present):
            if not visit.ended:
                visit.judge_anew()
        if not self._rooms:
            self._repair()

    def host_pids(self) -> Sequence[int]:
        """Session hosts alive now: their descendants may not answer for the customer."""
        return tuple(visit.host_pid for visit in self._present if visit.host_pid is not None)

    @property
    def busy(self) -> bool:
        return bool(self._rooms)

    # --- life ------------------------------------------------------------------------------------------------

    async def run(self) -> None:
        """Repair what a crash or a full disk left behind; until cancelled. Then: end what is going on."""
        try:
            while True:
                if not self._rooms:
                    self._repair()
                await asyncio.sleep(_REPAIR_S)
        finally:
            self.stop_all(EndedBy.AGENT_STOPPED)
            if self._return_task is not None:
                self._return_task.cancel()
            if tasks := set(self._tasks):
                # The last words go out if the relay takes them; the receipt is on the disk either way.
                await asyncio.wait(tasks, timeout=_LAST_WORDS_S)
                for task in tasks:
                    task.cancel()
                await asyncio.gather(*tasks, return_exceptions=True)

    def _repair(self) -> None:
        try:
            rebuilt = self._parts.receipts.rebuild_missing()
            self._parts.receipts.send_waiting()
        except Refusal as error:
            self._parts.log.warning("receipts-wait", reason=error.what)
        else:
            if rebuilt:
                self._parts.log.warning("receipts-rebuilt", count=rebuilt)

    def _view(self, visit: Visit) -> VisitView:
        steps = visit.steps
        visitor, grant = steps.visitor, steps.grant
        technician = None if visitor is None else visitor.technician.body
        request = None if visitor is None else visitor.request.body
        scopes = tuple(sorted(grant.scopes)) if grant is not None else ()
        return VisitView(
            room=visit.room,
            state=steps.state.value,
            technician="" if technician is None else technician.name,
            organisation="" if technician is None else technician.organisation,
            tier=0 if technician is None else technician.tier,
            reason="" if request is None else request.reason,
            ticket="" if request is None else request.ticket or "",
            phrase=() if visitor is None else steps.phrase,
            scopes=tuple(scope.value for scope in scopes),
            sentences=tuple(MEANINGS[scope].sentence for scope in scopes),
            minutes=0 if grant is None else grant.grant.body.minutes,
            seconds_left=int(steps.seconds_left(self._parts.clocks.boot())),
            doing=tuple(told(action, arguments) for _, action, arguments, outcome in visit.done() if outcome is None),
            done=tuple(_done(*each) for each in visit.done()),
            unattended=grant is not None and grant.grant.body.consent.method is ConsentMethod.UNATTENDED_POLICY,
        )


def _done(sequence: int, action: str, arguments: bytes, outcome: Outcome | None) -> DoneAction:
    return DoneAction(
        sequence=sequence,
        action=action,
        sentence=told(action, arguments),
        outcome="running" if outcome is None else outcome.value,
    )
