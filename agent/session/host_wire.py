"""What service and session host say to each other over the host's stdin and stdout: one JSON object a line.

    service ─► host   {"say":"begin","secret":"…base64…","parent":4711}  once, no other secret
                      {"say":"run","sequence":1,"action":"processes","arguments":"…base64…","now":1800000000}
                      {"say":"cancel","sequence":1}
    host ─► service   {"say":"ready"}
                      {"say":"row","sequence":1,"kind":"process","body":"{…}"}
                      {"say":"end","sequence":1,"outcome":"done","detail":""}

The host gets no key, no certificate, no socket and no path of the agent's state: only actions that the service has
already authorised and booked, and the secret under which names become pseudonyms (the same as in bundles). The
service believes nothing a host says beyond these three lines, within the limits below.
"""

from typing import Annotated, Final, Literal

from pydantic import Field

from protocol.actions.catalogue import ARGUMENTS_MAX_BYTES
from protocol.fields import Base64, DottedName, Kebab, UnixSeconds
from protocol.journal import Outcome
from protocol.strict_json import WireModel

#: Each action: wall clock, memory of everything it started, bytes of rows.
ACTION_TIMEOUT_S: Final = 60.0
ACTION_MEMORY_BYTES: Final = 256 * 1024 * 1024
ACTION_OUTPUT_BYTES: Final = 8 * 1024 * 1024
#: One line: a row's body of 60 000 characters, escaped.
LINE_MAX_BYTES: Final = 512 * 1024

Sequence = Annotated[int, Field(ge=1, le=1 << 31)]


class Begin(WireModel):
    """`parent`: the service's process; the host ends when it is gone."""

    say: Literal["begin"] = "begin"
    secret: Base64
    parent: int


class RunAction(WireModel):
    say: Literal["run"] = "run"
    sequence: Sequence
    action: DottedName
    arguments: Annotated[Base64, Field(max_length=ARGUMENTS_MAX_BYTES)]
    now: UnixSeconds


class CancelAction(WireModel):
    say: Literal["cancel"] = "cancel"
    sequence: Sequence


class Ready(WireModel):
    say: Literal["ready"] = "ready"


class Row(WireModel):
    say: Literal["row"] = "row"
    sequence: Sequence
    kind: Kebab
    body: Annotated[str, Field(max_length=60_000)]


class End(WireModel):
    say: Literal["end"] = "end"
    sequence: Sequence
    outcome: Outcome
    detail: Annotated[str, Field(max_length=300)] = ""
