"""What the two ends of a visit say inside the sealed channel.

handshake message 3      Introduction   chain, session-request
frame HELLO   both ways  Hello          newest checkpoint seen, versions, newest revocations
frame GRANT   ◄──        Granted        the grant statement
frame REFUSED ◄──        NotGranted     why not, in one of a few words
stream OPEN   ──►        OpenAction     action statement and the exact bytes of its arguments
stream DATA   ◄──        items, one JSON text a line; or pieces (pieces.py)
stream DATA   ──►        pieces, where the action takes input
stream CLOSE  ◄──        ActionResult   outcome, detail, rows
frame GRANT_CHANGE ◄──   Changed        narrowed or stopped
frame SESSION_CLOSE      SessionClosing technician: end; device: root; technician: countersign; or hand-over
frame RECEIPT ◄──        chunks         the proof file, as raw JSON bytes; an empty one ends it

After a lost connection all of it begins anew in another room, and before the successor's GRANT comes the RECEIPT of the
grant before: from it the technician learns what became of an action that was sent in the moment of the cut.
"""

from enum import StrEnum
from typing import Annotated, Final, Literal

from pydantic import Field

from protocol.certificates import Chain, Document
from protocol.fields import Base64, Count, Hash, Kebab, PersonName
from protocol.journal import Outcome
from protocol.messages.login import Versions
from protocol.statements import Envelope
from protocol.strict_json import WireModel


class Introduction(WireModel):
    """Payload of handshake message 3 (about 3 KiB of at most 65 519 − overhead)."""

    technician: Chain
    request: Envelope


class Hello(WireModel):
    """First sealed record, both ways. The newer revocations win; a checkpoint that does not fit ends the session."""

    checkpoint: Annotated[str, Field(max_length=32_768)]
    versions: Versions
    revocations: Document | None
    certificate: Chain | None = None  # the device's own, so the technician need not believe the server


class Granted(WireModel):
    grant: Envelope


class RefusalReason(StrEnum):
    CUSTOMER = "customer"
    NO_ANSWER = "no-answer"
    COOL_DOWN = "cool-down"
    UNKNOWN_TICKET = "unknown-ticket"
    NOT_CERTIFIED = "not-certified"
    STALE_REVOCATIONS = "stale-revocations"
    SPLIT_VIEW = "split-view"
    AUDIT_UNAVAILABLE = "audit-unavailable"
    BUSY = "busy"
    NOT_RESUMED = "not-resumed"  # the visit is over, or asks for more than is still allowed: ask the customer anew


class NotGranted(WireModel):
    reason: RefusalReason


class Continued(WireModel):
    """Which action goes on here, by the grant it began under, and how many bytes of its rows have arrived already."""

    grant: Hash
    sequence: Annotated[int, Field(ge=1, le=1 << 31)]
    received_bytes: Annotated[int, Field(ge=0, le=1 << 53)]


class OpenAction(WireModel):
    """`continues`: nothing is started; the rows of an action that outlived a lost connection go on."""

    action: Envelope
    arguments: Annotated[Base64, Field(max_length=16_384)]
    continues: Continued | None = None


class Item(WireModel):
    """One row of a result. The receiver validates `body` with diagnostics' own model for `kind`."""

    id: Count
    kind: Kebab
    body: Annotated[str, Field(max_length=60_000)]  # JSON text, opaque to the protocol


class StreamTotals(WireModel):
    """What went over an action's stream, as the agent's service counted and hashed it: DATA payloads as they stand."""

    received_bytes: Count = 0
    received_sha256: Hash
    sent_bytes: Count = 0
    sent_sha256: Hash


class ActionResult(WireModel):
    """`rows`: lines of items. `totals`: for actions with input, bytes or a long life."""

    outcome: Outcome
    detail: Annotated[str, Field(max_length=300)] = ""
    rows: Count = 0
    totals: StreamTotals | None = None


class Progress(WireModel):
    """Body of an item of kind `progress`: how far an action is. `total` 0: nobody knows. Shown, never acted upon."""

    done: Count
    total: Count = 0
    unit: Annotated[str, Field(max_length=20)] = "bytes"
    text: Annotated[str, Field(max_length=200)] = ""


PROGRESS_KIND: Final = "progress"


class Changed(WireModel):
    change: Envelope


class SessionClosing(WireModel):
    """Frame SESSION_CLOSE, in the order end → root → countersign.

    hand-over: the technician will end when the one named in `to` has been let in, and not before.
    """

    step: Literal["end", "root", "countersign", "hand-over"]
    reason: Annotated[str, Field(max_length=200)] = ""
    journal_root: Hash | None = None
    actions: Count = 0
    close: Envelope | None = None
    to: PersonName | None = None


class Notice(WireModel):
    """A line for the other side's screen: `narrowed`, `expiring`, `audit-delayed`. Never acted upon.

    `taken`, from the device: the action of the sequence in `text` stands in its books. At the end, an action that was
    sent and never taken is told apart by this from one that the device hides.
    """

    kind: Kebab
    text: Annotated[str, Field(max_length=300)] = ""
