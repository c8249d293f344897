"""The server's HTTP answers and questions, as both ends hold them: `/api/…`, strict JSON.

    nobody          challenge ─ enrol ─ server facts
    organisation    pin (once) ─ login ─ enrolments ─ certificates ─ documents
    technician      login ─ documents ─ checkpoint ─ devices ─ tickets ─ blobs ─ messages ─ sessions ─ audit export

Every answer is the server's word, and is to be judged as such: what it proves stands in the statements, chains and
notes inside. An error is `{"error": {"what", "expected", "got", "hint"}}` with a fitting status.
"""

from enum import StrEnum
from typing import Annotated

from pydantic import Field

from protocol.actions.scopes import Scope
from protocol.certificates import Chain, Document
from protocol.enrolment import DeviceKeys, EnrolmentRequest
from protocol.fields import (
    Base64,
    Bytes32,
    CaseId,
    Count,
    DeviceId,
    Hash,
    Kebab,
    PersonName,
    PublicKey,
    RoomId,
    UnixSeconds,
    Uuid,
)
from protocol.limits import NOTE_SEALED_MAX_BYTES
from protocol.messages.desk import FourFacts, SignedMessage, TicketState
from protocol.messages.items import SealedKind
from protocol.messages.report import ReportedFinding, ReportedMetric
from protocol.messages.sessions import JoinToken
from protocol.statements import Envelope
from protocol.strict_json import WireModel
from protocol.tickets import TicketOrigin

#: Where a room is, at the server that was asked. Anything freer would let a server name other hosts for it.
RelayPath = Annotated[str, Field(pattern=r"^/relay/[a-z2-7]{26}$")]
#: A sign-in token: 32 random bytes in base64url, sent as `Authorization: Bearer …`.
BearerToken = JoinToken
LogName = Annotated[str, Field(max_length=120)]


class ErrorFacts(WireModel):
    what: str
    expected: str = ""
    got: str = ""
    hint: str = ""


class ErrorReply(WireModel):
    error: ErrorFacts


class ServerFacts(WireModel):
    """GET /api/server. `root_key`: none until an organisation is pinned."""

    origin: str
    log_name: LogName
    log_key: PublicKey
    root_key: PublicKey | None
    organisation: str | None
    version: str


class ChallengeReply(WireModel):
    """GET /api/challenge: good for one login within 60 s."""

    nonce: Bytes32


class EnrolReply(WireModel):
    device: DeviceId


# --- the organisation ------------------------------------------------------------------------------------


class PinRequest(WireModel):
    """POST /api/organisation/pin, once in a server's life. `issuer`: certifying, signed by the root."""

    setup_code: Annotated[str, Field(min_length=8, max_length=80)]
    root_key: PublicKey
    issuer: Envelope
    organisation: PersonName
    rotations: Count = 0  # of the root before this one, when the organisation is older than this server


class OrganisationSignIn(WireModel):
    issuer: Envelope
    statement: Envelope


class SignedIn(WireModel):
    token: BearerToken
    expires_at: UnixSeconds


class EnrolmentState(StrEnum):
    PENDING = "pending"
    APPROVED = "approved"
    REFUSED = "refused"


class EnrolmentRow(WireModel):
    """`last_seen`: of the device itself, the server's word."""

    request: EnrolmentRequest
    received_at: UnixSeconds
    state: EnrolmentState
    last_seen: UnixSeconds | None = None


class EnrolmentList(WireModel):
    enrolments: tuple[EnrolmentRow, ...]


class EnrolmentRefusal(WireModel):
    """POST /api/organisation/refusals: this request is not from who it says."""

    device: DeviceId


class CertificatePush(WireModel):
    """POST /api/organisation/certificates: of a device or a technician."""

    chain: Chain


class CertificateTaken(WireModel):
    serial: str


class DocumentsPush(WireModel):
    """POST /api/organisation/documents. `rotations`: of the root, in sequence, taken first."""

    documents: Annotated[tuple[Document, ...], Field(max_length=16)]
    rotations: Annotated[tuple[Envelope, ...], Field(max_length=16)] = ()


class DocumentVersions(WireModel):
    """Floor name → version the server holds now."""

    versions: dict[str, int]


# --- the technician --------------------------------------------------------------------------------------


class TechnicianSignIn(WireModel):
    chain: Chain
    statement: Envelope


class RenewalAsk(WireModel):
    """POST /api/technician/renewal. `statement`: a technician-login naming a certificate of before, by its key."""

    statement: Envelope


class Renewal(WireModel):
    """The newest certificate the server holds for that very key, and what it takes to believe it: every rotation of the
    root, and the root's list of revoked issuers."""

    chain: Chain | None
    rotations: tuple[Envelope, ...]
    issuers: Document | None = None


class DocumentList(WireModel):
    documents: tuple[Document, ...]
    rotations: tuple[Envelope, ...]


class CheckpointReply(WireModel):
    """GET /api/checkpoint?size=N: the newest note, and the proof that the tree of `from_size` is its beginning."""

    note: str
    from_size: Count
    consistency: tuple[Hash, ...]


class DeviceTrust(WireModel):
    """What a device said it trusts when it last fetched documents: its root, and the version of each document."""

    root: Hash | None
    versions: dict[str, int]
    at: UnixSeconds


