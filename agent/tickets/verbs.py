"""Local verbs about this device's own tickets."""

from typing import Annotated, Any

from pydantic import Field

from agent.local.verbs import NoArguments, Peer, Verb
from agent.tickets.store import OwnTicket, TicketStore
from protocol.fields import Uuid, Words
from protocol.limits import WORDS_MAX_CHARS
from protocol.messages.desk import Mark, TicketState
from protocol.strict_json import WireModel


class OfTicket(WireModel):
    ticket: Uuid


class TicketWords(OfTicket):
    text: Annotated[Words, Field(min_length=1, max_length=WORDS_MAX_CHARS)]


class TicketJudgement(OfTicket):
    helped: bool
    mark: Mark | None = None


class TicketVerbs:
    def __init__(self, tickets: TicketStore) -> None:
        self._tickets = tickets

    def all(self) -> tuple[Verb[Any], ...]:
        return (
            Verb("tickets", NoArguments, self.list),
            Verb("ticket", OfTicket, self.show),
            Verb("ticket-text", TicketWords, self.say, refused_to_sessions=True),
            Verb("ticket-verdict", TicketJudgement, self.judge, refused_to_sessions=True),
        )

    async def list(self, _: NoArguments, peer: Peer) -> object:
        return {"tickets": [ticket_value(ticket) for ticket in self._tickets.list()]}

    async def show(self, arguments: OfTicket, peer: Peer) -> object:
        found = self._tickets.known(arguments.ticket)
        return {**ticket_value(found), "messages": self._tickets.messages(found.ticket)}

    async def say(self, arguments: TicketWords, peer: Peer) -> object:
        self._tickets.say(arguments.ticket, arguments.text)
        return {"queued": True}

    async def judge(self, arguments: TicketJudgement, peer: Peer) -> object:
        self._tickets.judge(arguments.ticket, arguments.helped, arguments.mark)
        return {"queued": True}


def ticket_value(ticket: OwnTicket) -> dict[str, object]:
    return {
        "ticket": ticket.ticket,
        "case": ticket.case,
        "origin": ticket.origin.value,
        "words": ticket.words,
        "opened_at": ticket.opened_at,
        "updated_at": ticket.updated_at,
        "state": ticket.state.value,
        "open": ticket.is_open,
        "outcome": ticket.outcome,
        "evidence_asked_by": ticket.evidence_asked_by if ticket.is_open else None,
        "asks_whether_it_helped": ticket.state is TicketState.SOLVED and ticket.verdict is None,
        "verdict": None if ticket.verdict is None else {"helped": ticket.verdict.helped, "mark": ticket.verdict.mark},
        "earlier_etas": list(ticket.earlier_etas),
        "facts": None if ticket.facts is None else ticket.facts.model_dump(mode="json"),
        "finding": None
        if ticket.finding is None
        else {
            "code": ticket.finding.code,
            "severity": ticket.finding.severity,
            "fingerprint": ticket.finding.fingerprint,
        },
    }
