"""logs: lines of the journal (on Windows: of the event log) or of a file of the log folders, redacted, newest last.

    {"source":"journal","unit":"cups.service","severity":"warning","since_s":7200,"until_s":3600,"text":"timeout"}
    {"source":"syslog","text":"oom"}

logs.follow: the same, and then new lines as they are written, until it is cancelled. There is no way to ask for lines
that are not redacted.

A log that was followed when the connection was lost is asked for again with `after`: the newest lines that came, each
by its mark, oldest first. The device gives what is behind the last of them; where it does not find them any more it
says so in a note, and gives what it has.
"""

from typing import Annotated, Any, Literal

from pydantic import Field

from protocol.actions.scopes import Scope
from protocol.actions.spec import MIB, ActionSpec
from protocol.errors import RemoteProtocolError
from protocol.fields import Hash, UnixSeconds, sha256
from protocol.strict_json import WireModel, check_json

#: Nothing older is given, however it is asked for.
SINCE_MAX_S = 30 * 86_400
#: So many equal lines in a row, and it is not known which of them was the last.
MARKS_MAX = 32


class LastLines(WireModel):
    """`since`: the time of the oldest of them, as the device told it; 0 where it told none."""

    marks: Annotated[tuple[Hash, ...], Field(min_length=1, max_length=MARKS_MAX)]
    since: UnixSeconds


class LogsArguments(WireModel):
    """`source`: `journal`, or a file as `logs` with `list=true` names it. `text` is matched plainly, no pattern.

    The range: from `since_s` ago to `until_s` ago (0: now).
    """

    source: Annotated[str, Field(min_length=1, max_length=255)] = "journal"
    list: bool = False
    unit: Annotated[str, Field(max_length=120, pattern=r"^[A-Za-z0-9@:._\\-]*$")] = ""
    severity: Literal["debug", "info", "warning", "error"] = "info"
    since_s: Annotated[int, Field(ge=1, le=SINCE_MAX_S)] = 3600
    until_s: Annotated[int, Field(ge=0, le=SINCE_MAX_S)] = 0
    text: Annotated[str, Field(max_length=200)] = ""
    lines: Annotated[int, Field(ge=1, le=5000)] = 200
    after: LastLines | None = None


def mark_of(kind: str, body: str) -> bytes:
    """What tells a line from others, at both ends. Of a file's line its text: its time may be that of a line before."""
    text = _fields(body).get("text", "") if kind == "text-line" else body
    return sha256(str(text).encode())


def time_of(body: str) -> int:
    """When a line was written; 0 where it does not say."""
    at = _fields(body).get("at_unix_s")
    return at if isinstance(at, int) and at > 0 else 0


def _fields(body: str) -> dict[str, Any]:
    """Of a row's body; none of one that is no object: whoever shows it finds that out."""
    try:
        fields = check_json(body.encode(), what="log line")
    except RemoteProtocolError:
        return {}
    return fields if isinstance(fields, dict) else {}


LOGS = ActionSpec("logs", Scope.LOGS, LogsArguments, "read system logs, with personal data replaced")
LOGS_FOLLOW = ActionSpec(
    "logs.follow",
    Scope.LOGS,
    LogsArguments,
    "read system logs as they are written, with personal data replaced",
    lasting=True,
    output_bytes=64 * MIB,
)
