"""Sign-in on the control link: challenge, login, welcome; and the two ways a link ends politely."""

from typing import Annotated, Literal

from pydantic import Field

from protocol.certificates import Chain
from protocol.fields import Bytes32
from protocol.statements import Envelope
from protocol.strict_json import WireModel

Versions = Annotated[dict[Annotated[str, Field(max_length=64)], Annotated[int, Field(ge=0)]], Field(max_length=32)]


class Challenge(WireModel):
    type: Literal["challenge"] = "challenge"
    nonce: Bytes32


class Login(WireModel):
    """`statement`: a device-login. The server knows the device's key from its enrolment request."""

    type: Literal["login"] = "login"
    statement: Envelope


class Welcome(WireModel):
    """`certificate`: this device's, once approved. `versions`: floor name → version the server holds."""

    type: Literal["welcome"] = "welcome"
    certificate: Chain | None
    versions: Versions
    checkpoint: Annotated[str, Field(max_length=65_536)] = ""


class Certified(WireModel):
    """The organisation approved this device while it was connected."""

    type: Literal["certified"] = "certified"
    certificate: Chain


class LoginRefused(WireModel):
    type: Literal["login-refused"] = "login-refused"
    reason: Annotated[str, Field(max_length=300)]


class Closing(WireModel):
    """`retry_after_s` is capped at 900 by the agent."""

    type: Literal["closing"] = "closing"
    reason: Annotated[str, Field(max_length=300)]
    retry_after_s: Annotated[int, Field(ge=0, le=86_400)] = 0


class Unsupported(WireModel):
    """The answer to a message type this side does not know; the link stays."""

    type: Literal["unsupported"] = "unsupported"
    named: Annotated[str, Field(max_length=64)]
