"""What can happen to a visit (events), and what a visit can want done (effects). Values only.

Effects are done strictly in the order given: what must be on the disk first stands first. An effect whose answer
comes later (asking the customer, waiting for the server's log) is answered by an event.
"""

from dataclasses import dataclass
from typing import Literal

from agent.consent.gate import Decision
from agent.consent.prompt_text import PromptFacts
from agent.session.own_side import OwnSide
from protocol.actions.scopes import Scope
from protocol.certificates import Chain, Document
from protocol.grants import ActionStatement, EndedBy, Grant, GrantChange, SessionRequest
from protocol.journal import Outcome
from protocol.statements import Envelope, Verified
from protocol.trust import Trust


@dataclass(frozen=True, slots=True)
class Moment:
    """One reading of the three clocks: unix seconds; seconds that count suspend; seconds for timeouts."""

    wall: int
    boot_s: float
    mono_s: float


# --- events ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Received:
    """One binary message came through the relay."""

    data: bytes


@dataclass(frozen=True, slots=True)
class TransportLost:
    """The relay's socket is gone."""

    why: str = ""


@dataclass(frozen=True, slots=True)
class CameBack:
    """Somebody has come into another room while a visit waits for its technician: who, the handshake will tell.

    `own`: what this device shows of itself now; its newest checkpoint may be newer than at the beginning.
    """

    room: str
    own: OwnSide


@dataclass(frozen=True, slots=True)
class ViewsCompared:
    """`problem`: why the two ends' views of the audit log do not fit; empty when they do. `forked`: it is proven that
    there are two histories, rather than that the server did not answer."""

    problem: str = ""
    forked: bool = False


@dataclass(frozen=True, slots=True)
class Answered:
    """The customer's answer. `grant_number`: the next unused one of this device."""

    decision: Decision
    grant_number: int


@dataclass(frozen=True, slots=True)
class AuditSettled:
    """The server's log has stored the entry about action `sequence` (0: the session's start), or has not."""

    sequence: int
    stored: bool


@dataclass(frozen=True, slots=True)
class Rows:
    """Whole lines of results of a running action."""

    sequence: int
    lines: bytes
    count: int


@dataclass(frozen=True, slots=True)
class Streamed:
    """What a running action with a pipe of its own has written, as it came: pieces, or lines of rows."""

    sequence: int
    data: bytes


@dataclass(frozen=True, slots=True)
class InputTaken:
    """The action's pipe has taken so much of what the technician sent: as much again may come."""

    sequence: int
    size_bytes: int


@dataclass(frozen=True, slots=True)
class Finished:
    """The session host is done with an action, one way or another."""

    sequence: int
    outcome: Outcome
    detail: str = ""


@dataclass(frozen=True, slots=True)
class CustomerNarrows:
    scopes: tuple[Scope, ...]


@dataclass(frozen=True, slots=True)
class EndNow:
    """Stop: by the customer, or because the agent itself stops, or its own machinery failed."""

    by: EndedBy
    why: str = ""


@dataclass(frozen=True, slots=True)
class BooksClosed:
    """The journal of this grant has its last entry: `root` is its hash."""

    root: bytes
    actions: int


@dataclass(frozen=True, slots=True)
class ReceiptMade:
    """The receipt is on the disk; `proof`: the proof file's bytes."""

    proof: bytes


@dataclass(frozen=True, slots=True)
class Succeeded:
    """The grant before has its receipt on the disk, and its successor is in the books; `proof`: that receipt's file."""

    proof: bytes


@dataclass(frozen=True, slots=True)
class TrustChanged:
    trust: Trust


@dataclass(frozen=True, slots=True)
class HandOverSettled:
    """Whom this visit's technician has named came: and was let in (`taken`), or was not."""

    taken: bool


@dataclass(frozen=True, slots=True)
class Tick:
    """Time has passed."""


Event = (
    Received
    | TransportLost
    | CameBack
    | ViewsCompared
    | Answered
    | AuditSettled
    | Rows
    | Streamed
    | InputTaken
    | Finished
    | CustomerNarrows
    | EndNow
    | BooksClosed
    | ReceiptMade
    | Succeeded
    | TrustChanged
    | HandOverSettled
    | Tick
)


