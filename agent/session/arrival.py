"""Who stands at the door: the handshake as responder, the certificate, the request. Pure.

    technician                          device
    message 1   e, es          ───────►
    message 2   e, ee          ◄───────
    message 3   s, se          ───────► payload: Introduction {technician's chain, session-request}
    HELLO       both ways               newest checkpoint seen, newest revocations; the newer wins

A stranger learns nothing from this but that somebody holds the device's Noise key. The certificate must lead to the
pinned root, its Noise key must be the one that the handshake proved, and the request must name this handshake's own
ephemeral: a chain and a request collected elsewhere are worth nothing here.
"""

from collections.abc import Callable
from dataclasses import dataclass

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from agent.session.own_side import OwnSide
from protocol import strict_json
from protocol.certificates import Chain, Revocations, TechnicianCertificate
from protocol.errors import RemoteProtocolError
from protocol.grants import SessionRequest
from protocol.limits import FRAME_PAYLOAD_MAX_BYTES, NOISE_MESSAGE_MAX_BYTES
from protocol.noise import SESSION_PROTOCOL, HandshakeState, session_prologue
from protocol.session_rules import HandshakeFacts, check_request
from protocol.statements import StatementName, Verified, VerifyKey, parse_payload, verify
from protocol.trust import Trust
from protocol.visit import Hello, Introduction


@dataclass(frozen=True)
class OwnTicket:
    """The ticket this visit is about, from the agent's own store. Empty: none, for a visit under the owner's policy."""

    ticket: str
    words: str


@dataclass(frozen=True)
class HandOver:
    """The technician who is here, and the one whom they have named as the next."""

    giver: str
    heir: str


@dataclass(frozen=True)
class Visitor:
    """Proven: this person holds the keys in this certificate of our organisation, and asks this, in this handshake."""

    technician: Verified[TechnicianCertificate]
    chain: Chain
    request: Verified[SessionRequest]


def begin_handshake(
    own: OwnSide, root: bytes, ticket: str, room: str, ephemeral: Callable[[], X25519PrivateKey]
) -> HandshakeState:
    """The responder's half, bound to this root, device, ticket and room by the prologue."""
    return HandshakeState(
        SESSION_PROTOCOL,
        initiator=False,
        prologue=session_prologue(root, own.device, ticket, room),
        s=own.noise,
        ephemeral=ephemeral,
    )


def meet(
    payload: bytes,
    handshake: HandshakeState,
    own: OwnSide,
    trust: Trust,
    ticket: str,
    room: str,
    now: int,
) -> Visitor:
    """Who it is and what they ask, from message 3's payload. Raises RemoteProtocolError for everybody else."""
    said = strict_json.parse(payload, Introduction, what="introduction", max_bytes=NOISE_MESSAGE_MAX_BYTES)
    technician = trust.technician(said.technician, now)
    request = verify(said.request, SessionRequest, VerifyKey(technician.body.signing_key))
    if handshake.remote_static is None or handshake.remote_ephemeral is None:
        raise RemoteProtocolError("a handshake without keys", expected="a finished XK handshake", got="no keys")
    facts = HandshakeFacts(
        device=own.device,
        root=trust.root_hash,
        room=room,
        ticket=ticket or None,
        remote_static=handshake.remote_static,
        remote_ephemeral=handshake.remote_ephemeral,
    )
    check_request(request, technician.body, facts, own.customer, now)
    return Visitor(technician, said.technician, request)


def hello_of(own: OwnSide, trust: Trust, versions: dict[str, int]) -> Hello:
    """Our first sealed record: what we have seen of the log, and the revocations we hold."""
    return Hello(
        checkpoint=own.checkpoint,
        versions=versions,
        revocations=trust.documents.get(f"{StatementName.REVOCATIONS}-leaves"),
        certificate=own.certificate,
    )


def read_hello(payload: bytes) -> Hello:
    hello = strict_json.parse(payload, Hello, what="hello", max_bytes=FRAME_PAYLOAD_MAX_BYTES)
    if not hello.checkpoint:
        raise RemoteProtocolError(
            "the technician's program showed no checkpoint of the audit log",
            expected="the newest one it has seen",
            got="none",
            hint="Without it a forked log could not be noticed. Let them update their program and sign in again.",
        )
    return hello


def with_newer_revocations(hello: Hello, trust: Trust, now: int) -> Trust:
    """Trust after the peer's revocations: unchanged when ours are newer. Raises for a forgery or a fork."""
    document = hello.revocations
    if document is None:
        return trust
    claimed = parse_payload(document.statement, Revocations)
    floor = trust.floors.get(claimed.floor_name)
    if floor is not None and claimed.version < floor.version:
        return trust
    return trust.accept(document, now)


def no_longer_trusted(visitor: Visitor | None, trust: Trust, now: int) -> str:
    """Why the visitor's certificate does not count any more; empty while it does, or nobody is there."""
    if visitor is None:
        return ""
    try:
        trust.technician(visitor.chain, now)
    except RemoteProtocolError as error:
        return str(error)
    return ""


def fault_of_hand_over(hand_over: HandOver | None, visitor: Visitor) -> str | None:
    """Why this visitor is not the one who was named; None when they are, or when nobody was and nobody claims it."""
    claims, name = visitor.request.body.takes_over, visitor.technician.body.name
    if hand_over is None:
        return "nobody hands a visit over" if claims else None
    if not claims:
        return "another visit is under way"
    return None if name == hand_over.heir else "another technician was named as the next"
