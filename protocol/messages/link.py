"""Parsing what arrives on the control link: a known message, or the name of an unknown type.

Each message is one JSON text; `type` decides. Unknown types are answered `unsupported` and the link stays; a known
type with a wrong shape is the other side's error.
"""

from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from protocol import strict_json
from protocol.errors import RemoteProtocolError
from protocol.limits import CONTROL_MESSAGE_MAX_BYTES
from protocol.messages.codes import CodeAnswer, CodeTyped
from protocol.messages.desk import CustomerText, DeskText, SignedMessage, TicketUpdate, TicketVerdict
from protocol.messages.documents import (
    Cosigned,
    DocumentPart,
    Documents,
    FetchCheckpoint,
    FetchDocumentPart,
    FetchDocuments,
    LargeDocuments,
    NewCheckpoint,
)
from protocol.messages.items import (
    AuditItem,
    Heartbeat,
    Refused,
    ReportItem,
    SealedItem,
    Stored,
    TicketItem,
    TicketOutcomeItem,
)
from protocol.messages.login import Certified, Challenge, Closing, Login, LoginRefused, Unsupported, Welcome
from protocol.messages.sessions import OfferDeclined, SessionOffer
from protocol.messages.symptoms import SymptomAnswer, Symptoms
from protocol.messages.uploads import UploadGranted, UploadRefused, UploadRequest
from protocol.strict_json import WireModel

Item = ReportItem | TicketItem | SealedItem | AuditItem | TicketOutcomeItem | CustomerText | TicketVerdict
AgentMessage = (
    Login
    | Heartbeat
    | Item
    | FetchDocuments
    | FetchDocumentPart
    | FetchCheckpoint
    | Cosigned
    | OfferDeclined
    | CodeTyped
    | UploadRequest
    | Symptoms
    | Unsupported
)
ServerMessage = (
    Challenge
    | Welcome
    | Certified
    | LoginRefused
    | Stored
    | Refused
    | Documents
    | LargeDocuments
    | DocumentPart
    | NewCheckpoint
    | SessionOffer
    | CodeAnswer
    | UploadGranted
    | UploadRefused
    | SymptomAnswer
    | TicketUpdate
    | DeskText
    | SignedMessage
    | Closing
    | Unsupported
)


@dataclass(frozen=True)
class UnknownMessage:
    """Well-formed JSON of a type this version does not know."""

    named: str


def _by_type(*models: type[WireModel]) -> MappingProxyType[str, type[WireModel]]:
    return MappingProxyType({model.model_fields["type"].default: model for model in models})


FROM_AGENT: Final = _by_type(
    Login,
    Heartbeat,
    ReportItem,
    TicketItem,
    SealedItem,
    AuditItem,
    TicketOutcomeItem,
    CustomerText,
    TicketVerdict,
    FetchDocuments,
    FetchDocumentPart,
    FetchCheckpoint,
    Cosigned,
    OfferDeclined,
    CodeTyped,
    UploadRequest,
    Symptoms,
    Unsupported,
)
FROM_SERVER: Final = _by_type(
    Challenge,
    Welcome,
    Certified,
    LoginRefused,
    Stored,
    Refused,
    Documents,
    LargeDocuments,
    DocumentPart,
    NewCheckpoint,
    SessionOffer,
    CodeAnswer,
    UploadGranted,
    UploadRefused,
    SymptomAnswer,
    TicketUpdate,
    DeskText,
    SignedMessage,
    Closing,
    Unsupported,
)
ITEM_TYPES: Final = (ReportItem, TicketItem, SealedItem, AuditItem, TicketOutcomeItem, CustomerText, TicketVerdict)


def parse_from_agent(text: str | bytes) -> WireModel | UnknownMessage:
    """One of `AgentMessage`, or UnknownMessage; RemoteProtocolError for anything malformed."""
    return _parse(text, FROM_AGENT)


def parse_from_server(text: str | bytes) -> WireModel | UnknownMessage:
    """One of `ServerMessage`, or UnknownMessage; RemoteProtocolError for anything malformed."""
    return _parse(text, FROM_SERVER)


def parse_item(data: bytes) -> WireModel:
    """An item as the outbox keeps it."""
    parsed = _parse(data, FROM_AGENT)
    if not isinstance(parsed, ITEM_TYPES):
        raise RemoteProtocolError("not an item", expected="an item of the outbox", got=type(parsed).__name__)
    return parsed


def _parse(text: str | bytes, models: MappingProxyType[str, type[WireModel]]) -> WireModel | UnknownMessage:
    data = text.encode("utf-8", "surrogatepass") if isinstance(text, str) else text
    value = strict_json.check_json(data, what="message", max_bytes=CONTROL_MESSAGE_MAX_BYTES)
    named = value.get("type") if isinstance(value, dict) else None
    if not isinstance(named, str):
        raise RemoteProtocolError("a message without a type", expected='{"type": …}', got=type(value).__name__)
    model = models.get(named)
    if model is None:
        return UnknownMessage(named[:64])
    return strict_json.parse(data, model, what=f"message {named}", max_bytes=CONTROL_MESSAGE_MAX_BYTES)