# --- effects ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Send:
    """One binary message for the relay."""

    data: bytes


@dataclass(frozen=True, slots=True)
class HangUp:
    """Nothing more will be sent: close the relay's socket. `why` is for our own log."""

    why: str = ""


@dataclass(frozen=True, slots=True)
class StartHost:
    """Start the session host now, so that it is warm when the customer says yes."""


@dataclass(frozen=True, slots=True)
class KillHost:
    """Kill the session host and everything that descends from it, at once."""


@dataclass(frozen=True, slots=True)
class Run:
    """Hand an authorised, already booked action to the session host."""

    sequence: int
    action: str
    arguments: bytes


@dataclass(frozen=True, slots=True)
class Cancel:
    sequence: int


@dataclass(frozen=True, slots=True)
class GiveInput:
    """What the technician sent, for the running action's pipe; answered by `InputTaken`. `last`: nothing follows."""

    sequence: int
    data: bytes
    last: bool = False


@dataclass(frozen=True, slots=True)
class HoldBack:
    """Read no more from the action's pipe (`held`), because the technician takes nothing; or go on."""

    sequence: int
    held: bool


@dataclass(frozen=True, slots=True)
class CompareViews:
    """Check the peer's checkpoint against our own (may ask the server); answered by `ViewsCompared`."""

    note: str


@dataclass(frozen=True, slots=True)
class AcceptDocument:
    """Persist newer revocations that the peer brought; they were verified."""

    document: Document


@dataclass(frozen=True, slots=True)
class AskCustomer:
    """Answered by `Answered`."""

    facts: PromptFacts


@dataclass(frozen=True, slots=True)
class WithdrawQuestion:
    """Nobody waits for the customer's answer any more."""


@dataclass(frozen=True, slots=True)
class OpenBooks:
    """Persist the grant and the journal's first entry; the server's log is awaited: `AuditSettled(0)`."""

    grant: Verified[Grant]
    request: Verified[SessionRequest]
    technician_chain: Chain
    technician_name: str
    device_chain: Chain | None


@dataclass(frozen=True, slots=True)
class Succeed:
    """The grant in force ended with its connection: close its books, make its one receipt, open its successor's.

    Answered by `Succeeded` at once, and by `AuditSettled(0)`.
    """

    books: OpenBooks


@dataclass(frozen=True, slots=True)
class BookAction:
    """Persist the use of this sequence number and the journal's entry before the act.

    `number`: counts all actions of a visit, over all its grants; what other effects and events call its sequence.
    `refused`: it will not run, and why. `wait_for_log`: it runs only after `AuditSettled(number)`.
    """

    number: int
    action: Verified[ActionStatement]
    scope: Scope | None
    risk: int
    arguments: bytes
    refused: str | None
    wait_for_log: bool


@dataclass(frozen=True, slots=True)
class BookActionEnd:
    """`kept`: what went over the action's stream, for the sealed transcript (action_stream.py)."""

    sequence: int
    outcome: Outcome
    detail: str
    kept: bytes | None = None


@dataclass(frozen=True, slots=True)
class BookChange:
    change: Verified[GrantChange]


@dataclass(frozen=True, slots=True)
class GrantHandedOver:
    """The grant goes out to the technician now."""


@dataclass(frozen=True, slots=True)
class CloseBooks:
    """Write the journal's last entry of this grant; answered by `BooksClosed`."""

    ended_by: EndedBy


@dataclass(frozen=True, slots=True)
class MakeReceipt:
    """Sign and persist the one receipt; answered by `ReceiptMade`. `close`: the technician's countersignature."""

    close: Envelope | None


@dataclass(frozen=True, slots=True)
class RaiseAlarm:
    """Keep this for ever and show it."""

    kind: Literal["split-view", "fork"]
    what: str
    expected: str
    got: str


Effect = (
    Send
    | HangUp
    | StartHost
    | KillHost
    | Run
    | Cancel
    | GiveInput
    | HoldBack
    | CompareViews
    | AcceptDocument
    | AskCustomer
    | WithdrawQuestion
    | OpenBooks
    | Succeed
    | BookAction
    | BookActionEnd
    | BookChange
    | GrantHandedOver
    | CloseBooks
    | MakeReceipt
    | RaiseAlarm
)
