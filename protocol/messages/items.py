"""Items: what must not be lost. Each carries a UUIDv7 and stays in the agent's outbox until `stored` or `refused`."""

from enum import StrEnum
from typing import Annotated, Literal

from pydantic import Field

from protocol.audit import AuditEntry, InclusionProof
from protocol.fields import Base64, CaseId, Count, Hash, UnixSeconds, Uuid
from protocol.limits import ITEM_BODY_MAX_BYTES
from protocol.messages.report import Report
from protocol.statements import Envelope
from protocol.strict_json import WireModel


class SealedKind(StrEnum):
    EVIDENCE = "evidence"  # findings and facts behind a ticket
    RECEIPT = "receipt"  # a ProofFile
    NOTE = "note"  # a technician's, for colleagues: a SignedNote
    TRANSCRIPT = "transcript"  # what was asked, done and said in a visit


class ReportItem(WireModel):
    type: Literal["report"] = "report"
    id: Uuid
    report: Report


class TicketItem(WireModel):
    """A `ticket` statement of this device."""

    type: Literal["ticket"] = "ticket"
    id: Uuid
    ticket: Envelope


class SealedItem(WireModel):
    """A small age-encrypted blob. `session`: hash of the grant it belongs to, for receipts."""

    type: Literal["sealed"] = "sealed"
    id: Uuid
    kind: SealedKind
    ticket: Uuid | None
    case: CaseId | None
    session: Hash | None = None
    sha256: Hash
    data: Annotated[Base64, Field(max_length=ITEM_BODY_MAX_BYTES)]


class AuditItem(WireModel):
    """An entry for the server's log; answered by `stored` with an inclusion proof."""

    type: Literal["audit"] = "audit"
    id: Uuid
    entry: AuditEntry


class TicketOutcomeItem(WireModel):
    """A ticket's finding ended by itself or by a verified remedy: the ticket may close with that outcome."""

    type: Literal["ticket-outcome"] = "ticket-outcome"
    id: Uuid
    ticket: Uuid
    outcome: Literal["solved-mechanically", "cleared-by-itself"]
    at: UnixSeconds


class Stored(WireModel):
    type: Literal["stored"] = "stored"
    id: Uuid
    proof: InclusionProof | None = None


class Refused(WireModel):
    """The item will never be stored; the agent keeps it as a dead letter and shows why."""

    type: Literal["refused"] = "refused"
    id: Uuid
    reason: Annotated[str, Field(max_length=300)]


class Heartbeat(WireModel):
    type: Literal["heartbeat"] = "heartbeat"
    queued: Count = 0
