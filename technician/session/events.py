"""What can happen in a visit, as the initiator tells it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from protocol.certificates import Chain, Document
from protocol.grants import EndedBy, Grant
from protocol.proofs import ProofFile, ProvenVisit
from protocol.statements import Verified
from protocol.visit import ActionResult, Item, RefusalReason

if TYPE_CHECKING:
    from technician.session.returning import Fate


@dataclass(frozen=True)
class Handshaken:
    """The device has proven its Noise key. `phrase`: six words, equal at both ends."""

    phrase: tuple[str, ...]


@dataclass(frozen=True)
class PeerHello:
    """To be judged by the shell: the device's newest checkpoint, and the revocations it holds."""

    checkpoint: str
    revocations: Document | None
    certificate: Chain | None


@dataclass(frozen=True)
class GrantCame:
    """Checked: this device, this request, this handshake, no more than was asked."""

    grant: Verified[Grant]


@dataclass(frozen=True)
class Refused:
    reason: RefusalReason


@dataclass(frozen=True)
class Row:
    """One item of an action's result. `size_bytes`: to be given back with `consumed`."""

    stream: int
    item: Item
    size_bytes: int


@dataclass(frozen=True)
class BytesCame:
    """A part of the bytes that an action gives. `size_bytes`: to be given back with `consumed`."""

    stream: int
    data: bytes
    size_bytes: int


@dataclass(frozen=True)
class ActionEnded:
    stream: int
    result: ActionResult


@dataclass(frozen=True)
class Narrowed:
    scopes: frozenset[str]


@dataclass(frozen=True)
class Stopped:
    """The customer pressed Stop."""


@dataclass(frozen=True)
class Closing:
    """The device says how its journal ends. `disputed`: it counts other actions than we do, so nothing is signed."""

    disputed: bool
    reason: str


@dataclass(frozen=True)
class ReceiptCame:
    """The proof file, checked under the root. `fault`: it does not tell what we saw; keep it, and raise an alarm.

    `untaken`: our last actions, where the end of the visit crossed them on their way and the device never took them.
    """

    proof: ProofFile
    proven: ProvenVisit | None
    fault: str
    untaken: tuple[str, ...] = ()

    @property
    def ended_by(self) -> EndedBy | None:
        return self.proven.receipt.ended_by if self.proven else None


@dataclass(frozen=True)
class ConnectionLost:
    """The connection is gone under a grant in force: it may go on in another room."""


@dataclass(frozen=True)
class PastReceipt:
    """The receipt of the grant whose connection was lost. `fault`: it does not tell what we saw."""

    proof: ProofFile
    fault: str


@dataclass(frozen=True)
class WentOn:
    """The successor grant is in force. `fates`: of each action that had no result."""

    grant: Verified[Grant]
    fates: "Sequence[Fate]"


@dataclass(frozen=True)
class Noticed:
    """A line for the screen; never acted upon."""

    kind: str
    text: str


@dataclass(frozen=True)
class PeerGone:
    """Nothing more will come. `truncated`: the device had not finished."""

    truncated: bool


Event = (
    Handshaken
    | PeerHello
    | GrantCame
    | Refused
    | Row
    | BytesCame
    | ActionEnded
    | Narrowed
    | Stopped
    | Closing
    | ReceiptCame
    | ConnectionLost
    | PastReceipt
    | WentOn
    | Noticed
    | PeerGone
)
