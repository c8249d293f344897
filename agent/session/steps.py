"""A whole visit as the device lives it. Pure: events in, effects out; no socket, no clock, no disk, no window.

    HANDSHAKE ─ message 3 proves the technician ─► VERIFIED ─ hello both ways, views of the log fit ─► ask
    PROMPTED ─ yes ─► grant signed and booked, the server's log has the start ─► ACTIVE ─ actions ─►
    PAUSED (connection lost) ─ the same technician is back, proven anew ─► a successor grant ─► ACTIVE
    STOPPING (stop, end, time over, revoked, broken, nobody came back) ─ one receipt ─► ENDED

States and who may say what when are protocol/session_state.py; what an action may do is session_rules.py through
actions_in_force.py. The order of the effects is the promise: a number is booked before its action runs, a grant
before it is handed over, Stop kills before it writes. Whatever raises here ends the visit; nothing is answered in
clear and nothing is tried again.
"""

from collections.abc import Callable, Mapping
from typing import Final, assert_never

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from agent.consent.gate import No, Yes
from agent.session.actions_in_force import ActionsInForce
from agent.session.arrival import HandOver, OwnTicket, Visitor, fault_of_hand_over, no_longer_trusted
from agent.session.device_words import the_grant, the_question, the_successor
from agent.session.doorstep import Doorstep
from agent.session.effects import (
    Answered,
    AskCustomer,
    AuditSettled,
    BooksClosed,
    CameBack,
    CompareViews,
    CustomerNarrows,
    Effect,
    EndNow,
    Event,
    Finished,
    GrantHandedOver,
    HandOverSettled,
    HangUp,
    InputTaken,
    Moment,
    OpenBooks,
    RaiseAlarm,
    ReceiptMade,
    Received,
    Rows,
    Send,
    StartHost,
    Streamed,
    Succeed,
    Succeeded,
    Tick,
    TransportLost,
    TrustChanged,
    ViewsCompared,
)
from agent.session.ending import EndingSteps
from agent.session.farewell import pieces
from agent.session.own_side import OwnSide
from agent.session.pause import NoReturn, judge_return
from protocol.actions.catalogue import ACTIONS
from protocol.actions.scopes import Scope
from protocol.actions.spec import ActionSpec
from protocol.channel import FrameType, PeerFinished
from protocol.connection import SessionFrame, StreamClosed, StreamData, StreamOpened, StreamReset
from protocol.errors import LocalProtocolError, RemoteProtocolError
from protocol.grants import ChangeKind, EndedBy, Grant
from protocol.session_rules import GrantState
from protocol.session_state import SessionEvent, SessionState, Side, Verdict, judge_received, next_state
from protocol.statements import Verified, VerifyKey
from protocol.trust import ForkedDocumentError, Trust
from protocol.visit import Granted, RefusalReason

#: A session does not begin unless the server's log says within this time that it stored the start.
AUDIT_WAIT_S: Final = 10
#: Clocks that count suspend and that do not drift apart by less than this while a computer is awake.
SLEPT_S: Final = 5.0

_STREAM_FRAMES: Final = {
    StreamOpened: FrameType.OPEN,
    StreamData: FrameType.DATA,
    StreamClosed: FrameType.CLOSE,
    StreamReset: FrameType.RESET,
}


