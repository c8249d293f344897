"""A visit that the customer begins: a technician reads out a code, the customer types it. It proves nothing.

    technician ── POST /api/codes ─► server: 9 digits, for ten minutes, for this technician's customers
    technician   reads the digits out on the telephone
    customer   types them ─► agent ── code-typed {code, ticket} ─► server ── code-answer {found} ─► agent
    technician ── GET /api/codes/… ─► {device, ticket} ── and asks for a session like any other

All a code does is to tell a technician's program which device and which of its tickets is meant, and to tell the
agent that somebody here has just acted. Certificate, handshake, phrase and question are the same as ever.
9 digits are 29.9 bits: guessing is held back by how often a device, and all of them together, may try.
"""

from enum import StrEnum
from typing import Annotated, Final, Literal

from pydantic import Field

from protocol.fields import Count, DeviceId, Uuid
from protocol.strict_json import WireModel

CODE_DIGITS: Final = 9
#: As long as a local act counts as fresh: the code is typed while both are on the telephone.
CODE_S: Final = 600

VisitCode = Annotated[str, Field(pattern=r"^[0-9]{9}$")]


class CodeTyped(WireModel):
    """From the agent. `ticket`: one of this device's own, which it has opened or chosen for this."""

    type: Literal["code-typed"] = "code-typed"
    code: VisitCode
    ticket: Uuid


class CodeAnswer(WireModel):
    """`retry_after_s`: too many wrong codes; nothing was looked up."""

    type: Literal["code-answer"] = "code-answer"
    code: VisitCode
    found: bool
    retry_after_s: Count = 0


class CodeMade(WireModel):
    """POST /api/codes → this."""

    code: VisitCode
    expires_in_s: Count


class CodeState(StrEnum):
    WAITING = "waiting"
    TYPED = "typed"


class CodeTold(WireModel):
    """GET /api/codes/{code} → this; 404 once it is over, and for anybody else's code."""

    state: CodeState
    expires_in_s: Count
    device: DeviceId | None = None
    ticket: Uuid | None = None


def spoken(code: str) -> str:
    """`123 456 789`: as it is read out."""
    return " ".join(code[at : at + 3] for at in range(0, CODE_DIGITS, 3))
