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

Decides: whether what comes fits this handshake, this request and the state of the visit (protocol/session_state.py).
Leaves to the shell (visit.py): sockets, clocks, comparing checkpoints, asking the technician, keeping files.
"""

from collections.abc import Callable
from dataclasses import dataclass

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from protocol import strict_json
from protocol.actions.scopes import Scope
from protocol.certificates import Chain, TechnicianCertificate
from protocol.channel import FrameType
from protocol.connection import Connection, PeerFinished, SessionFrame, StreamClosed, StreamData, StreamReset
from protocol.errors import LocalProtocolError, RemoteProtocolError
from protocol.grants import ChangeKind, GrantChange, SessionRequest
from protocol.journal import Outcome
from protocol.noise import HandshakeState, session_prologue
from protocol.phrase import phrase
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
    SessionClosing,
)
from technician.keys.technician_keys import TechnicianKeys
from technician.session.actions import ActionChain, end_action, take_data
from technician.session.closing import PROOF_MAX_BYTES, check_receipt, close_body, read_proof
from technician.session.events import (
    ActionEnded,
    Closing,
    Event,
    GrantCame,
    Handshaken,
    Narrowed,
    Noticed,
    PeerGone,
    PeerHello,
    ReceiptCame,
    Refused,
    Stopped,
)
from technician.session.grant_check import AskedFor, check_grant

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
        prologue = session_prologue(ask.root_hash, ask.device, ask.ticket or "", ask.room)
        self._handshake: HandshakeState | None = keys.begin_handshake(
            device_noise_key=ask.device_noise, prologue=prologue, ephemeral=ephemeral
        )
        self._connection: Connection | None = None
        self._waiting: list[bytes] = []
        self._receipt = bytearray()
        self._changes = 0
        self._handshake_hash = b""
        self.state = next_state(SessionState.REQUESTED, SessionEvent.PAIRED)
        self.request: Envelope | None = None
        self.phrase: tuple[str, ...] = ()
        self.chain: ActionChain | None = None
        self.scopes: frozenset[Scope] = frozenset()

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
                    events += self._data(stream, piece)
                case StreamClosed(stream, payload):
                    events += self._action_closed(stream, payload)
                case StreamReset(stream):
                    events += self._action_reset(stream)
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
        if self._connection is None or self._connection.dead:
            return [PeerGone(truncated=True)]
        return [PeerGone(self._connection.connection_lost().truncated)]

    # --- our acts ----------------------------------------------------------------------------------------

    def open_action(self, name: str, arguments: WireModel, now: int) -> int:
        """Sign and queue the next action; returns its stream."""
        chain, connection = self._granted()
        check_send(Side.TECHNICIAN, FrameType.OPEN, self.state)
        body, data = chain.next_body(name, arguments, now)
        action = chain.add(body, self._keys.sign(body))
        action.stream = connection.open(strict_json.dump(OpenAction(action=action.statement, arguments=data)))
        return action.stream

    def consumed(self, stream: int, size_bytes: int) -> None:
        """The application has taken rows of this size: the device may send more."""
        if self._connection is not None and not self._connection.dead:
            self._connection.consumed(stream, size_bytes)

    def input_room(self, stream: int) -> int:
        """How much input the device has room for on this stream now; 0 when it is over or the session does not go."""
        connection = self._connection
        if connection is None or connection.dead or self.state is not SessionState.ACTIVE:
            return 0
        return connection.sendable_bytes(stream)

    def send_input(self, stream: int, data: bytes) -> None:
        """Input for an action, at most `input_room`."""
        check_send(Side.TECHNICIAN, FrameType.DATA, self.state)
        self._granted()[0].on_stream(stream).send(data)
        self._channel().send(stream, data)

    def end_input(self, stream: int) -> None:
        """No more input; the action goes on."""
        if self.state is SessionState.ACTIVE and self._channel().stream_state(stream) is StreamState.OPEN:
            self._channel().close_stream(stream)

    def cancel(self, stream: int) -> None:
        """Nobody wants the rest of this result."""
        self._channel().reset(stream)

    def end(self, reason: str = "") -> None:
        """Ask for the end; the device answers with its journal's root."""
        self._send(FrameType.SESSION_CLOSE, SessionClosing(step="end", reason=reason[:200]))
        self.state = next_state(self.state, SessionEvent.CLOSED)

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
        )
        self.request = self._keys.sign(request)
        introduction = Introduction(technician=self._chain, request=self.request)
        self._waiting.append(handshake.write_message(strict_json.dump(introduction)))
        self._handshake_hash = handshake.handshake_hash
        self.phrase = phrase(self._handshake_hash)
        self._connection = Connection.from_handshake(handshake, now_s=mono_s)
        self._handshake = None
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
                self.state = next_state(self.state, SessionEvent.REFUSED)
                return [Refused(strict_json.parse(frame.payload, NotGranted, what="refusal").reason)]
            case FrameType.GRANT_CHANGE:
                return [self._change(strict_json.parse(frame.payload, Changed, what="change").change)]
            case FrameType.SESSION_CLOSE:
                return [self._close(strict_json.parse(frame.payload, SessionClosing, what="closing"), now)]
            case FrameType.RECEIPT:
                return self._receipt_chunk(frame.payload)
            case FrameType.NOTICE:
                notice = strict_json.parse(frame.payload, Notice, what="notice")
                return [Noticed(notice.kind, notice.text)]
            case _:
                raise RemoteProtocolError("a frame that no device sends to a technician", got=frame.type.name)

    def _grant(self, envelope: Envelope) -> Event:
        if self.request is None:
            raise RemoteProtocolError("a grant before any request")
        asked = AskedFor(self._ask.device, self._ask.root_hash, self.request.hash, self._handshake_hash)
        grant = check_grant(
            envelope,
            VerifyKey(self._ask.device_signing),
            asked,
            serial=self._certificate.serial,
            ticket=self._ask.ticket,
            scopes=self._ask.scopes,
            minutes=self._ask.minutes,
        )
        self.state = next_state(self.state, SessionEvent.GRANTED)
        self.chain = ActionChain(grant)
        self.scopes = frozenset(grant.body.scopes)
        return GrantCame(grant)

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
            actions=len(chain.sent),
            close=None if body is None else self._keys.sign(body),
        )
        self._send(FrameType.SESSION_CLOSE, countersigned)
        return Closing(disputed=body is None, reason=closing.reason)

    def _receipt_chunk(self, payload: bytes) -> list[Event]:
        chain, _ = self._granted()
        if payload:
            if len(self._receipt) + len(payload) > PROOF_MAX_BYTES:
                raise RemoteProtocolError("the receipt is too large", expected=f"at most {PROOF_MAX_BYTES} bytes")
            self._receipt += payload
            return []
        proof = read_proof(bytes(self._receipt))
        if self.state is SessionState.ACTIVE:
            self.state = next_state(self.state, SessionEvent.CLOSED)
        self.state = next_state(self.state, SessionEvent.RECEIPT_MADE)
        if self.request is None:
            raise LocalProtocolError("a receipt before a request")
        try:
            proven = check_receipt(proof, chain, self.request, self._ask.root)
        except RemoteProtocolError as error:
            return [ReceiptCame(proof, None, str(error))]
        return [ReceiptCame(proof, proven, "")]

    # --- streams -----------------------------------------------------------------------------------------

    def _data(self, stream: int, piece: bytes) -> list[Event]:
        chain, connection = self._granted()
        if judge_received(Side.DEVICE, FrameType.DATA, self.state) is Verdict.DROP:
            return []
        action = chain.on_stream(stream)
        came, at_once = take_data(action, piece)
        connection.consumed(stream, at_once)
        return list(came)

    def _action_closed(self, stream: int, payload: bytes) -> list[Event]:
        chain, connection = self._granted()
        if judge_received(Side.DEVICE, FrameType.CLOSE, self.state) is Verdict.DROP:
            return []
        result = end_action(chain.on_stream(stream), payload)
        if connection.stream_state(stream) is StreamState.PEER_CLOSED:
            connection.close_stream(stream)
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
