"""The life of one session as two tables: which state follows which event, and who may say what in which state.

    REQUESTED ──▶ HANDSHAKE ──▶ VERIFIED ──▶ PROMPTED ──▶ ACTIVE ──▶ STOPPING ──▶ ENDED
                                    └── an owner's policy ──▶ │ ▲
                                                              ▼ │ successor grant
                                                            PAUSED  (connection lost)

Both ends walk the same table, each with what it knows: the technician's program may never see PROMPTED, and sees
ACTIVE only when the grant arrives. Decides nothing about trust, consent or scopes; those decide the events.
A connection that returns makes a new handshake while the session stays PAUSED; only its successor grant changes that.

What is absent from the first table is a mistake of this end (`LocalProtocolError`). What is absent from the second is
one of whoever sent it, except that a frame which crossed the end of the session on its way is dropped in silence.
"""

from enum import StrEnum
from typing import Final

from protocol.channel import STREAM_FRAMES, FrameType
from protocol.errors import LocalProtocolError, RemoteProtocolError


class SessionState(StrEnum):
    REQUESTED = "requested"  # the technician has asked the server for a room
    HANDSHAKE = "handshake"  # both sockets are in the room
    VERIFIED = "verified"  # the other side has proven its key, and the device has checked the certificate
    PROMPTED = "prompted"  # the customer is looking at the question
    ACTIVE = "active"  # a grant is in force
    PAUSED = "paused"  # a grant is in force, the connection is gone; nothing runs that was not running
    STOPPING = "stopping"  # nothing runs any more; the receipt is being made
    ENDED = "ended"  # for ever


class SessionEvent(StrEnum):
    PAIRED = "paired"  # the relay has both ends
    PEER_VERIFIED = "peer verified"  # handshake finished; on the device: certificate and request in order
    PROMPT_SHOWN = "prompt shown"
    GRANTED = "granted"  # by the customer, or by the owner's policy for unattended access
    REFUSED = "refused"  # by the customer, by policy, or because something named did not fit
    UNANSWERED = "unanswered"  # no answer is a no
    NARROWED = "narrowed"  # fewer scopes; the session goes on
    CONNECTION_LOST = "connection lost"
    SUCCESSOR_GRANTED = "successor granted"  # the same technician is back within the same grant
    NOT_RESUMED = "not resumed"  # nobody came back in time, or could not be let in again
    STOPPED = "stopped"  # the customer pressed Stop
    CLOSED = "closed"  # the technician has finished
    EXPIRED = "expired"  # the granted minutes are over
    REVOKED = "revoked"  # the technician's certificate is no longer good
    BROKEN = "broken"  # the other side broke the protocol, or this end cannot go on
    RECEIPT_MADE = "receipt made"


_S, _E = SessionState, SessionEvent

# Before a grant every bad end is simply the end: there is nothing to receipt.
_NO_GRANT_YET: Final = {
    _E.CONNECTION_LOST: _S.ENDED,
    _E.STOPPED: _S.ENDED,
    _E.CLOSED: _S.ENDED,
    _E.REVOKED: _S.ENDED,
    _E.BROKEN: _S.ENDED,
}
# After a grant every end goes through STOPPING, where the one receipt is made.
_GRANT_ENDS: Final = {
    _E.STOPPED: _S.STOPPING,
    _E.CLOSED: _S.STOPPING,
    _E.EXPIRED: _S.STOPPING,
    _E.REVOKED: _S.STOPPING,
    _E.BROKEN: _S.STOPPING,
}
# Stop pressed twice, a clock that runs out meanwhile, a socket that goes away: no news for a session that is ending.
_NO_NEWS: Final = (_E.STOPPED, _E.CLOSED, _E.EXPIRED, _E.REVOKED, _E.BROKEN, _E.CONNECTION_LOST)

SESSION_TABLE: Final[dict[SessionState, dict[SessionEvent, SessionState]]] = {
    _S.REQUESTED: {_E.PAIRED: _S.HANDSHAKE, _E.REFUSED: _S.ENDED, **_NO_GRANT_YET},
    _S.HANDSHAKE: {_E.PEER_VERIFIED: _S.VERIFIED, _E.REFUSED: _S.ENDED, **_NO_GRANT_YET},
    _S.VERIFIED: {
        _E.PROMPT_SHOWN: _S.PROMPTED,
        _E.GRANTED: _S.ACTIVE,
        _E.REFUSED: _S.ENDED,
        _E.UNANSWERED: _S.ENDED,
        **_NO_GRANT_YET,
    },
    _S.PROMPTED: {
        _E.GRANTED: _S.ACTIVE,
        _E.REFUSED: _S.ENDED,
        _E.UNANSWERED: _S.ENDED,
        **_NO_GRANT_YET,
    },
    _S.ACTIVE: {_E.NARROWED: _S.ACTIVE, _E.CONNECTION_LOST: _S.PAUSED, **_GRANT_ENDS},
    _S.PAUSED: {
        _E.NARROWED: _S.PAUSED,
        _E.CONNECTION_LOST: _S.PAUSED,  # a return that did not get as far as a grant
        _E.SUCCESSOR_GRANTED: _S.ACTIVE,
        _E.NOT_RESUMED: _S.STOPPING,
        **_GRANT_ENDS,
    },
    _S.STOPPING: {_E.RECEIPT_MADE: _S.ENDED, **dict.fromkeys(_NO_NEWS, _S.STOPPING)},
    _S.ENDED: dict.fromkeys(_NO_NEWS, _S.ENDED),
}


