"""Documents an organisation publishes, fetched by version; and the log's checkpoints with their witnesses.

    agent                                             server
    fetch-documents {have, root} ───────────────────► documents {rotations, documents, more}
                                 ◄─────────────────── large-documents {name, version, sha256, size}  what is too large
    fetch-document-part {sha256, offset} ───────────► document-part {sha256, offset, data}            until it is whole

A part proves nothing: the whole is held against its hash, and then against the organisation's signature like any other.
"""

from typing import Annotated, Literal

from pydantic import Field

from protocol.certificates import Document
from protocol.fields import Base64, Count, Hash, Version
from protocol.limits import DOCUMENT_MAX_BYTES, DOCUMENT_PART_BYTES
from protocol.messages.login import Versions
from protocol.statements import Envelope
from protocol.strict_json import WireModel

Note = Annotated[str, Field(max_length=65_536)]


class FetchDocuments(WireModel):
    """What the agent has, and the root it has pinned now; the server answers with what is newer."""

    type: Literal["fetch-documents"] = "fetch-documents"
    have: Versions
    root: Hash | None = None


class Documents(WireModel):
    """At most what fits the link's message limit; `more` says to fetch again. `rotations` first, in sequence."""

    type: Literal["documents"] = "documents"
    documents: Annotated[tuple[Document, ...], Field(max_length=16)]
    rotations: Annotated[tuple[Envelope, ...], Field(max_length=16)] = ()
    more: bool = False


class LargeDocument(WireModel):
    """One that fits no message: the SHA-256 and size of its JSON, to be fetched in parts."""

    name: Annotated[str, Field(max_length=64)]
    version: Version
    sha256: Hash
    size_bytes: Annotated[int, Field(ge=1, le=DOCUMENT_MAX_BYTES)]


class LargeDocuments(WireModel):
    type: Literal["large-documents"] = "large-documents"
    documents: Annotated[tuple[LargeDocument, ...], Field(min_length=1, max_length=16)]


class FetchDocumentPart(WireModel):
    type: Literal["fetch-document-part"] = "fetch-document-part"
    sha256: Hash
    offset: Annotated[int, Field(ge=0, le=DOCUMENT_MAX_BYTES)]


class DocumentPart(WireModel):
    """The bytes from `offset` on; none when the server no longer holds that document."""

    type: Literal["document-part"] = "document-part"
    sha256: Hash
    offset: Annotated[int, Field(ge=0, le=DOCUMENT_MAX_BYTES)]
    data: Annotated[Base64, Field(max_length=DOCUMENT_PART_BYTES)]


class FetchCheckpoint(WireModel):
    """Ask for the newest checkpoint and the proof that it extends the tree of `size` that this device remembers."""

    type: Literal["fetch-checkpoint"] = "fetch-checkpoint"
    size: Count


class NewCheckpoint(WireModel):
    type: Literal["checkpoint"] = "checkpoint"
    note: Note
    from_size: Count
    consistency: Annotated[tuple[Hash, ...], Field(max_length=64)]


class Cosigned(WireModel):
    """One signature line of the device's witness over the note of `size`."""

    type: Literal["cosigned"] = "cosigned"
    size: Count
    line: Annotated[str, Field(max_length=400)]
