"""What the server's log holds: exact bytes of one `AuditLeaf` for each entry, and nothing that names a person.

A device (or the server, for its own acts) says an `AuditEntry`; the server wraps it into a leaf with its own time and
appends it; the answer `stored` carries the leaf and an inclusion proof, and the device checks that the leaf holds
exactly its entry. Arguments and persons appear as salted commitments; their values live elsewhere and can be erased:
an entry of its own then names the commitment whose value is gone, and every proof holds as before.
The fields here are part of the published list: a server reads them.
"""

from enum import StrEnum
from typing import Annotated

from pydantic import Field

from protocol import strict_json
from protocol.actions.scopes import Scope
from protocol.errors import RemoteProtocolError
from protocol.fields import Base64, Count, DeviceId, DottedName, Hash, UnixSeconds, sha256
from protocol.journal import Outcome
from protocol.merkle import leaf_hash, verify_inclusion
from protocol.strict_json import WireModel


class AuditWord(StrEnum):
    SESSION_OFFERED = "session-offered"
    SESSION_STARTED = "session-started"
    ACTION_STARTED = "action-started"
    ACTION_ENDED = "action-ended"
    ACTION_REFUSED = "action-refused"
    GRANT_CHANGED = "grant-changed"
    SESSION_ENDED = "session-ended"
    RECEIPT_MADE = "receipt-made"
    REMEDY_STARTED = "remedy-started"
    REMEDY_ENDED = "remedy-ended"
    DEVICE_ENROLLED = "device-enrolled"
    DOCUMENT_PUBLISHED = "document-published"
    SIGN_IN = "sign-in"
    ACCOUNT_CHANGE = "account-change"  # an admin asks to change who may sign in to the console, and as what
    ARTICLE_PUBLISHED = "article-published"  # `subject`: hash of its address and texts
    ARTICLE_WITHDRAWN = "article-withdrawn"
    VALUE_ERASED = "value-erased"  # `commitment`: the one whose value and salt are kept no longer


class AuditEntry(WireModel):
    """One line as its author says it. `author`: a device id, `server`, or `organisation`."""

    word: AuditWord
    author: Annotated[str, Field(pattern=r"^(d-[a-z2-7]{26}|server|organisation)$")]
    at: UnixSeconds
    device: DeviceId | None = None
    session: Hash | None = None  # the grant's hash
    sequence: Count = 0
    action: DottedName | None = None
    scopes: Annotated[tuple[Scope, ...], Field(max_length=32)] = ()
    risk: Annotated[int, Field(ge=0, le=3)] = 0
    outcome: Outcome | None = None
    commitment: Hash | None = None
    subject: Hash | None = None  # hash of a document or receipt


class AuditLeaf(WireModel):
    """The exact bytes in the log. `received_at`: the server's clock; order is by index, never by time."""

    received_at: UnixSeconds
    entry: AuditEntry

    def to_bytes(self) -> bytes:
        return strict_json.dump(self)


class CommittedValue(WireModel):
    """What stands behind a commitment in the log, as long as it is kept."""

    commitment: Hash
    salt: Hash
    value: Annotated[str, Field(max_length=1000)]

    @property
    def fits(self) -> bool:
        return self.commitment == value_commitment(self.salt, self.value)


class CommittedValues(WireModel):
    """`values.json`: what an operator gives an auditor beside the log."""

    values: tuple[CommittedValue, ...]


def value_commitment(salt: bytes, value: str) -> bytes:
    """What stands in the log for `value`. Without the salt it says nothing, also not to who guesses."""
    return sha256(b"bellpull audit commitment v1\0", salt, value.encode())


class InclusionProof(WireModel):
    """Proof that `leaf` stands at `index` in the tree of `checkpoint` (a signed note)."""

    leaf: Base64
    index: Count
    path: Annotated[tuple[Hash, ...], Field(max_length=64)]
    checkpoint: Annotated[str, Field(max_length=65_536)]


def check_inclusion(proof: InclusionProof, entry: AuditEntry, size: int, root: bytes) -> AuditLeaf:
    """The leaf, once it is proven to hold exactly `entry` within the tree (size, root) of a verified checkpoint."""
    leaf = strict_json.parse(proof.leaf, AuditLeaf, what="audit leaf")
    if leaf.entry != entry:
        raise RemoteProtocolError(
            "the log holds another entry than the one sent",
            expected=entry.word.value,
            got=leaf.entry.word.value,
        )
    verify_inclusion(leaf_hash(proof.leaf), proof.index, size, list(proof.path), root)
    return leaf