class VisitSteps(EndingSteps):
    """One visit, from the moment the relay has paired both ends. `receive` takes every event, in order."""

    def __init__(
        self,
        own: OwnSide,
        ticket: OwnTicket,
        room: str,
        trust: Trust,
        moment: Moment,
        *,
        ephemeral: Callable[[], X25519PrivateKey] = X25519PrivateKey.generate,
        catalogue: Mapping[str, ActionSpec] = ACTIONS,
        next_number: Callable[[], int] = lambda: 1,
        takes_over: HandOver | None = None,
    ) -> None:
        door = Doorstep(own, ticket, room, trust.root_hash, moment, ephemeral)
        super().__init__(own, trust, door, moment)
        self._ticket = ticket
        self._ephemeral = ephemeral
        self._catalogue = catalogue
        self._next_number = next_number
        self._takes_over = takes_over

    # --- what others may see ---------------------------------------------------------------------------------

    @property
    def phrase(self) -> tuple[str, ...]:
        return self._door.phrase

    @property
    def doing(self) -> tuple[ActionSpec, ...]:
        return self._actions.doing if self._actions else ()

    def seconds_left(self, boot_s: float) -> float:
        if self.grant is None or self.state not in (SessionState.ACTIVE, SessionState.PAUSED):
            return 0.0
        return max(0.0, self._ends_boot_s - boot_s)

    @property
    def waits(self) -> bool:
        """The connection is lost and nobody stands at the door: whoever comes now may be the technician."""
        return self.state is SessionState.PAUSED and self._door.gone

    # --- events ----------------------------------------------------------------------------------------------

    def receive(self, event: Event, moment: Moment) -> list[Effect]:
        """What to do now, in this order. After ENDED: nothing."""
        if self.state is SessionState.ENDED:
            return []
        try:
            slept = moment.boot_s - moment.mono_s - self._slept_before_s > SLEPT_S
            if slept and self.state is not SessionState.STOPPING:
                # Whoever wakes a computer may be somebody else: a visit does not outlive its sleep.
                effects = self._end(EndedBy.CONNECTION_LOST, "the computer has slept", moment)
            else:
                effects = self._dispatch(event, moment)
        except (RemoteProtocolError, LocalProtocolError) as error:
            effects = self._broken(error, moment)
        hang_up = [effect for effect in effects if isinstance(effect, HangUp)]
        rest = [effect for effect in effects if not isinstance(effect, HangUp)]
        effects = [*rest, *self._door.outgoing(moment), *hang_up]
        self._door.gone = self._door.gone or bool(hang_up)
        return effects

    def _dispatch(self, event: Event, moment: Moment) -> list[Effect]:
        match event:
            case Received():
                return self._received(event.data, moment)
            case TransportLost():
                return self._transport_lost(event.why, moment)
            case CameBack():
                return self._came_back(event, moment)
            case ViewsCompared():
                return self._views_compared(event, moment)
            case Answered():
                return self._answered(event, moment)
            case AuditSettled():
                return self._audit_settled(event, moment)
            case Rows():
                return self._actions.rows(event) if self._actions else []
            case Streamed():
                return self._actions.streamed(event) if self._actions else []
            case InputTaken():
                if self._actions:
                    self._actions.input_taken(event)
                return []
            case Finished():
                return self._finished(event, moment)
            case CustomerNarrows():
                return self._narrow(event.scopes, moment)
            case EndNow():
                return self._end(event.by, event.why, moment)
            case BooksClosed():
                return self._books_closed(event, moment)
            case ReceiptMade():
                return self._receipt_made(event)
            case Succeeded():
                self._proof_before = event.proof
                return []
            case HandOverSettled():
                return self._hand_over_settled(event, moment)
            case TrustChanged():
                return self._trust_changed(event.trust, moment)
            case Tick():
                return self._tick(moment)
            case _:
                assert_never(event)

    # --- arriving --------------------------------------------------------------------------------------------

    def _received(self, data: bytes, moment: Moment) -> list[Effect]:
        connection = self._door.connection
        if self._door.gone:
            return []
        if connection is None:
            return self._handshake_message(data, moment)
        effects: list[Effect] = []
        for said in connection.receive(data, moment.mono_s):
            if isinstance(said, PeerFinished):
                effects += self._peer_finished(moment)
                continue
            frame = said.type if isinstance(said, SessionFrame) else _STREAM_FRAMES[type(said)]
            if judge_received(Side.TECHNICIAN, frame, self.state) is Verdict.DROP:
                continue
            match said:
                case SessionFrame():
                    effects += self._session_frame(said, moment)
                case StreamOpened():
                    effects += self._opened(said, moment)
                case StreamReset():
                    effects += self._in_force().reset(said.stream)
                case StreamData():
                    effects += self._in_force().data(said.stream, said.data)
                case StreamClosed():
                    effects += self._in_force().closed(said.stream)
                case _:
                    assert_never(said)
        if self._actions:
            effects += self._actions.pump()  # the record may have carried credit
        return effects

    def _peer_finished(self, moment: Moment) -> list[Effect]:
        """FIN is the technician's last word; with it they end the session if nobody has."""
        if self.state is SessionState.PAUSED and not self._opened_successor:
            return self._hung_up("whoever came back left again")
        return self._end(EndedBy.TECHNICIAN, "the technician's program closed the session", moment)

    def _handshake_message(self, data: bytes, moment: Moment) -> list[Effect]:
        answer = self._door.message(data, moment)
        if answer is not None:
            return [Send(answer)]
        returns = self.state is SessionState.PAUSED
        if not returns:
            self.state = next_state(self.state, SessionEvent.PEER_VERIFIED)
        try:
            visitor = self._door.meet(self._trust, moment)
        except RemoteProtocolError as error:
            return self._refuse(RefusalReason.NOT_CERTIFIED, str(error))
        if returns and self.grant is not None:
            unwelcome = judge_return(self.grant, visitor)
            if unwelcome is not None:
                return self._not_again(unwelcome, moment)
        elif visitor.request.body.resumes is not None:
            return self._refuse(RefusalReason.NOT_RESUMED, "the visit to go on with is over")
        elif (fault := fault_of_hand_over(self._takes_over, visitor)) is not None:
            return self._refuse(RefusalReason.BUSY, fault)
        else:
            self.visitor = visitor
        self._door.say(FrameType.HELLO, self._door.our_hello(self._trust))
        return [] if returns else [StartHost()]

    def _session_frame(self, frame: SessionFrame, moment: Moment) -> list[Effect]:
        match frame.type:
            case FrameType.HELLO:
                return self._hello(frame.payload, moment)
            case FrameType.SESSION_CLOSE:
                return self._closing(frame.payload, moment)
            case FrameType.NOTICE:
                return []  # a line for a screen; never acted upon
            case _:
                raise RemoteProtocolError(f"a technician never sends {frame.type.name}")

    def _hello(self, payload: bytes, moment: Moment) -> list[Effect]:
        try:
            heard = self._door.hear_hello(payload, self._trust, moment)
        except ForkedDocumentError as error:
            alarm = RaiseAlarm("fork", error.what, error.expected, error.got)
            return [alarm, *self._refuse(RefusalReason.SPLIT_VIEW, str(error))]
        self._trust = heard.trust
        problem = no_longer_trusted(self._door.visitor, self._trust, moment.wall)
        if problem:
            refused = self._trust_changed(self._trust, moment) or self._refuse(RefusalReason.NOT_CERTIFIED, problem)
            return [*heard.effects, *refused]
        return [*heard.effects, CompareViews(heard.checkpoint)]

    def _views_compared(self, event: ViewsCompared, moment: Moment) -> list[Effect]:
        returns = self.state is SessionState.PAUSED
        if self._door.gone or not (returns or self.state is SessionState.VERIFIED) or self._door.visitor is None:
            return []
        if event.forked:
            alarm = RaiseAlarm("split-view", event.problem, "one history of the log", "two")
            return [alarm, *self._refuse(RefusalReason.SPLIT_VIEW, event.problem)]
        if event.problem:
            return self._refuse(RefusalReason.AUDIT_UNAVAILABLE, event.problem)
        if returns:
            self._may_go_on = True
            return self._go_on(moment)
        assert self.visitor is not None  # noqa: S101 - VERIFIED without one is a refusal
        facts = the_question(
            self.visitor, self._own, self._ticket, self._trust, self.phrase, moment.wall, self._takes_over
        )
        if facts.offer.refusal is not None:
            return self._refuse(facts.offer.refusal, "nothing of what was asked can be offered")
        self.state = next_state(self.state, SessionEvent.PROMPT_SHOWN)
        return [AskCustomer(facts)]

    def _answered(self, event: Answered, moment: Moment) -> list[Effect]:
        if self.state is not SessionState.PROMPTED or self.visitor is None or self.grant is not None:
            return []
        match event.decision:
            case No(reason=reason):
                return self._refuse(reason, "the customer, or their settings, said no")
            case Yes() as yes:
                problem = no_longer_trusted(self.visitor, self._trust, moment.wall)  # two minutes may have passed
                if problem:
                    return self._refuse(RefusalReason.NOT_CERTIFIED, problem)
                handshake = self._door.handshake_hash
                grant = the_grant(
                    self.visitor, self._own, self._trust.root_hash, handshake, yes, event.grant_number, moment
                )
                self._ends_boot_s = moment.boot_s + grant.body.minutes * 60
                return [self._under(grant, self.visitor, moment)]
            case _:
                assert_never(event.decision)

    def _under(self, grant: Verified[Grant], visitor: Visitor, moment: Moment) -> OpenBooks:
        """From now on this is the grant; it is handed over when the server's log has its start."""
        self.grant = GrantState.begin(grant)
        self.visitor = visitor
        self._deadline_s = moment.mono_s + AUDIT_WAIT_S
        name = visitor.technician.body.name
        return OpenBooks(grant, visitor.request, visitor.chain, name, self._own.certificate)

    def _audit_settled(self, event: AuditSettled, moment: Moment) -> list[Effect]:
        if event.sequence:
            return self._actions.logged(event.sequence, stored=event.stored) if self._actions else []
        awaited = self.state is SessionState.PROMPTED or self._opened_successor
        if self._handed_over or self.grant is None or not awaited:
            return []
        if not event.stored:
            return self._end(EndedBy.AUDIT_UNAVAILABLE, "the server's log did not store the start", moment)
        for piece in pieces(self._proof_before) if self._proof_before else ():
            self._door.say_bytes(FrameType.RECEIPT, piece)
        again = self.state is SessionState.PAUSED
        self.state = next_state(self.state, SessionEvent.SUCCESSOR_GRANTED if again else SessionEvent.GRANTED)
        self._deadline_s, self._proof_before = None, b""
        self._handed_over, self._opened_successor = True, False
        visitor, connection = self.visitor, self._door.connection
        assert visitor is not None and connection is not None  # noqa: S101, PT018 - a grant has both
        key = VerifyKey(visitor.technician.body.signing_key)
        self._actions = ActionsInForce(connection, key, self._catalogue, before=self._actions)
        self._door.say(FrameType.GRANT, Granted(grant=self.grant.grant.envelope))
        return [GrantHandedOver()]

    # --- a lost connection -----------------------------------------------------------------------------------

    def _transport_lost(self, why: str, moment: Moment) -> list[Effect]:
        """In force: wait for the technician, unless they were lost too often. A return that is lost was none."""
        self._door.gone = True
        if self.state is SessionState.PAUSED:
            # A successor that was opened and never handed over is lost with its connection: nobody knows it.
            return self._end(EndedBy.CONNECTION_LOST, why, moment) if self._opened_successor else self._hung_up(why)
        if self.state is not SessionState.ACTIVE or not self._pauses.begin(moment):
            return self._end(EndedBy.CONNECTION_LOST, why, moment)
        self.state = next_state(self.state, SessionEvent.CONNECTION_LOST)
        self._handed_over = False
        return [*(self._in_force().cut()), *self._hung_up(why)]

    def _came_back(self, event: CameBack, moment: Moment) -> list[Effect]:
        if not self.waits:
            return []
        self._own = event.own
        self._door = Doorstep(event.own, self._ticket, event.room, self._trust.root_hash, moment, self._ephemeral)
        return []

    def _not_again(self, unwelcome: NoReturn, moment: Moment) -> list[Effect]:
        """Whoever came back is not let in; what they were told goes out before the connection ends."""
        if unwelcome.for_ever:
            return self._end(EndedBy.CONNECTION_LOST, unwelcome.why, moment)
        return self._refuse(unwelcome.reason, unwelcome.why)

    def _go_on(self, moment: Moment) -> list[Effect]:
        """The technician is back and all of it is proven: the successor, as soon as nothing changes the machine."""
        visitor, state, connection = self._door.visitor, self.grant, self._door.connection
        if not self._may_go_on or visitor is None or state is None or connection is None or self._actions is None:
            return []
        if self._actions.changing:
            return []  # its outcome belongs into the receipt of the grant it began under
        self._may_go_on = False
        unwelcome = judge_return(state, visitor)  # the customer may have taken something back meanwhile
        if unwelcome is not None:
            return self._not_again(unwelcome, moment)
        left_s = self.seconds_left(moment.boot_s)
        if left_s < 1:
            return self._end(EndedBy.EXPIRED, "the granted time is over", moment)
        number, handshake = self._next_number(), self._door.handshake_hash
        grant = the_successor(visitor, state, self._own, handshake, left_s, number, moment)
        self._ends_boot_s = min(self._ends_boot_s, moment.boot_s + grant.body.minutes * 60)
        self._opened_successor = True
        return [*self._actions.hand_on(), Succeed(self._under(grant, visitor, moment))]

    def _finished(self, event: Finished, moment: Moment) -> list[Effect]:
        if self._actions is None:
            return []
        return [*self._actions.finished(event), *self._go_on(moment)]

    # --- in force --------------------------------------------------------------------------------------------

    def _opened(self, said: StreamOpened, moment: Moment) -> list[Effect]:
        assert self.grant is not None  # noqa: S101 - the table lets no stream in before the grant
        elapsed_s = self.grant.grant.body.minutes * 60 - (self._ends_boot_s - moment.boot_s)
        self.grant, effects = self._in_force().open(self.grant, said.stream, said.payload, elapsed_s, moment)
        return effects

    def _in_force(self) -> ActionsInForce:
        if self._actions is None:
            raise RemoteProtocolError("an action before the grant", expected="the grant first")
        return self._actions

    def _narrow(self, scopes: tuple[Scope, ...], moment: Moment) -> list[Effect]:
        if self.state not in (SessionState.ACTIVE, SessionState.PAUSED) or self.grant is None:
            return []
        narrowed = self.grant.narrowed(scopes)
        if not narrowed.scopes:
            return self._end(EndedBy.CUSTOMER, "the customer allows nothing any more", moment)
        if narrowed.scopes == self.grant.scopes:
            return []
        self.grant = narrowed
        self.state = next_state(self.state, SessionEvent.NARROWED)
        effects = self._in_force().narrowed(narrowed.scopes)
        return [self._change(ChangeKind.NARROWED, moment), *effects]

    def _trust_changed(self, trust: Trust, moment: Moment) -> list[Effect]:
        self._trust = trust
        problem = no_longer_trusted(self.visitor, trust, moment.wall)
        if not problem:
            return []
        if self.grant is None:
            return self._refuse(RefusalReason.NOT_CERTIFIED, problem)
        return self._end(EndedBy.REVOKED, problem, moment)

    def _tick(self, moment: Moment) -> list[Effect]:
        granted = self.state in (SessionState.ACTIVE, SessionState.PAUSED)
        if granted and self.seconds_left(moment.boot_s) <= 0:
            return self._end(EndedBy.EXPIRED, "the granted time is over", moment)
        slow = not self._door.gone and self._door.deadline_s is not None and moment.mono_s > self._door.deadline_s
        if self.state is SessionState.PAUSED and not self._opened_successor:
            if self._pauses.over(moment):
                return self._end(EndedBy.CONNECTION_LOST, "nobody came back in time", moment)
            return self._hung_up("whoever came back did not go on in time") if slow else []
        if slow and self.grant is None:
            self._door.gone = True
            return self._end(EndedBy.CONNECTION_LOST, "the technician's program did not go on in time", moment)
        if self._deadline_s is None or moment.mono_s <= self._deadline_s:
            return []
        self._deadline_s = None
        if self.state is SessionState.STOPPING:
            return self._farewell.receipt()
        return self._audit_settled(AuditSettled(0, stored=False), moment)