class DeviceRow(WireModel):
    """`customer`: from the certificate, so none before approval. `findings`: severity → how many are active.

    `keys`: as the device enrolled with, the server's word alone. A technician needs the Noise key to reach a device
    without a certificate, and then has the customer read the phrase out; with a certificate they are not looked at.
    """

    device: DeviceId
    label: str
    customer: str | None
    certificate: Chain | None
    keys: DeviceKeys | None = None
    connected: bool
    last_seen: UnixSeconds | None
    findings: dict[str, int]
    trust: DeviceTrust | None = None
    replaces: DeviceId | None = None  # the same machine before its keys were made anew
    replaced_by: DeviceId | None = None


class DeviceList(WireModel):
    devices: tuple[DeviceRow, ...]


class DeviceDetail(DeviceRow):
    reported: tuple[ReportedFinding, ...]
    metrics: tuple[str, ...]


class TrialRow(WireModel):
    """What devices counted of a known issue on trial, together. `fired`, `quiet`: looks; `fired_devices`: on how many
    it would have spoken at all."""

    issue: Kebab
    version: Count
    devices: Count
    fired_devices: Count
    fired: Count
    quiet: Count


class TrialList(WireModel):
    trials: tuple[TrialRow, ...]


class MetricSeries(WireModel):
    metrics: tuple[ReportedMetric, ...]


class TicketRow(WireModel):
    ticket: Uuid
    case: CaseId
    device: DeviceId
    customer: str | None
    state: TicketState
    level: int
    opened_at: UnixSeconds
    updated_at: UnixSeconds
    origin: TicketOrigin
    finding: str | None
    severity: str | None
    words: str
    facts: FourFacts
    owner: str | None = None  # the desk's account that has it
    outcome: str | None = None  # how it ended: solved-mechanically | cleared-by-itself | by-person | not-solved


class TicketList(WireModel):
    tickets: tuple[TicketRow, ...]


class SealedRow(WireModel):
    """A small sealed blob: GET /api/blobs/{id}. `session`: hash of the grant, for receipts."""

    id: Uuid
    kind: SealedKind
    sha256: Hash
    size_bytes: Count
    at: UnixSeconds
    session: Hash | None


class BundleRow(WireModel):
    """A bundle: GET /api/blobs/{id} once it is complete."""

    id: Uuid
    sha256: Hash
    size_bytes: Count
    complete: bool
    at: UnixSeconds


class SessionRow(WireModel):
    """A visit as the server saw it: rooms, sizes and times; scopes and grant from the device's audit entry."""

    room: RoomId
    device: DeviceId
    ticket: Uuid | None
    serial: str
    asked_at: UnixSeconds
    paired_at: UnixSeconds | None
    ended_at: UnixSeconds | None
    end_reason: str | None
    bytes_to_device: Count
    bytes_to_technician: Count
    grant: Hash | None
    scopes: tuple[Scope, ...]


class MessageSource(StrEnum):
    CUSTOMER = "customer"
    TECHNICIAN = "technician"
    DESK = "desk"


class MessageRow(WireModel):
    """`signed`: a technician's message statement, to be verified by the reader; absent for plain words."""

    at: UnixSeconds
    source: MessageSource
    text: str
    signed: SignedMessage | None


class EtaRow(WireModel):
    """One value the ETA had, and since when."""

    eta: UnixSeconds
    set_at: UnixSeconds


class TicketDetail(TicketRow):
    statement: Envelope
    sealed: tuple[SealedRow, ...]
    bundles: tuple[BundleRow, ...]
    sessions: tuple[SessionRow, ...]
    messages: tuple[MessageRow, ...]
    eta_history: tuple[EtaRow, ...]


class MessagePush(WireModel):
    """POST /api/tickets/{id}/messages"""

    signed: SignedMessage


class NotePush(WireModel):
    """POST /api/tickets/{id}/notes: a SignedNote, age-sealed to the organisation's recipients. The same id again is the
    same note."""

    id: Uuid
    sha256: Hash
    data: Annotated[Base64, Field(min_length=1, max_length=NOTE_SEALED_MAX_BYTES)]


class Accepted(WireModel):
    """Something was taken and there is nothing more to say."""

    accepted: bool = True


class SessionAsk(WireModel):
    """POST /api/sessions"""

    device: DeviceId
    ticket: Uuid | None


class SessionRoom(WireModel):
    """`join_token` is good for one connection to `path`, within 60 s."""

    room: RoomId
    join_token: JoinToken
    path: RelayPath


class SessionList(WireModel):
    sessions: tuple[SessionRow, ...]


# --- the audit log, for files ----------------------------------------------------------------------------


class WitnessLine(WireModel):
    """A device's newest cosignature: over the tree of the first `size` entries. It counts under `certificate` only.

    A witness that is offline has a smaller size than the exported checkpoint; its root follows from the entries.
    """

    device: DeviceId
    certificate: Chain
    size: Count
    line: str


class AuditExport(WireModel):
    """GET /api/audit/export: every leaf's exact bytes, and the checkpoint with its cosignature lines."""

    log_name: LogName
    log_key: PublicKey
    entries: tuple[Base64, ...]
    checkpoint: str
    witnesses: tuple[WitnessLine, ...]
