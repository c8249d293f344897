"""One connection from its first byte until both ends have proven themselves: the same for a first visit and a return.

    message 1 ─► message 2 ─► message 3 ─► the visitor is proven (arrival.py) ─► hello both ways ─► views to compare

Decides nothing about consent or grants; steps.py asks the customer, or lets a visitor go on whose connection was lost.
"""

from collections.abc import Callable
from dataclasses import dataclass

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from agent.session.arrival import (
    OwnTicket,
    Visitor,
    begin_handshake,
    hello_of,
    meet,
    read_hello,
    with_newer_revocations,
)
from agent.session.effects import AcceptDocument, Effect, Moment, Send
from agent.session.own_side import OwnSide
from protocol import limits, strict_json
from protocol.channel import FrameType
from protocol.connection import Connection
from protocol.errors import RemoteProtocolError
from protocol.phrase import phrase
from protocol.strict_json import WireModel
from protocol.trust import Trust, documents_version
from protocol.visit import Hello


@dataclass(frozen=True)
class HeardHello:
    """What the visitor's program has seen. `trust`: ours, with their revocations where those were newer."""

    checkpoint: str
    trust: Trust
    effects: list[Effect]


class Doorstep:
    """`connection` is there once the handshake is over, `visitor` once they are proven."""

    def __init__(
        self,
        own: OwnSide,
        ticket: OwnTicket,
        room: str,
        root: bytes,
        moment: Moment,
        ephemeral: Callable[[], X25519PrivateKey],
    ) -> None:
        self.connection: Connection | None = None
        self.visitor: Visitor | None = None
        self.room = room
        self.gone = False
        self.deadline_s: float | None = moment.mono_s + limits.HANDSHAKE_TIMEOUT_S
        self._own = own
        self._ticket = ticket
        self._handshake = begin_handshake(own, root, ticket.ticket, room, ephemeral)
        self._messages = 0
        self._payload = b""
        self._heard_hello = False

    @property
    def phrase(self) -> tuple[str, ...]:
        return phrase(self._handshake.handshake_hash)

    @property
    def handshake_hash(self) -> bytes:
        return self._handshake.handshake_hash

    # --- talking ---------------------------------------------------------------------------------------------

    @property
    def talking(self) -> Connection | None:
        """The connection while something can be said on it."""
        connection = self.connection
        return None if connection is None or connection.dead or self.gone else connection

    @property
    def deaf(self) -> bool:
        """Nobody is there any more who would answer."""
        connection = self.talking
        return connection is None or connection.peer_finished

    def say(self, frame: FrameType, body: WireModel) -> None:
        self.say_bytes(frame, strict_json.dump(body))

    def say_bytes(self, frame: FrameType, payload: bytes) -> None:
        connection = self.talking
        if connection is not None:
            connection.send_session(frame, payload)

    def finish(self) -> None:
        connection = self.talking
        if connection is not None:
            connection.finish()

    def outgoing(self, moment: Moment) -> list[Effect]:
        """Sealed records go out after everything that had to be written, and before hanging up."""
        if self.connection is None or self.gone:
            return []
        return [Send(record) for record in self.connection.data_to_send(moment.mono_s)]

    # --- arriving --------------------------------------------------------------------------------------------

    def message(self, data: bytes, moment: Moment) -> bytes | None:
        """A message of the handshake: what to answer; None when it was the last one, and there is a `connection`."""
        payload = self._handshake.read_message(data)
        self._messages += 1
        if self._messages == 1:
            if payload:
                raise RemoteProtocolError("handshake message 1 carries something", expected="nothing", got="bytes")
            return self._handshake.write_message()
        self.connection = Connection.from_handshake(self._handshake, now_s=moment.mono_s)
        self._payload = payload
        return None

    def meet(self, trust: Trust, moment: Moment) -> Visitor:
        """Who it is, from message 3. RemoteProtocolError for everybody who is not a technician of ours, asking here."""
        self.visitor = meet(
            self._payload, self._handshake, self._own, trust, self._ticket.ticket, self.room, moment.wall
        )
        self.deadline_s = moment.mono_s + limits.HANDSHAKE_TIMEOUT_S
        return self.visitor

    def our_hello(self, trust: Trust) -> Hello:
        return hello_of(self._own, trust, documents_version(trust))

    def hear_hello(self, payload: bytes, trust: Trust, moment: Moment) -> HeardHello:
        """Their hello, once. ForkedDocumentError when it proves two truths under one issuer key."""
        if self._heard_hello:
            raise RemoteProtocolError("a second hello", expected="one on each side", got="another")
        self._heard_hello = True
        hello = read_hello(payload)
        newer = with_newer_revocations(hello, trust, moment.wall)
        self.deadline_s = None  # the comparison may ask the server; it has a time limit of its own
        took = newer is not trust and hello.revocations is not None
        effects: list[Effect] = [AcceptDocument(hello.revocations)] if took and hello.revocations is not None else []
        return HeardHello(hello.checkpoint, newer, effects)
