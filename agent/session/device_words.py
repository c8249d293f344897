"""What the device says in a visit: the question to the customer, the grant, a change of it. Pure; signed here.

Each is built from what was proven (certificate, request, this handshake), never from what somebody claims.
"""

from agent.consent.gate import Yes
from agent.consent.policy import offer
from agent.consent.prompt_text import PromptFacts
from agent.session.arrival import OwnSide, OwnTicket, Visitor
from agent.session.effects import Moment
from protocol.grants import ChangeKind, Grant, GrantChange
from protocol.session_rules import GrantState
from protocol.statements import Verified, verify
from protocol.trust import Trust


def the_question(
    visitor: Visitor, own: OwnSide, ticket: OwnTicket, trust: Trust, phrase: tuple[str, ...], now: int
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
        offer=offer(request.scopes, revocations_fresh=fresh),
        minutes=request.minutes,
        phrase=phrase,
        revocations_fresh=fresh,
        request=visitor.request.hash,
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
