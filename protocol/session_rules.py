"""Deciding in a session: is this request about this handshake, is this action within this grant.

Pure. agent/session persists the new `GrantState` before it acts; the technician's program uses the same functions to
know beforehand what would be refused.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

from protocol.actions.scopes import Scope
from protocol.certificates import TechnicianCertificate
from protocol.errors import RemoteProtocolError
from protocol.grants import ActionStatement, EndedBy, Grant, SessionRequest
from protocol.statements import Verified


@dataclass(frozen=True)
class HandshakeFacts:
    """What this end knows of the handshake itself, independent of anything the other side claims."""

    device: str
    root: bytes
    room: str
    ticket: str | None
    remote_static: bytes
    remote_ephemeral: bytes


#: Two clocks that both work differ by less; a request older than this is a replay or a broken clock.
REQUEST_MAX_AGE_S = 300


def check_request(
    request: Verified[SessionRequest],
    technician: TechnicianCertificate,
    handshake: HandshakeFacts,
    customer: str | None,
    now: int,
) -> None:
    """Refuse a request that is not about exactly this handshake, this device, this room, by exactly this person.

    `customer`: as this device's own certificate says; None before approval. Raises RemoteProtocolError.
    """
    body = request.body
    pairs: tuple[tuple[str, object, object], ...] = (
        ("device", handshake.device, body.device),
        ("organisation root", handshake.root, body.root),
        ("room", handshake.room, body.room),
        ("ticket", handshake.ticket, body.ticket),
        ("certificate serial", technician.serial, body.serial),
        ("static key", technician.noise_key, handshake.remote_static),
        ("ephemeral key", handshake.remote_ephemeral, body.initiator_ephemeral),
    )
    for what, expected, got in pairs:
        if expected != got:
            raise RemoteProtocolError(
                f"the session request names another {what}",
                expected=_short(expected),
                got=_short(got),
                hint="It was made for another session, or somebody stands between. The session was refused.",
            )
    if abs(now - body.issued_at) > REQUEST_MAX_AGE_S:
        raise RemoteProtocolError(
            "the session request is not fresh",
            expected=f"made within {REQUEST_MAX_AGE_S} s of now ({now})",
            got=str(body.issued_at),
            hint="Check the clocks of both computers.",
        )
    if customer is not None and customer not in technician.customers:
        raise RemoteProtocolError(
            "this technician is not certified for this customer",
            expected=f"one of {', '.join(technician.customers) or 'no customers'}",
            got=customer,
        )
    beyond = sorted(set(body.scopes) - set(technician.scopes))
    if beyond:
        raise RemoteProtocolError(
            "the request asks for more than the certificate allows",
            expected=f"scopes within {', '.join(sorted(technician.scopes)) or 'none'}",
            got=", ".join(beyond),
        )


@dataclass(frozen=True)
class GrantState:
    """What is allowed now under one grant. `ended_by` set: nothing, for ever."""

    grant: Verified[Grant]
    scopes: frozenset[Scope]
    changes: int = 0
    last_sequence: int = 0
    last_action: bytes = b""
    ended_by: EndedBy | None = None

    @classmethod
    def begin(cls, grant: Verified[Grant]) -> "GrantState":
        return cls(grant=grant, scopes=frozenset(grant.body.scopes), last_action=grant.hash)

    def narrowed(self, scopes: Sequence[Scope]) -> "GrantState":
        """The customer allows less. Never more: scopes not granted before are ignored."""
        return replace(self, scopes=self.scopes & frozenset(scopes), changes=self.changes + 1)

    def ended(self, by: EndedBy) -> "GrantState":
        """The first end counts; a later one does not rewrite it."""
        return self if self.ended_by is not None else replace(self, ended_by=by, changes=self.changes + 1)


class RefusedAction(RemoteProtocolError):
    """An action that the grant does not allow. The session goes on; the refusal is in the journal."""


class BrokenActionChain(RemoteProtocolError):
    """An action out of sequence, replayed or of another grant. The session ends."""


def next_action(
    state: GrantState,
    action: Verified[ActionStatement],
    scope: Scope,
    arguments_hash: bytes,
    *,
    elapsed_s: float,
    now: int,
) -> GrantState:
    """The state after taking `action`, to be persisted before it is done.

    `elapsed_s` since the grant, by a clock that counts suspend. A refused action still uses up its sequence number:
    call `skip_action` for it. Raises BrokenActionChain or RefusedAction.
    """
    check_action_chain(state, action, arguments_hash)
    if state.ended_by is not None:
        raise RefusedAction("the session has ended", expected="a session in force", got=f"ended by {state.ended_by}")
    if elapsed_s > state.grant.body.minutes * 60 or now > state.grant.body.not_after:
        raise RefusedAction(
            "the granted time is over",
            expected=f"within {state.grant.body.minutes} minutes",
            got=f"{elapsed_s:.0f} s",
        )
    if scope not in state.scopes:
        raise RefusedAction(
            f"{action.body.action} is outside what the customer allowed",
            expected=f"one of {', '.join(sorted(state.scopes)) or 'nothing'}",
            got=scope,
            hint="Ask for a new session with this scope, and say why.",
        )
    return skip_action(state, action)


def check_action_chain(state: GrantState, action: Verified[ActionStatement], arguments_hash: bytes) -> None:
    body = action.body
    for what, expected, got in (
        ("grant", state.grant.hash, body.grant),
        ("sequence", state.last_sequence + 1, body.sequence),
        ("predecessor", state.last_action, body.previous),
        ("arguments", arguments_hash, body.arguments_sha256),
    ):
        if expected != got:
            raise BrokenActionChain(
                f"an action with another {what} than the one due",
                expected=_short(expected),
                got=_short(got),
                hint="It was replayed, reordered or altered. The session was ended.",
            )


def skip_action(state: GrantState, action: Verified[ActionStatement]) -> GrantState:
    return replace(state, last_sequence=action.body.sequence, last_action=action.hash)


def check_return(state: GrantState, request: SessionRequest) -> None:
    """May this request go on under `state`, whose connection was lost, without a question to the customer?

    `request` is verified and of this handshake (`check_request`). Scopes within those still in force; the minutes that
    are left are the device's to count. Raises RemoteProtocolError.
    """
    body = state.grant.body
    if state.ended_by is not None:
        raise RemoteProtocolError("the session has ended", expected="one in force", got=f"ended by {state.ended_by}")
    for what, expected, got in (
        ("grant", state.grant.hash, request.resumes),
        ("device", body.device, request.device),
        ("certificate serial", body.serial, request.serial),
        ("ticket", body.ticket, request.ticket),
    ):
        if expected != got:
            raise RemoteProtocolError(
                f"the request to go on names another {what}", expected=_short(expected), got=_short(got)
            )
    beyond = sorted(set(request.scopes) - state.scopes)
    if beyond:
        raise RemoteProtocolError(
            "the request to go on asks for more than is allowed now",
            expected=f"within {', '.join(sorted(state.scopes))}",
            got=", ".join(beyond),
            hint="The customer has allowed less meanwhile. Ask them anew.",
        )


def check_successor(first: Verified[Grant], scopes: Collection[Scope], successor: Grant) -> None:
    """Does `successor` go on with `first` and allow nothing beyond it? `scopes`: those still in force under `first`.

    Both are verified. Raises RemoteProtocolError.
    """
    body = first.body
    for what, expected, got in (
        ("predecessor", first.hash, successor.successor_of),
        ("device", body.device, successor.device),
        ("root", body.root, successor.root),
        ("certificate", body.serial, successor.serial),
        ("ticket", body.ticket, successor.ticket),
        ("consent", body.consent, successor.consent),
    ):
        if expected != got:
            raise RemoteProtocolError(
                f"the successor grant names another {what}", expected=_short(expected), got=_short(got)
            )
    for what, within in (
        ("scopes", set(successor.scopes) <= set(scopes)),
        ("minutes", successor.minutes <= body.minutes),
        ("time", body.granted_at <= successor.granted_at and successor.not_after <= body.not_after),
        ("number", body.number < successor.number),
    ):
        if not within:
            raise RemoteProtocolError(f"the successor grant goes beyond its predecessor: {what}")


def _short(value: object) -> str:
    return value.hex()[:16] if isinstance(value, bytes) else str(value)
