"""Session request, grant, change, action, close, receipt: one visit, from the question to the proof.

    technician                                    device
    session-request  ── in handshake message 3 ─► checks it against the handshake and its own ticket store
                                                  asks the person at the machine
                     ◄────────────────── grant ── bound to this handshake's final hash
    action (1), action (2), …  ────────────────►  each checked: this grant, next sequence, scope, time
                     ◄──────────── grant-change ── the customer narrows or stops, at any time
    session-close    ───────────────────────────► countersigns the journal's root
                     ◄──────────────── receipt ── exactly one for each grant

A lost connection: the technician's next request names the grant it `resumes`, and the device answers it with a
successor grant that names the one before, without a question. A hand-over: another technician's request `takes_over`,
and the customer is asked as for any other.

These are the shapes; session_rules.py decides.
"""

from enum import StrEnum
from typing import Annotated, ClassVar

from pydantic import Field

from protocol.actions.scopes import Scope
from protocol.fields import (
    Bytes32,
    Count,
    DeviceId,
    DottedName,
    Hash,
    PersonName,
    PublicKey,
    RoomId,
    Serial,
    UnixSeconds,
    Uuid,
)
from protocol.journal import Outcome
from protocol.limits import REASON_MAX_CHARS, SESSION_MINUTES_MAX
from protocol.statements import Envelope, Statement, StatementName
from protocol.strict_json import WireModel

Minutes = Annotated[int, Field(ge=1, le=SESSION_MINUTES_MAX)]
Reason = Annotated[str, Field(min_length=1, max_length=REASON_MAX_CHARS)]


class SessionRequest(Statement):
    """Signed by the technician, sent inside handshake message 3."""

    statement_name: ClassVar[StatementName] = StatementName.SESSION_REQUEST

    device: DeviceId
    root: Hash
    room: RoomId
    ticket: Uuid | None
    serial: Serial
    initiator_ephemeral: PublicKey
    issued_at: UnixSeconds
    nonce: Bytes32
    reason: Reason
    scopes: Annotated[tuple[Scope, ...], Field(min_length=1, max_length=32)]
    minutes: Minutes
    resumes: Hash | None = None  # the grant whose connection was lost
    takes_over: bool = False  # the technician who is there now has named this one as the next


class ConsentMethod(StrEnum):
    TERMINAL = "terminal"
    COMMAND = "command"
    APPROVAL_PAGE = "approval-page"
    WINDOW = "window"
    UNATTENDED_POLICY = "unattended-policy"


class ConsentTranscript(WireModel):
    """How the person said yes: the hash of the exact text shown, language, ticks, method, who, when."""

    text_sha256: Hash
    language: Annotated[str, Field(pattern=r"^[a-z]{2}$")]
    ticked: Annotated[tuple[Scope, ...], Field(max_length=32)]
    method: ConsentMethod
    local_user: Annotated[str, Field(max_length=120)]
    decided_at: UnixSeconds


class Grant(Statement):
    """Signed by the device. Opens the door this far, this long, for this handshake only.

    `successor_of`: the grant before, whose connection was lost; the consent is the one given then.
    """

    statement_name: ClassVar[StatementName] = StatementName.GRANT

    device: DeviceId
    root: Hash
    number: Annotated[int, Field(ge=1, le=1 << 53)]
    request: Hash
    handshake: Hash
    serial: Serial
    ticket: Uuid | None
    scopes: Annotated[tuple[Scope, ...], Field(min_length=1, max_length=32)]
    minutes: Minutes
    granted_at: UnixSeconds
    not_after: UnixSeconds
    successor_of: Hash | None
    consent: ConsentTranscript


class ChangeKind(StrEnum):
    NARROWED = "narrowed"
    STOPPED = "stopped"


class GrantChange(Statement):
    """Signed by the device: the customer allows less, or nothing more."""

    statement_name: ClassVar[StatementName] = StatementName.GRANT_CHANGE

    device: DeviceId
    grant: Hash
    number: Annotated[int, Field(ge=1, le=1000)]
    kind: ChangeKind
    scopes: Annotated[tuple[Scope, ...], Field(max_length=32)]
    changed_at: UnixSeconds


class ActionStatement(Statement):
    """Signed by the technician, one for each action. `previous`: hash of the statement before it (or the grant)."""

    statement_name: ClassVar[StatementName] = StatementName.ACTION

    grant: Hash
    sequence: Annotated[int, Field(ge=1, le=1 << 31)]
    action: DottedName
    arguments_sha256: Hash
    previous: Hash
    issued_at: UnixSeconds


class SessionClose(Statement):
    """Signed by the technician at the end: countersigns what the device says was done."""

    statement_name: ClassVar[StatementName] = StatementName.SESSION_CLOSE

    grant: Hash
    journal_root: Hash
    actions: Count
    issued_at: UnixSeconds


class EndedBy(StrEnum):
    CUSTOMER = "customer"
    TECHNICIAN = "technician"
    EXPIRED = "expired"
    REVOKED = "revoked"
    CONNECTION_LOST = "connection-lost"
    PROTOCOL_ERROR = "protocol-error"
    AGENT_STOPPED = "agent-stopped"
    AUDIT_UNAVAILABLE = "audit-unavailable"


class ReceiptAction(WireModel):
    sequence: Count
    action: DottedName
    scope: Scope | None
    risk: Annotated[int, Field(ge=0, le=3)]
    outcome: Outcome
    started_at: UnixSeconds
    ended_at: UnixSeconds
    arguments: Hash
    detail: Annotated[str, Field(max_length=200)] = ""


class Receipt(Statement):
    """Signed by the device: exactly one for each grant, also after a crash (then `rebuilt`)."""

    statement_name: ClassVar[StatementName] = StatementName.RECEIPT
    max_bytes: ClassVar[int] = 1 << 20

    device: DeviceId
    root: Hash
    grant: Hash
    grant_number: Count
    request: Hash
    serial: Serial
    technician: PersonName
    organisation: PersonName
    ticket: Uuid | None
    reason: Reason
    scopes: Annotated[tuple[Scope, ...], Field(max_length=32)]
    granted_at: UnixSeconds
    ended_at: UnixSeconds
    ended_by: EndedBy
    rebuilt: bool
    journal_first: Count
    journal_last: Count
    journal_root: Hash
    actions: Annotated[tuple[ReceiptAction, ...], Field(max_length=10_000)]
    technician_close: Envelope | None
