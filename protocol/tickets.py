"""What a device and a technician say about a ticket, signed: the ticket itself, a message, a bundle's signature.

A prompt for a session needs a ticket in the agent's own store, signed by this device: what a server says about
tickets is never enough. The clear part of a ticket stays within the published list (messages/report.py); evidence
travels sealed, beside it.
"""

from enum import StrEnum
from typing import Annotated, ClassVar

from pydantic import Field

from protocol.certificates import Chain
from protocol.fields import CaseId, Count, DeviceId, Hash, Kebab, PublicKey, Serial, UnixSeconds, Uuid, Words
from protocol.limits import WORDS_MAX_CHARS
from protocol.statements import Envelope, Statement, StatementName
from protocol.strict_json import WireModel


class TicketOrigin(StrEnum):
    FINDING = "finding"
    CUSTOMER = "customer"
    TECHNICIAN = "technician"


class EvidenceRef(WireModel):
    """A sealed blob that travels beside the ticket."""

    id: Uuid
    sha256: Hash
    size_bytes: Count


class TicketStatement(Statement):
    """Signed by the device. Its clear part is within the published list; all else is in the sealed evidence."""

    statement_name: ClassVar[StatementName] = StatementName.TICKET

    ticket: Uuid
    case: CaseId
    device: DeviceId
    root: Hash
    origin: TicketOrigin
    opened_at: UnixSeconds
    finding: Kebab | None
    instance: Annotated[str, Field(pattern=r"^[0-9a-f]{16}$")] | None
    severity: Annotated[str, Field(pattern=r"^(info|warning|error|critical)$")] | None
    words: Annotated[Words, Field(max_length=WORDS_MAX_CHARS)]
    evidence: Annotated[tuple[EvidenceRef, ...], Field(max_length=16)]


class MessageStatement(Statement):
    """Words from a technician to a customer, with their verified author. `asks_evidence`: they ask for a bundle; what
    goes into it, and whether any goes, the customer decides."""

    statement_name: ClassVar[StatementName] = StatementName.MESSAGE

    root: Hash
    device: DeviceId
    ticket: Uuid
    serial: Serial
    sequence: Count
    text: Annotated[Words, Field(min_length=1, max_length=WORDS_MAX_CHARS)]
    issued_at: UnixSeconds
    asks_evidence: bool = False


class NoteStatement(Statement):
    """A technician's note on a ticket, for colleagues. It travels inside an age-sealed blob: no server reads it, and
    its author is known by the signature and not by who handed it in."""

    statement_name: ClassVar[StatementName] = StatementName.NOTE

    root: Hash
    ticket: Uuid
    serial: Serial
    text: Annotated[Words, Field(min_length=1, max_length=WORDS_MAX_CHARS)]
    issued_at: UnixSeconds


class SignedNote(WireModel):
    """What is sealed. `chain`: the author's certificate, to be judged at the time of writing."""

    chain: Chain
    note: Envelope


class BundleSignature(Statement):
    """The device signs the root of a bundle's file hashes; travels inside the sealed bundle."""

    statement_name: ClassVar[StatementName] = StatementName.BUNDLE_SIGNATURE

    device: DeviceId
    root: Hash
    bundle: Uuid
    files_root: Hash
    made_at: UnixSeconds


class BundleSeal(WireModel):
    """The bytes of `signature.json` in a bundle. `device`: its certificate, absent before the organisation approved it.

    Check: `device` under the root (when there), its signing key equals `device_key`, `signature` verifies as a
    BundleSignature of `device_key`, and names this bundle's id and the root of its manifest.
    """

    device: Chain | None
    device_key: PublicKey
    signature: Envelope
