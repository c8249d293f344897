"""What the two ends of a visit say inside the sealed channel.

handshake message 3      Introduction   chain, session-request
frame HELLO   both ways  Hello          newest checkpoint seen, versions, newest revocations
frame GRANT   ◄──        Granted        the grant statement
frame REFUSED ◄──        NotGranted     why not, in one of a few words
stream OPEN   ──►        OpenAction     action statement and the exact bytes of its arguments
stream DATA   ◄──        items, one JSON text a line; or bytes
stream CLOSE  ◄──        ActionResult   outcome, detail, rows
frame GRANT_CHANGE ◄──   Changed        narrowed or stopped
frame SESSION_CLOSE      SessionClosing technician: end; device: root; technician: countersign
frame RECEIPT ◄──        chunks         the proof file, as raw JSON bytes; an empty one ends it
"""

from enum import StrEnum
from typing import Annotated, Literal

from pydantic import Field

from protocol.certificates import Chain, Document
from protocol.fields import Base64, Count, Hash, Kebab
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


class NotGranted(WireModel):
    reason: RefusalReason


class OpenAction(WireModel):
    action: Envelope
    arguments: Annotated[Base64, Field(max_length=16_384)]


class Item(WireModel):
    """One row of a result. The receiver validates `body` with diagnostics' own model for `kind`."""

    id: Count
    kind: Kebab
    body: Annotated[str, Field(max_length=60_000)]  # JSON text, opaque to the protocol


class ActionResult(WireModel):
    outcome: Outcome
    detail: Annotated[str, Field(max_length=300)] = ""
    rows: Count = 0


class Changed(WireModel):
    change: Envelope


class SessionClosing(WireModel):
    """Frame SESSION_CLOSE, in the order end → root → countersign."""

    step: Literal["end", "root", "countersign"]
    reason: Annotated[str, Field(max_length=200)] = ""
    journal_root: Hash | None = None
    actions: Count = 0
    close: Envelope | None = None


class Notice(WireModel):
    """A line for the other side's screen: `narrowed`, `expiring`, `audit-delayed`. Never acted upon."""

    kind: Kebab
    text: Annotated[str, Field(max_length=300)] = ""
