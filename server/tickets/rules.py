"""Pure: how a ticket moves, and what it says when it is new.

`MOVES[state]` are the states it may go to next; what is absent is refused. SLA clocks pause in the waiting states.
"""

from typing import Final

from protocol.messages.desk import FourFacts, TicketState
from server.config import FirstFacts

_OPENLY: Final = frozenset(
    {TicketState.OPEN, TicketState.WAITING_CUSTOMER, TicketState.WAITING_THIRD_PARTY, TicketState.SOLVED}
)

MOVES: Final[dict[TicketState, frozenset[TicketState]]] = {
    TicketState.NEW: _OPENLY,
    TicketState.OPEN: _OPENLY - {TicketState.OPEN},
    TicketState.WAITING_CUSTOMER: _OPENLY - {TicketState.WAITING_CUSTOMER},
    TicketState.WAITING_THIRD_PARTY: _OPENLY - {TicketState.WAITING_THIRD_PARTY},
    TicketState.SOLVED: frozenset({TicketState.CLOSED, TicketState.REOPENED}),
    TicketState.CLOSED: frozenset(),
    TicketState.REOPENED: _OPENLY,
}

#: A ticket that still holds its finding's place: repeats add to it.
OPEN_STATES: Final = frozenset(TicketState) - {TicketState.SOLVED, TicketState.CLOSED}

#: States in which the time until an answer does not run.
PAUSED_STATES: Final = frozenset({TicketState.WAITING_CUSTOMER, TicketState.WAITING_THIRD_PARTY})

#: From here a person may close a ticket without a solution, saying why (handing.py). It ends as `not-solved`.
GIVEN_UP_FROM: Final = OPEN_STATES


def may_move(current: TicketState, wanted: TicketState) -> bool:
    return wanted in MOVES[current]


def after_customer_words(current: TicketState) -> TicketState:
    """A customer who writes is not waited for any longer, and a solved ticket was not solved."""
    match current:
        case TicketState.WAITING_CUSTOMER:
            return TicketState.OPEN
        case TicketState.SOLVED:
            return TicketState.REOPENED
        case _:
            return current


#: Beside the reason, which a person writes, the customer reads this.
GIVEN_UP_NEXT: Final = "This ticket is closed. If you still need help, ask again: a new one opens."


def first_facts(defaults: FirstFacts, received_at: int) -> FourFacts:
    return FourFacts(cost=defaults.cost, doing=defaults.doing, next=defaults.next, eta=received_at + defaults.eta_s)


#: A problem that ended without a person and comes back within this time is the same ticket; a solved one nobody came
#: back on in this time is closed.
COMES_BACK_S: Final = 14 * 86_400

#: What the facts say of a ticket that is open again: (being done, next).
REOPENED_FACTS: Final[dict[str, tuple[str, str]]] = {
    "said-no": (
        "You said that it did not help. Your request is open again and waits for a technician.",
        "A technician reads what was tried and writes to you, or asks you for a visit.",
    ),
    "came-back": (
        "The problem came back. This request is open again and waits for a technician.",
        "A technician reads what was tried and writes to you, or asks you for a visit.",
    ),
}

#: What the facts say once a ticket ended without a person. Keys: outcomes a device may report.
ENDED_FACTS: Final[dict[str, tuple[str, str]]] = {
    "solved-mechanically": ("Solved on your computer by a prepared fix.", "Nothing more, unless it comes back."),
    "cleared-by-itself": ("The problem went away by itself.", "Nothing more, unless it comes back."),
}
