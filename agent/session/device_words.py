"""What the device says in a visit: the question to the customer, the grant, a change of it. Pure; signed here.

Each is built from what was proven (certificate, request, this handshake), never from what somebody claims.
"""

from agent.consent.gate import Yes
from agent.consent.policy import SERVED_SCOPES, offer
from agent.consent.prompt_text import PromptFacts
from agent.session.arrival import HandOver, OwnTicket, Visitor
from agent.session.effects import Moment
from agent.session.own_side import OwnSide
from agent.session.pause import minutes_of
from protocol.actions.scopes import Scope
from protocol.grants import ChangeKind, Grant, GrantChange
from protocol.session_rules import GrantState
from protocol.statements import Verified, verify
from protocol.trust import Trust


def the_question(
    visitor: Visitor,
    own: OwnSide,
    ticket: OwnTicket,
    trust: Trust,
    phrase: tuple[str, ...],
    now: int,
    hand_over: HandOver | None = None,
) -> PromptFacts:
    """Everything the customer is asked about this visitor."""
    technician, request = visitor.technician.body, visitor.request.body
    fresh = trust.revocations_fresh(now)
    return PromptFacts(
        technician=technician.name,
        organisation=technician.organisation,
        tier=technician.tier,
        serial=technician.serial,
        customer=own.customer,
        device=own.device,
        device_certified=own.certificate is not None,
        ticket=ticket.ticket or None,
        ticket_words=ticket.words,
        reason=request.reason,
        offer=offer(
            request.scopes,
            revocations_fresh=fresh,
            served=SERVED_SCOPES - own.not_served,
            terminal_enabled=Scope.TERMINAL not in own.not_served,
        ),
        minutes=request.minutes,
        phrase=phrase,
        revocations_fresh=fresh,
        request=visitor.request.hash,
        takes_over_from=None if hand_over is None else hand_over.giver,
    )


def the_grant(
    visitor: Visitor, own: OwnSide, root: bytes, handshake: bytes, yes: Yes, number: int, moment: Moment
) -> Verified[Grant]:
    """The customer's yes, bound to this handshake."""
    body = Grant(
        device=own.device,
        root=root,
        number=number,
        request=visitor.request.hash,
        handshake=handshake,
        serial=visitor.technician.body.serial,
        ticket=visitor.request.body.ticket,
        scopes=yes.scopes,
        minutes=yes.minutes,
        granted_at=moment.wall,
        not_after=moment.wall + yes.minutes * 60,
        successor_of=None,
        consent=yes.transcript,
    )
    return verify(own.signing.sign(body), Grant, own.signing.verify_key)


def the_successor(
    visitor: Visitor, state: GrantState, own: OwnSide, handshake: bytes, left_s: float, number: int, moment: Moment
) -> Verified[Grant]:
    """What is left of the grant in force, bound to the handshake of a return; the consent is the one given then."""
    first = state.grant.body
    body = Grant(
        device=own.device,
        root=first.root,
        number=number,
        request=visitor.request.hash,
        handshake=handshake,
        serial=first.serial,
        ticket=first.ticket,
        scopes=visitor.request.body.scopes,
        minutes=min(first.minutes, visitor.request.body.minutes, minutes_of(left_s)),
        granted_at=max(first.granted_at, moment.wall),
        not_after=min(first.not_after, moment.wall + int(left_s)),
        successor_of=state.grant.hash,
        consent=first.consent,
    )
    return verify(own.signing.sign(body), Grant, own.signing.verify_key)


def the_change(state: GrantState, own: OwnSide, kind: ChangeKind, moment: Moment) -> Verified[GrantChange]:
    """What the customer took back; `state` is the one after it."""
    body = GrantChange(
        device=own.device,
        grant=state.grant.hash,
        number=state.changes,
        kind=kind,
        scopes=tuple(sorted(state.scopes)) if kind is ChangeKind.NARROWED else (),
        changed_at=moment.wall,
    )
    return verify(own.signing.sign(body), GrantChange, own.signing.verify_key)
