"""A visit's way in: the offer of a room. It proves nothing; everything is proven in the handshake."""

from typing import Annotated, Literal

from pydantic import Field

from protocol.fields import RoomId, Uuid
from protocol.strict_json import WireModel

JoinToken = Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{43}$")]


class SessionOffer(WireModel):
    """Sent to the agent when a technician asks. `join_token` is good for one connection to /relay/{room}."""

    type: Literal["session-offer"] = "session-offer"
    room: RoomId
    join_token: JoinToken
    ticket: Uuid | None


class OfferDeclined(WireModel):
    """The agent does not join: no such ticket in its own store, cool-down, frozen. The reason is one of a few words."""

    type: Literal["offer-declined"] = "offer-declined"
    room: RoomId
    reason: Literal["unknown-ticket", "cool-down", "busy", "stopped", "not-enrolled"]


class Join(WireModel):
    """First text message on the relay's WebSocket, within 5 s."""

    type: Literal["join"] = "join"
    token: JoinToken


class Paired(WireModel):
    """The relay's one text message: the other side is there, binary messages follow."""

    type: Literal["paired"] = "paired"
