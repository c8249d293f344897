"""What the desk says to the customer: a ticket's state with the four facts, and messages.

Words from the server are plain text marked "via the server, not verified"; a `message` statement with its chain shows
its verified author.
"""

from enum import StrEnum
from typing import Annotated, Literal

from pydantic import Field

from protocol.certificates import Chain
from protocol.fields import UnixSeconds, Uuid, Words
from protocol.limits import WORDS_MAX_CHARS
from protocol.statements import Envelope
from protocol.strict_json import WireModel

FactText = Annotated[str, Field(min_length=1, max_length=500)]


#: How well it went, 5 is best.
Mark = Annotated[int, Field(ge=1, le=5)]


class TicketState(StrEnum):
    NEW = "new"
    OPEN = "open"
    WAITING_CUSTOMER = "waiting-customer"
    WAITING_THIRD_PARTY = "waiting-third-party"
    SOLVED = "solved"
    CLOSED = "closed"
    REOPENED = "reopened"


class FourFacts(WireModel):
    """Always visible to the customer, never empty: what it costs, what is being done, what comes next, when."""

    cost: FactText
    doing: FactText
    next: FactText
    eta: UnixSeconds


class TicketUpdate(WireModel):
    type: Literal["ticket-update"] = "ticket-update"
    ticket: Uuid
    state: TicketState
    facts: FourFacts
    updated_at: UnixSeconds


class DeskText(WireModel):
    """Not verified: typed into the console, carried by the server."""

    type: Literal["desk-text"] = "desk-text"
    ticket: Uuid
    text: Annotated[Words, Field(min_length=1, max_length=WORDS_MAX_CHARS)]
    at: UnixSeconds


class SignedMessage(WireModel):
    type: Literal["signed-message"] = "signed-message"
    chain: Chain
    message: Envelope


class TicketVerdict(WireModel):
    """The customer's answer to "did it help?" on a solved ticket, and a mark if they gave one; an item of the outbox.
    "No" opens the ticket again."""

    type: Literal["ticket-verdict"] = "ticket-verdict"
    id: Uuid
    ticket: Uuid
    helped: bool
    mark: Mark | None
    at: UnixSeconds


class CustomerText(WireModel):
    """Words the customer addresses to the desk on an existing ticket; an item of the outbox."""

    type: Literal["customer-text"] = "customer-text"
    id: Uuid
    ticket: Uuid
    text: Annotated[Words, Field(min_length=1, max_length=WORDS_MAX_CHARS)]
    at: UnixSeconds
