"""What service and session host say to each other over the host's stdin and stdout: one JSON object a line.

    service ─► host   {"say":"begin","secret":"…base64…","parent":4711,"keep_out":"/home/anna/…","pipes":7,…}  once
                      {"say":"told","sequence":1,"rows":[{"kind":"history","body":"{…}"}],"failed":""}
                      {"say":"run","sequence":1,"action":"processes","arguments":"…base64…","now":1800000000}
                      {"say":"cancel","sequence":1}
    host ─► service   {"say":"ready","confined":true}
                      {"say":"row","sequence":1,"kind":"process","body":"{…}"}
                      {"say":"end","sequence":1,"outcome":"done","detail":""}

`told` brings what the service itself knows or has done for an action, raw, before its `run`: the action's host part
works with it, and all that goes out is redacted.

The host gets no key, no certificate and no way out: only actions that the service has already authorised and booked,
the secret under which names become pseudonyms (the same as in bundles), the folder that it must not be able to read
(confinement.py), and what the owner of the machine allows a session. The service believes nothing a host says beyond
these three lines, within the limits of each action's line in the catalogue.

`pipes`: number of an open UNIX socket of packets. For each action that streams, one packet comes with the action's end
of its own pipe, before the request: `1` + descriptor. What goes over that pipe is not the host's business.
"""

from typing import Annotated, Final, Literal

from pydantic import Field

from protocol.actions.catalogue import ARGUMENTS_MAX_BYTES
from protocol.fields import Base64, DottedName, Kebab, UnixSeconds
from protocol.journal import Outcome
from protocol.strict_json import WireModel

#: In the environment of the host and of all it starts: whoever was orphaned by a killed host is found by it.
MARK: Final = "BELLPULL_SESSION_HOST"
#: One line: a row's body of 60 000 characters, escaped.
LINE_MAX_BYTES: Final = 512 * 1024
#: Rows of one `told` line together, before escaping.
TOLD_MAX_CHARS: Final = 64 * 1024

Sequence = Annotated[int, Field(ge=1, le=1 << 31)]


class SessionSettings(WireModel):
    """What the owner of this machine allows: `folders` for files (real paths); `terminal`. `person`: as whom, where the
    service is root. `keep_out`: the agent's own folder, entered by nobody."""

    folders: tuple[str, ...] = ()
    terminal: bool = False
    person: str | None = None
    keep_out: str | None = None


class Begin(WireModel):
    """`parent`: the service's process; the host ends when it is gone. `keep_out`: the agent's state folder."""

    say: Literal["begin"] = "begin"
    secret: Base64
    parent: int
    keep_out: str | None = None
    pipes: int | None = None
    settings: SessionSettings = SessionSettings()


class RunAction(WireModel):
    say: Literal["run"] = "run"
    sequence: Sequence
    action: DottedName
    arguments: Annotated[Base64, Field(max_length=ARGUMENTS_MAX_BYTES)]
    now: UnixSeconds


class ToldRow(WireModel):
    kind: Kebab
    body: str  # JSON text


class Told(WireModel):
    """Several may come for one action. `failed`: the service's part has failed, and why."""

    say: Literal["told"] = "told"
    sequence: Sequence
    rows: tuple[ToldRow, ...] = ()
    failed: str = ""


class CancelAction(WireModel):
    say: Literal["cancel"] = "cancel"
    sequence: Sequence


class Ready(WireModel):
    """`confined`: nothing below the host can read or write the agent's state; each action may touch only its own."""

    say: Literal["ready"] = "ready"
    confined: bool = False


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