def next_state(state: SessionState, event: SessionEvent) -> SessionState:
    """The state after `event`; a `LocalProtocolError` where the table has none."""
    following = SESSION_TABLE[state].get(event)
    if following is None:
        raise LocalProtocolError(
            "this cannot happen to a session now",
            expected=f"in state {state.value}: " + ", ".join(known.value for known in SESSION_TABLE[state]),
            got=event.value,
        )
    return following


class Side(StrEnum):
    TECHNICIAN = "technician"
    DEVICE = "device"


class Verdict(StrEnum):
    """What to do with a frame that came."""

    ACCEPT = "accept"
    DROP = "drop"  # it crossed the end of the session on its way


_ANY: Final = frozenset(SessionState)
_BEFORE_END: Final = frozenset({_S.VERIFIED, _S.PROMPTED, _S.ACTIVE, _S.PAUSED, _S.STOPPING})
_BOTH: Final = (Side.TECHNICIAN, Side.DEVICE)

# (who sends, what) → the states in which it may. Stream frames: only under a grant in force with a live connection;
# after Stop none at all. A pair that is absent is never right: a technician grants nothing.
FRAME_TABLE: Final[dict[tuple[Side, FrameType], frozenset[SessionState]]] = {
    **{(side, frame): frozenset({_S.ACTIVE}) for side in _BOTH for frame in sorted(STREAM_FRAMES)},
    **{(side, FrameType.HELLO): frozenset({_S.VERIFIED, _S.PAUSED}) for side in _BOTH},
    **{(side, FrameType.NOTICE): _BEFORE_END for side in _BOTH},
    **{(side, FrameType.SESSION_CLOSE): _BEFORE_END for side in _BOTH},
    (Side.DEVICE, FrameType.GRANT): frozenset({_S.VERIFIED, _S.PROMPTED, _S.PAUSED}),
    (Side.DEVICE, FrameType.REFUSED): frozenset({_S.VERIFIED, _S.PROMPTED, _S.PAUSED}),
    (Side.DEVICE, FrameType.GRANT_CHANGE): frozenset({_S.ACTIVE, _S.STOPPING}),
    # Paused: the receipt of the grant whose connection was lost, before its successor.
    (Side.DEVICE, FrameType.RECEIPT): frozenset({_S.PAUSED, _S.STOPPING}),
}

# The receiver may be ahead of the sender by what is still on its way: for these states an unfitting frame is late,
# provided that its sender may ever send it. In all others it is an offence.
_LATE_IN: Final = frozenset({_S.STOPPING, _S.ENDED})


def may_send(side: Side, frame: FrameType, state: SessionState) -> bool:
    """Whether `side`, seeing the session in `state`, may send `frame`."""
    return state in FRAME_TABLE.get((side, frame), frozenset())


def check_send(side: Side, frame: FrameType, state: SessionState) -> None:
    """To be asked before sending: a `LocalProtocolError` instead of a broken session."""
    if not may_send(side, frame, state):
        raise LocalProtocolError(
            f"the {side.value} does not send {frame.name} now", got=f"a session that is {state.value}"
        )


def judge_received(sender: Side, frame: FrameType, state: SessionState) -> Verdict:
    """What to do with `frame` from `sender` when this end sees the session in `state`.

    A `RemoteProtocolError` ends the session. The receipt alone may outrun this end: the device is stopping, and the
    technician's program, to which it is the first news of that, still sees the session active.
    """
    if (sender, frame) not in FRAME_TABLE:
        raise RemoteProtocolError(f"a {sender.value} never sends {frame.name}")
    if may_send(sender, frame, state):
        return Verdict.ACCEPT
    if state in _LATE_IN:
        return Verdict.DROP
    if sender is Side.DEVICE and frame is FrameType.RECEIPT and state is SessionState.ACTIVE:
        return Verdict.ACCEPT
    raise RemoteProtocolError(
        f"the {sender.value} sent {frame.name} too early",
        expected=" or ".join(sorted(allowed.value for allowed in FRAME_TABLE[sender, frame])),
        got=f"a session that is {state.value}",
    )
