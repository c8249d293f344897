"""A whole visit as the device lives it. Pure: events in, effects out; no socket, no clock, no disk, no window.

    HANDSHAKE ─ message 3 proves the technician ─► VERIFIED ─ hello both ways, views of the log fit ─► ask
    PROMPTED ─ yes ─► grant signed and booked, the server's log has the start ─► ACTIVE ─ actions ─►
    STOPPING (stop, end, time over, revoked, broken, connection lost) ─ one receipt ─► ENDED

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
from agent.session.arrival import (
    OwnSide,
    OwnTicket,
    Visitor,
    begin_handshake,
    hello_of,
    meet,
    read_hello,
    with_newer_revocations,
)
from agent.session.device_words import the_change, the_grant, the_question
from agent.session.effects import (
    AcceptDocument,
    Answered,
    AskCustomer,
    AuditSettled,
    BookChange,
    BooksClosed,
    CloseBooks,
    CompareViews,
    CustomerNarrows,
    Effect,
    EndNow,
    Event,
    Finished,
    GrantHandedOver,
    HangUp,
    InputTaken,
    KillHost,
    Moment,
    OpenBooks,
    RaiseAlarm,
    ReceiptMade,
    Received,
    Rows,
    Send,
    StartHost,
    Streamed,
    Tick,
    TransportLost,
    TrustChanged,
    ViewsCompared,
    WithdrawQuestion,
)
from agent.session.farewell import END_EVENTS, REFUSAL_OF_END, Farewell, pieces
from protocol import limits, strict_json
from protocol.actions.catalogue import ACTIONS
from protocol.actions.scopes import Scope
from protocol.actions.spec import ActionSpec
from protocol.channel import FRAME_PAYLOAD_MAX_BYTES, FrameType, PeerFinished
from protocol.connection import Connection, SessionFrame, StreamClosed, StreamData, StreamOpened, StreamReset
from protocol.errors import LocalProtocolError, ProtocolError, RemoteProtocolError
from protocol.grants import ChangeKind, EndedBy
from protocol.phrase import phrase
from protocol.session_rules import GrantState
from protocol.session_state import SessionEvent, SessionState, Side, Verdict, judge_received, next_state
from protocol.statements import VerifyKey
from protocol.strict_json import WireModel
from protocol.trust import ForkedDocumentError, Trust, documents_version
from protocol.visit import Changed, Granted, NotGranted, RefusalReason, SessionClosing

#: A session does not begin unless the server's log says within this time that it stored the start.
AUDIT_WAIT_S: Final = 10
#: Clocks that count suspend and that do not drift apart by less than this while a computer is awake.
SLEPT_S: Final = 5.0
#: How long the receipt waits for the technician's countersignature.
COUNTERSIGN_WAIT_S: Final = 3

_STREAM_FRAMES: Final = {
    StreamOpened: FrameType.OPEN,
    StreamData: FrameType.DATA,
    StreamClosed: FrameType.CLOSE,
    StreamReset: FrameType.RESET,
}


class VisitSteps:
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
    ) -> None:
        self.state = next_state(SessionState.REQUESTED, SessionEvent.PAIRED)
        self.visitor: Visitor | None = None
        self.grant: GrantState | None = None
        self.ended_by: EndedBy | None = None
        self.refused: RefusalReason | None = None
        self._own = own
        self._ticket = ticket
        self._room = room
        self._trust = trust
        self._catalogue = catalogue
        self._handshake = begin_handshake(own, trust.root_hash, ticket.ticket, room, ephemeral)
        self._messages = 0
        self._connection: Connection | None = None
        self._actions: ActionsInForce | None = None
        self._heard_hello = False
        self._handed_over = False
        self._granted_boot_s = 0.0
        self._slept_before_s = moment.boot_s - moment.mono_s
        self._deadline_s: float | None = moment.mono_s + limits.HANDSHAKE_TIMEOUT_S
        self._lost = False
        self._farewell = Farewell()
        self.why = ""

    # --- what others may see ---------------------------------------------------------------------------------

    @property
    def phrase(self) -> tuple[str, ...]:
        return phrase(self._handshake.handshake_hash)

    @property
    def doing(self) -> tuple[ActionSpec, ...]:
        return self._actions.doing if self._actions else ()

    def seconds_left(self, boot_s: float) -> float:
        if self.grant is None or self.state is not SessionState.ACTIVE:
            return 0.0
        return max(0.0, self.grant.grant.body.minutes * 60 - (boot_s - self._granted_boot_s))

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
        return [*rest, *self._outgoing(moment), *hang_up]

    def _dispatch(self, event: Event, moment: Moment) -> list[Effect]:
        match event:
            case Received():
                return self._received(event.data, moment)
            case TransportLost():
                self._lost = True
                return self._end(EndedBy.CONNECTION_LOST, event.why, moment)
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
                return self._actions.finished(event) if self._actions else []
            case CustomerNarrows():
                return self._narrow(event.scopes, moment)
            case EndNow():
                return self._end(event.by, event.why, moment)
            case BooksClosed():
                return self._books_closed(event, moment)
            case ReceiptMade():
                return self._receipt_made(event)
            case TrustChanged():
                return self._trust_changed(event.trust, moment)
            case Tick():
                return self._tick(moment)
            case _:
                assert_never(event)

    # --- arriving --------------------------------------------------------------------------------------------

    def _received(self, data: bytes, moment: Moment) -> list[Effect]:
        if self._connection is None:
            return self._handshake_message(data, moment)
        effects: list[Effect] = []
        for said in self._connection.receive(data, moment.mono_s):
            if isinstance(said, PeerFinished):
                # FIN is the technician's last word; with it they end the session if nobody has.
                effects += self._end(EndedBy.TECHNICIAN, "the technician's program closed the session", moment)
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

    def _handshake_message(self, data: bytes, moment: Moment) -> list[Effect]:
        payload = self._handshake.read_message(data)
        self._messages += 1
        if self._messages == 1:
            if payload:
                raise RemoteProtocolError("handshake message 1 carries something", expected="nothing", got="bytes")
            return [Send(self._handshake.write_message())]
        connection = Connection.from_handshake(self._handshake, now_s=moment.mono_s)
        self._connection = connection
        self.state = next_state(self.state, SessionEvent.PEER_VERIFIED)
        try:
            visitor = meet(
                payload, self._handshake, self._own, self._trust, self._ticket.ticket, self._room, moment.wall
            )
        except RemoteProtocolError as error:
            return self._refuse(RefusalReason.NOT_CERTIFIED, str(error))
        self.visitor = visitor
        self._deadline_s = moment.mono_s + limits.HANDSHAKE_TIMEOUT_S
        self._say(FrameType.HELLO, hello_of(self._own, self._trust, documents_version(self._trust)))
        return [StartHost()]

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
        if self._heard_hello:
            raise RemoteProtocolError("a second hello", expected="one on each side", got="another")
        self._heard_hello = True
        hello = read_hello(payload)
        try:
            trust = with_newer_revocations(hello, self._trust, moment.wall)
        except ForkedDocumentError as error:
            alarm = RaiseAlarm("fork", error.what, error.expected, error.got)
            return [alarm, *self._refuse(RefusalReason.SPLIT_VIEW, str(error))]
        effects: list[Effect] = []
        if trust is not self._trust and hello.revocations is not None:
            self._trust = trust
            effects.append(AcceptDocument(hello.revocations))
        problem = self._no_longer_trusted(moment)
        if problem:
            return effects + self._refuse(RefusalReason.NOT_CERTIFIED, problem)
        self._deadline_s = None  # the comparison may ask the server; it has a time limit of its own
        return [*effects, CompareViews(hello.checkpoint)]

    def _views_compared(self, event: ViewsCompared, moment: Moment) -> list[Effect]:
        if self.state is not SessionState.VERIFIED or self.visitor is None:
            return []
        if event.forked:
            alarm = RaiseAlarm("split-view", event.problem, "one history of the log", "two")
            return [alarm, *self._refuse(RefusalReason.SPLIT_VIEW, event.problem)]
        if event.problem:
            return self._refuse(RefusalReason.AUDIT_UNAVAILABLE, event.problem)
        facts = the_question(self.visitor, self._own, self._ticket, self._trust, self.phrase, moment.wall)
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
                problem = self._no_longer_trusted(moment)  # two minutes may have passed
                if problem:
                    return self._refuse(RefusalReason.NOT_CERTIFIED, problem)
                handshake = self._handshake.handshake_hash
                grant = the_grant(
                    self.visitor, self._own, self._trust.root_hash, handshake, yes, event.grant_number, moment
                )
                self.grant = GrantState.begin(grant)
                self._granted_boot_s = moment.boot_s
                self._deadline_s = moment.mono_s + AUDIT_WAIT_S
                name = self.visitor.technician.body.name
                return [OpenBooks(grant, self.visitor.request, self.visitor.chain, name, self._own.certificate)]
            case _:
                assert_never(event.decision)

    def _audit_settled(self, event: AuditSettled, moment: Moment) -> list[Effect]:
        if event.sequence:
            return self._actions.logged(event.sequence, stored=event.stored) if self._actions else []
        if self.state is not SessionState.PROMPTED or self.grant is None:
            return []
        if not event.stored:
            return self._end(EndedBy.AUDIT_UNAVAILABLE, "the server's log did not store the start", moment)
        self.state = next_state(self.state, SessionEvent.GRANTED)
        self._deadline_s = None
        self._handed_over = True
        visitor, connection = self.visitor, self._connection
        assert visitor is not None and connection is not None  # noqa: S101, PT018 - a grant has both
        self._actions = ActionsInForce(connection, VerifyKey(visitor.technician.body.signing_key), self._catalogue)
        self._say(FrameType.GRANT, Granted(grant=self.grant.grant.envelope))
        return [GrantHandedOver()]

    # --- in force --------------------------------------------------------------------------------------------

    def _opened(self, said: StreamOpened, moment: Moment) -> list[Effect]:
        assert self.grant is not None  # noqa: S101 - the table lets no stream in before the grant
        elapsed_s = moment.boot_s - self._granted_boot_s
        self.grant, effects = self._in_force().open(self.grant, said.stream, said.payload, elapsed_s, moment)
        return effects

    def _in_force(self) -> ActionsInForce:
        if self._actions is None:
            raise RemoteProtocolError("an action before the grant", expected="the grant first")
        return self._actions

    def _narrow(self, scopes: tuple[Scope, ...], moment: Moment) -> list[Effect]:
        if self.state is not SessionState.ACTIVE or self.grant is None:
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

    def _change(self, kind: ChangeKind, moment: Moment) -> BookChange:
        """Sign what the customer changed and tell the technician; the effect books it."""
        assert self.grant is not None  # noqa: S101 - only ever under a grant
        change = the_change(self.grant, self._own, kind, moment)
        if self._handed_over:
            self._say(FrameType.GRANT_CHANGE, Changed(change=change.envelope))
        return BookChange(change)

    def _trust_changed(self, trust: Trust, moment: Moment) -> list[Effect]:
        self._trust = trust
        problem = self._no_longer_trusted(moment)
        if not problem:
            return []
        if self.grant is None:
            return self._refuse(RefusalReason.NOT_CERTIFIED, problem)
        return self._end(EndedBy.REVOKED, problem, moment)

    def _no_longer_trusted(self, moment: Moment) -> str:
        """Why the technician's certificate does not count any more; empty while it does."""
        if self.visitor is None:
            return ""
        try:
            self._trust.technician(self.visitor.chain, moment.wall)
        except RemoteProtocolError as error:
            return str(error)
        return ""

    def _tick(self, moment: Moment) -> list[Effect]:
        overdue = self._deadline_s is not None and moment.mono_s > self._deadline_s
        if self.state is SessionState.ACTIVE and self.seconds_left(moment.boot_s) <= 0:
            return self._end(EndedBy.EXPIRED, "the granted time is over", moment)
        if not overdue:
            return []
        self._deadline_s = None
        if self.state is SessionState.STOPPING:
            return self._farewell.receipt()
        if self.grant is not None:
            return self._audit_settled(AuditSettled(0, stored=False), moment)
        self._lost = True
        return self._end(EndedBy.CONNECTION_LOST, "the technician's program did not go on in time", moment)

    # --- the end ---------------------------------------------------------------------------------------------

    def _closing(self, payload: bytes, moment: Moment) -> list[Effect]:
        said = strict_json.parse(payload, SessionClosing, what="session close", max_bytes=FRAME_PAYLOAD_MAX_BYTES)
        match said.step:
            case "end":
                return self._end(EndedBy.TECHNICIAN, said.reason, moment)
            case "countersign":
                return self._countersigned(said)
            case _:
                raise RemoteProtocolError("a technician sent the journal's root", expected="end or countersign")

    def _countersigned(self, said: SessionClosing) -> list[Effect]:
        if self.grant is None or self.visitor is None:
            return []
        key = VerifyKey(self.visitor.technician.body.signing_key)
        return self._farewell.countersigned(said, self.grant.grant.hash, key)

    def _end(self, by: EndedBy, why: str, moment: Moment) -> list[Effect]:
        """The first end counts. Kill first, then write, then tell."""
        if self.state in (SessionState.STOPPING, SessionState.ENDED):
            return self._farewell.receipt() if self._lost else []
        self.ended_by, self.why = by, why
        if self.state in (SessionState.VERIFIED, SessionState.PROMPTED):
            self._say(FrameType.REFUSED, NotGranted(reason=REFUSAL_OF_END[by]))
        if self.grant is None:
            self.state = next_state(self.state, END_EVENTS[by])
            self._finish()
            withdraw: list[Effect] = [WithdrawQuestion()]
            return [KillHost(), *withdraw, HangUp(why)]
        if self.state is SessionState.PROMPTED:
            # The grant was signed but never handed over. It still gets its receipt, with nothing in it.
            self.state = next_state(self.state, SessionEvent.GRANTED)
        self.state = next_state(self.state, END_EVENTS[by])
        if self.state is SessionState.PAUSED:
            # This version issues no successor grants: nobody comes back into a visit.
            self.state = next_state(self.state, SessionEvent.NOT_RESUMED)
        effects: list[Effect] = [KillHost()]
        if self._actions:
            effects += self._actions.abandon(f"the session ended: {by.value}")
        self.grant = self.grant.ended(by)
        if by is EndedBy.CUSTOMER:
            effects.append(self._change(ChangeKind.STOPPED, moment))
        self._deadline_s = moment.mono_s + COUNTERSIGN_WAIT_S
        return [*effects, CloseBooks(by)]

    def _books_closed(self, event: BooksClosed, moment: Moment) -> list[Effect]:
        self._farewell.books_closed(event)
        gone = self._connection is None or self._connection.dead or self._connection.peer_finished
        if self._lost or gone or not self._handed_over:
            return self._farewell.receipt()
        self._deadline_s = moment.mono_s + COUNTERSIGN_WAIT_S
        by = self.ended_by.value if self.ended_by else ""
        self._say(
            FrameType.SESSION_CLOSE,
            SessionClosing(step="root", reason=by, journal_root=event.root, actions=event.actions),
        )
        return []

    def _receipt_made(self, event: ReceiptMade) -> list[Effect]:
        connection = self._connection
        if connection is not None and not self._lost and not connection.dead and self._handed_over:
            for piece in pieces(event.proof):
                connection.send_session(FrameType.RECEIPT, piece)
        self.state = next_state(self.state, SessionEvent.RECEIPT_MADE)
        self._finish()
        return [HangUp(self.why)]

    def _refuse(self, reason: RefusalReason, why: str) -> list[Effect]:
        """Before any grant: say no inside the sealed channel, and go."""
        self.refused, self.why = reason, why
        self._say(FrameType.REFUSED, NotGranted(reason=reason))
        unanswered = reason is RefusalReason.NO_ANSWER and self.state is SessionState.PROMPTED
        self.state = next_state(self.state, SessionEvent.UNANSWERED if unanswered else SessionEvent.REFUSED)
        self._finish()
        return [KillHost(), WithdrawQuestion(), HangUp(why)]

    def _broken(self, error: ProtocolError, moment: Moment) -> list[Effect]:
        """Somebody broke the protocol: nothing is answered any more."""
        self._lost = True
        return self._end(EndedBy.PROTOCOL_ERROR, str(error), moment)

    # --- talking ---------------------------------------------------------------------------------------------

    def _say(self, frame: FrameType, body: WireModel) -> None:
        connection = self._connection
        if connection is not None and not connection.dead and not self._lost:
            connection.send_session(frame, strict_json.dump(body))

    def _finish(self) -> None:
        connection = self._connection
        if connection is not None and not connection.dead and not self._lost:
            connection.finish()

    def _outgoing(self, moment: Moment) -> list[Effect]:
        """Sealed records go out after everything that had to be written, and before hanging up: see `receive`."""
        if self._connection is None or self._lost:
            return []
        return [Send(record) for record in self._connection.data_to_send(moment.mono_s)]
