"""The technician's steps of a visit, pure: records in, events out; statements in, records out.

    us                                                        the device
    message 1  ─────────────────────────────────────────────►
               ◄───────────────────────────────────────────── message 2: it has proven the key of its certificate
    message 3 with Introduction ────────────────────────────► it checks our certificate and request
    HELLO ◄─────────────────────────────────────────────────► HELLO
               ◄───────────────────────────────────────────── GRANT (checked here) or REFUSED
    OPEN action … ──────────────────────────────────────────► rows, CLOSE with the result
    SESSION_CLOSE end ──────────────────────────────────────►
               ◄───────────────────────────────────────────── SESSION_CLOSE root
    SESSION_CLOSE countersign ──────────────────────────────►
               ◄───────────────────────────────────────────── RECEIPT …

A connection that is lost under a grant pauses the visit. `go_back` begins a new handshake in another room; with the
receipt of the grant before and its successor the visit goes on (returning.py). Streams of later connections are counted
on, so that a stream number means one action for the whole visit.

Decides: whether what comes fits this handshake, this request and the state of the visit (protocol/session_state.py).
Leaves to the shell (visit.py): sockets, clocks, comparing checkpoints, asking the technician, keeping files.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from protocol import strict_json
from protocol.actions.scopes import Scope
from protocol.certificates import Chain, TechnicianCertificate
from protocol.channel import FrameType
from protocol.connection import Connection, PeerFinished, SessionFrame, StreamClosed, StreamData, StreamReset
from protocol.errors import LocalProtocolError, RemoteProtocolError
from protocol.grants import ChangeKind, GrantChange, ReceiptAction, SessionRequest
from protocol.journal import Outcome
from protocol.noise import HandshakeState, session_prologue
from protocol.phrase import phrase
from protocol.proofs import ProofFile
from protocol.session_rules import check_successor
from protocol.session_state import SessionEvent, SessionState, Side, Verdict, check_send, judge_received, next_state
from protocol.statements import Envelope, Verified, VerifyKey, verify
from protocol.streams import StreamState
from protocol.strict_json import WireModel
from protocol.visit import (
    ActionResult,
    Changed,
    Granted,
    Hello,
    Introduction,
    NotGranted,
    Notice,
    OpenAction,
    RefusalReason,
    SessionClosing,
)
from technician.keys.technician_keys import TechnicianKeys
from technician.session.actions import ActionChain, SentAction, end_action, take_data
from technician.session.closing import PROOF_MAX_BYTES, check_receipt, close_body, read_proof
from technician.session.events import (
    ActionEnded,
    Closing,
    ConnectionLost,
    Event,
    GrantCame,
    Handshaken,
    Narrowed,
    Noticed,
    PastReceipt,
    PeerGone,
    PeerHello,
    ReceiptCame,
    Refused,
    Stopped,
    WentOn,
)
from technician.session.grant_check import AskedFor, check_grant
from technician.session.returning import TRY_AGAIN, Fate, check_past_receipt, fates, minutes_left

_ENDED_EARLY = ActionResult(outcome=Outcome.UNKNOWN, detail="the device broke it off")


@dataclass(frozen=True)
class VisitAsk:
    """What is asked of whom. `device_signing` and `device_noise`: from its certificate, or unverified."""

    device: str
    device_signing: bytes
    device_noise: bytes
    root: VerifyKey
    root_hash: bytes
    room: str
    ticket: str | None
    scopes: tuple[Scope, ...]
    minutes: int
    reason: str
    takes_over: bool = False


class Initiator:
    """One visit from the handshake to the receipt. A `RemoteProtocolError` from `receive` ends it for good."""

    def __init__(
        self,
        ask: VisitAsk,
        keys: TechnicianKeys,
        chain: Chain,
        certificate: TechnicianCertificate,
        hello: Hello,
        *,
        nonce: bytes,
        ephemeral: Callable[[], X25519PrivateKey],
    ) -> None:
        self._ask = ask
        self._keys = keys
        self._chain = chain
        self._certificate = certificate
        self._hello = hello
        self._nonce = nonce
        self._ephemeral = ephemeral
        self._handshake: HandshakeState | None = self._new_handshake()
        self._connection: Connection | None = None
        self._offset = 0  # streams of earlier connections
        self._newest_stream = 0
        self._told: tuple[ReceiptAction, ...] | None = None  # by the receipt of the grant before
        self._granted_request: Envelope | None = None
        self._waiting: list[bytes] = []
        self._receipt = bytearray()
        self._changes = 0
        self._handshake_hash = b""
        self.state = next_state(SessionState.REQUESTED, SessionEvent.PAIRED)
        self.request: Envelope | None = None
        self.phrase: tuple[str, ...] = ()
        self.chain: ActionChain | None = None
        self.scopes: frozenset[Scope] = frozenset()

    @property
    def proven(self) -> bool:
        """The device has proven its key on this connection."""
        return self._connection is not None

    # --- bytes -------------------------------------------------------------------------------------------

    def begin(self) -> bytes:
        """Handshake message 1: to be sent first."""
        return self._in_handshake().write_message()

    def receive(self, data: bytes, *, now: int, mono_s: float) -> list[Event]:
        """Events of one relay message. `now` for statements, `mono_s` for the channel's keys."""
        if self._connection is None:
            return self._second_message(data, now, mono_s)
        events: list[Event] = []
        for event in self._connection.receive(data, mono_s):
            match event:
                case SessionFrame():
                    events += self._frame(event, now)
                case StreamData(stream, piece):
                    events += self._data(stream + self._offset, piece)
                case StreamClosed(stream, payload):
                    events += self._action_closed(stream + self._offset, payload)
                case StreamReset(stream):
                    events += self._action_reset(stream + self._offset)
                case PeerFinished():
                    events.append(PeerGone(truncated=False))
                case _:
                    raise RemoteProtocolError("the device opened a stream of its own", got=str(event.stream))
        return events

    def data_to_send(self, mono_s: float) -> list[bytes]:
        """Messages for the relay, in this order."""
        waiting, self._waiting = self._waiting, []
        if self._connection is not None:
            waiting += self._connection.data_to_send(mono_s)
        return waiting

    def connection_lost(self) -> list[Event]:
        """The relay is gone."""
        connection = self._connection
        finished = connection is not None and connection.peer_finished
        broken = connection is not None and connection.dead
        truncated = connection is None or broken or connection.connection_lost().truncated
        if self.state is SessionState.PAUSED or (self.state is SessionState.ACTIVE and not finished and not broken):
            self.state = next_state(self.state, SessionEvent.CONNECTION_LOST)
            self._connection = None
            return [ConnectionLost()]
        return [PeerGone(truncated)]

    def go_back(self, room: str, hello: Hello, nonce: bytes, now: int) -> bytes:
        """Another room: the first message of a new handshake. LocalProtocolError unless the connection is lost."""
        chain = self.chain
        if self.state is not SessionState.PAUSED or chain is None:
            raise LocalProtocolError("nothing to go back to", expected="a lost connection", got=self.state.value)
        minutes = minutes_left(chain.grant.body, now)
        self._ask = replace(self._ask, room=room, scopes=tuple(sorted(self.scopes)), minutes=minutes)
        self._hello, self._nonce = hello, nonce
        self._connection, self._told = None, None
        self._receipt.clear()
        self._waiting.clear()
        self._handshake = self._new_handshake()
        return self.begin()

    # --- our acts ----------------------------------------------------------------------------------------

    def open_action(self, name: str, arguments: WireModel, now: int) -> int:
        """Sign and queue the next action; returns its stream."""
        chain, connection = self._granted()
        check_send(Side.TECHNICIAN, FrameType.OPEN, self.state)
        body, data = chain.next_body(name, arguments, now)
        action = chain.add(body, self._keys.sign(body), data)
        self._open(connection, action, OpenAction(action=action.statement, arguments=data))
        return action.stream

    def take_up(self, fate: Fate, now: int) -> int:
        """Go on with a read that outlived the lost connection, or ask for it again; returns its new stream."""
        chain, connection = self._granted()
        check_send(Side.TECHNICIAN, FrameType.OPEN, self.state)
        before = fate.action
        body = chain.body_of(before.name, before.arguments, now)
        action = chain.add(body, self._keys.sign(body), before.arguments)
        # Not told, and yet begun: it outlived an earlier loss, and our taking it up did not arrive.
        goes_on = fate.reached or before.origin.grant != chain.grant.body.successor_of
        continues = action.follow(before) if goes_on else None
        said = OpenAction(action=action.statement, arguments=before.arguments, continues=continues)
        self._open(connection, action, said)
        return action.stream

    def _open(self, connection: Connection, action: SentAction, said: OpenAction) -> None:
        self._newest_stream = connection.open(strict_json.dump(said)) + self._offset
        action.stream = self._newest_stream

    def consumed(self, stream: int, size_bytes: int) -> None:
        """The application has taken rows of this size: the device may send more. Rows of a lost connection are none."""
        if self._connection is not None and not self._connection.dead and stream > self._offset:
            self._connection.consumed(stream - self._offset, size_bytes)

    def input_room(self, stream: int) -> int:
        """How much input the device has room for on this stream now; 0 when it is over or the session does not go."""
        connection = self._connection
        if connection is None or connection.dead or self.state is not SessionState.ACTIVE or stream <= self._offset:
            return 0
        return connection.sendable_bytes(stream - self._offset)

    def send_input(self, stream: int, data: bytes) -> None:
        """Input for an action, at most `input_room`."""
        check_send(Side.TECHNICIAN, FrameType.DATA, self.state)
        self._granted()[0].on_stream(stream).send(data)
        self._channel().send(stream - self._offset, data)

    def end_input(self, stream: int) -> None:
        """No more input; the action goes on."""
        if self.state is not SessionState.ACTIVE or stream <= self._offset:
            return
        if self._channel().stream_state(stream - self._offset) is StreamState.OPEN:
            self._channel().close_stream(stream - self._offset)

    def cancel(self, stream: int) -> None:
        """Nobody wants the rest of this result."""
        if stream > self._offset:
            self._channel().reset(stream - self._offset)

    def end(self, reason: str = "") -> None:
        """Ask for the end; the device answers with its journal's root."""
        self._send(FrameType.SESSION_CLOSE, SessionClosing(step="end", reason=reason[:200]))
        self.state = next_state(self.state, SessionEvent.CLOSED)

    def hand_over(self, to: str) -> None:
        """Name the next technician. They have to come, and the customer has to let them in; until then we stay."""
        if self.state is not SessionState.ACTIVE:
            raise LocalProtocolError("no visit to hand over", expected="one in force", got=self.state.value)
        self._send(FrameType.SESSION_CLOSE, SessionClosing(step="hand-over", to=to))

    def finish(self) -> None:
        """Nothing more from this side."""
        connection = self._channel()
        if not connection.dead:
            connection.finish()

    # --- handshake ---------------------------------------------------------------------------------------

    def _second_message(self, data: bytes, now: int, mono_s: float) -> list[Event]:
        handshake = self._in_handshake()
        payload = handshake.read_message(data)
        if payload:
            raise RemoteProtocolError("handshake message 2 carries something", expected="nothing", got="a payload")
        request = SessionRequest(
            device=self._ask.device,
            root=self._ask.root_hash,
            room=self._ask.room,
            ticket=self._ask.ticket,
            serial=self._certificate.serial,
            initiator_ephemeral=handshake.local_ephemeral_public or b"",
            issued_at=now,
            nonce=self._nonce,
            reason=self._ask.reason,
            scopes=self._ask.scopes,
            minutes=self._ask.minutes,
            resumes=None if self.chain is None else self.chain.grant.hash,
            takes_over=self._ask.takes_over,
        )
        self.request = self._keys.sign(request)
        introduction = Introduction(technician=self._chain, request=self.request)
        self._waiting.append(handshake.write_message(strict_json.dump(introduction)))
        self._handshake_hash = handshake.handshake_hash
        self.phrase = phrase(self._handshake_hash)
        self._connection = Connection.from_handshake(handshake, now_s=mono_s)
        self._handshake = None
        if self.state is not SessionState.PAUSED:
            self.state = next_state(self.state, SessionEvent.PEER_VERIFIED)
        self._send(FrameType.HELLO, self._hello)
        return [Handshaken(self.phrase)]

    # --- frames of the session ---------------------------------------------------------------------------

    def _frame(self, frame: SessionFrame, now: int) -> list[Event]:
        if judge_received(Side.DEVICE, frame.type, self.state) is Verdict.DROP:
            return []
        match frame.type:
            case FrameType.HELLO:
                hello = strict_json.parse(frame.payload, Hello, what="hello")
                return [PeerHello(hello.checkpoint, hello.revocations, hello.certificate)]
            case FrameType.GRANT:
                return [self._grant(strict_json.parse(frame.payload, Granted, what="grant").grant)]
            case FrameType.REFUSED:
                return [self._refused(strict_json.parse(frame.payload, NotGranted, what="refusal").reason)]
            case FrameType.GRANT_CHANGE:
                return [self._change(strict_json.parse(frame.payload, Changed, what="change").change)]
            case FrameType.SESSION_CLOSE:
                return [self._close(strict_json.parse(frame.payload, SessionClosing, what="closing"), now)]
            case FrameType.RECEIPT:
                return self._receipt_chunk(frame.payload, now)
            case FrameType.NOTICE:
                notice = strict_json.parse(frame.payload, Notice, what="notice")
                if notice.kind == "taken" and self.chain is not None:
                    self.chain.heard_taken(notice.text)
                    return []
                return [Noticed(notice.kind, notice.text)]
            case _:
                raise RemoteProtocolError("a frame that no device sends to a technician", got=frame.type.name)

    def _refused(self, reason: RefusalReason) -> Event:
        if self.state is not SessionState.PAUSED:
            self.state = next_state(self.state, SessionEvent.REFUSED)
        elif reason not in TRY_AGAIN:
            self.state = next_state(self.state, SessionEvent.NOT_RESUMED)
        return Refused(reason)

    def _grant(self, envelope: Envelope) -> Event:
        if self.request is None:
            raise RemoteProtocolError("a grant before any request")
        before = self.chain
        asked = AskedFor(self._ask.device, self._ask.root_hash, self.request.hash, self._handshake_hash)
        grant = check_grant(
            envelope,
            VerifyKey(self._ask.device_signing),
            asked,
            serial=self._certificate.serial,
            ticket=self._ask.ticket,
            scopes=self._ask.scopes,
            minutes=self._ask.minutes,
            successor_of=None if before is None else before.grant.hash,
        )
        if before is not None:
            check_successor(before.grant, self.scopes, grant.body)
            if self._told is None:
                raise RemoteProtocolError("a successor grant without the right receipt of the grant before")
        self.state = next_state(self.state, SessionEvent.GRANTED if before is None else SessionEvent.SUCCESSOR_GRANTED)
        self.chain = ActionChain(grant)
        self.scopes = frozenset(grant.body.scopes)
        self._granted_request, self._changes, self._offset = self.request, 0, self._newest_stream
        return GrantCame(grant) if before is None else WentOn(grant, fates(before, self._told or ()))

    def _change(self, envelope: Envelope) -> Event:
        chain, _ = self._granted()
        change: Verified[GrantChange] = verify(envelope, GrantChange, VerifyKey(self._ask.device_signing))
        self._changes += 1
        if change.body.grant != chain.grant.hash or change.body.number != self._changes:
            raise RemoteProtocolError("a change of another grant, or out of order", expected=str(self._changes))
        match change.body.kind:
            case ChangeKind.NARROWED:
                self.scopes &= frozenset(change.body.scopes)
                if self.state is SessionState.ACTIVE:
                    self.state = next_state(self.state, SessionEvent.NARROWED)
                return Narrowed(frozenset(scope.value for scope in self.scopes))
            case ChangeKind.STOPPED:
                self.scopes = frozenset()
                self.state = next_state(self.state, SessionEvent.STOPPED)
                return Stopped()

    def _close(self, closing: SessionClosing, now: int) -> Event:
        if closing.step != "root":
            raise RemoteProtocolError("a closing step that is the technician's", expected="root", got=closing.step)
        chain, _ = self._granted()
        if self.state is SessionState.ACTIVE:
            self.state = next_state(self.state, SessionEvent.CLOSED)
        body = close_body(closing, chain, now)
        countersigned = SessionClosing(
            step="countersign",
            journal_root=closing.journal_root,
            actions=closing.actions,
            close=None if body is None else self._keys.sign(body),
        )
        self._send(FrameType.SESSION_CLOSE, countersigned)
        return Closing(disputed=body is None, reason=closing.reason)

    def _receipt_chunk(self, payload: bytes, now: int) -> list[Event]:
        chain, _ = self._granted()
        if payload:
            if len(self._receipt) + len(payload) > PROOF_MAX_BYTES:
                raise RemoteProtocolError("the receipt is too large", expected=f"at most {PROOF_MAX_BYTES} bytes")
            self._receipt += payload
            return []
        proof = read_proof(bytes(self._receipt))
        self._receipt.clear()
        request = self._granted_request
        if request is None:
            raise LocalProtocolError("a receipt before a request")
        if self.state is SessionState.PAUSED:
            return [self._past_receipt(proof, chain, request)]
        if self.state is SessionState.ACTIVE:
            self.state = next_state(self.state, SessionEvent.CLOSED)
        self.state = next_state(self.state, SessionEvent.RECEIPT_MADE)
        try:
            proven, untaken = check_receipt(proof, chain, request, self._ask.root, now)
        except RemoteProtocolError as error:
            return [ReceiptCame(proof, None, str(error))]
        return [ReceiptCame(proof, proven, "", tuple(action.name for action in untaken))]

    def _past_receipt(self, proof: ProofFile, chain: ActionChain, request: Envelope) -> Event:
        try:
            self._told = check_past_receipt(proof, chain, request, self._ask.root).receipt.actions
        except RemoteProtocolError as error:
            return PastReceipt(proof, str(error))
        return PastReceipt(proof, "")

    # --- streams -----------------------------------------------------------------------------------------

    def _data(self, stream: int, piece: bytes) -> list[Event]:
        chain, connection = self._granted()
        if judge_received(Side.DEVICE, FrameType.DATA, self.state) is Verdict.DROP:
            return []
        action = chain.on_stream(stream)
        came, at_once = take_data(action, piece)
        connection.consumed(stream - self._offset, at_once)
        return list(came)

    def _action_closed(self, stream: int, payload: bytes) -> list[Event]:
        chain, connection = self._granted()
        if judge_received(Side.DEVICE, FrameType.CLOSE, self.state) is Verdict.DROP:
            return []
        result = end_action(chain.on_stream(stream), payload)
        if connection.stream_state(stream - self._offset) is StreamState.PEER_CLOSED:
            connection.close_stream(stream - self._offset)
        return [ActionEnded(stream, result)]

    def _action_reset(self, stream: int) -> list[Event]:
        chain, _ = self._granted()
        if judge_received(Side.DEVICE, FrameType.RESET, self.state) is Verdict.DROP:
            return []
        chain.on_stream(stream)
        return [ActionEnded(stream, _ENDED_EARLY)]

    # --- what must be there ------------------------------------------------------------------------------

    def _send(self, frame: FrameType, message: WireModel) -> None:
        check_send(Side.TECHNICIAN, frame, self.state)
        self._channel().send_session(frame, strict_json.dump(message))

    def _new_handshake(self) -> HandshakeState:
        ask = self._ask
        prologue = session_prologue(ask.root_hash, ask.device, ask.ticket or "", ask.room)
        return self._keys.begin_handshake(
            device_noise_key=ask.device_noise, prologue=prologue, ephemeral=self._ephemeral
        )

    def _in_handshake(self) -> HandshakeState:
        if self._handshake is None:
            raise LocalProtocolError("the handshake is over")
        return self._handshake

    def _channel(self) -> Connection:
        if self._connection is None:
            raise LocalProtocolError("there is no channel before the handshake is over")
        return self._connection

    def _granted(self) -> tuple[ActionChain, Connection]:
        if self.chain is None:
            raise RemoteProtocolError("something of a grant came before any grant")
        return self.chain, self._channel()
