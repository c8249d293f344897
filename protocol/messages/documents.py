"""Documents an organisation publishes, fetched by version; and the log's checkpoints with their witnesses."""

from typing import Annotated, Literal

from pydantic import Field

from protocol.certificates import Document
from protocol.fields import Count, Hash
from protocol.messages.login import Versions
from protocol.statements import Envelope
from protocol.strict_json import WireModel

Note = Annotated[str, Field(max_length=65_536)]


class FetchDocuments(WireModel):
    """What the agent has; the server answers with what is newer."""

    type: Literal["fetch-documents"] = "fetch-documents"
    have: Versions


class Documents(WireModel):
    """At most what fits the link's message limit; `more` says to fetch again. `rotations` first, in sequence."""

    type: Literal["documents"] = "documents"
    documents: Annotated[tuple[Document, ...], Field(max_length=16)]
    rotations: Annotated[tuple[Envelope, ...], Field(max_length=16)] = ()
    more: bool = False


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
