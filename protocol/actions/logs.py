"""logs: lines of the journal (on Windows: of the event log) or of a file of the log folders, redacted, newest last.

    {"source":"journal","unit":"cups.service","severity":"warning","since_s":7200,"until_s":3600,"text":"timeout"}
    {"source":"syslog","text":"oom"}

logs.follow: the same, and then new lines as they are written, until it is cancelled. There is no way to ask for lines
that are not redacted.
"""

from typing import Annotated, Literal

from pydantic import Field

from protocol.actions.scopes import Scope
from protocol.actions.spec import MIB, ActionSpec
from protocol.strict_json import WireModel


class LogsArguments(WireModel):
    """`source`: `journal`, or a file as `logs` with `list=true` names it. `text` is matched plainly, no pattern.

    The range: from `since_s` ago to `until_s` ago (0: now).
    """

    source: Annotated[str, Field(min_length=1, max_length=255)] = "journal"
    list: bool = False
    unit: Annotated[str, Field(max_length=120, pattern=r"^[A-Za-z0-9@:._\\-]*$")] = ""
    severity: Literal["debug", "info", "warning", "error"] = "info"
    since_s: Annotated[int, Field(ge=1, le=30 * 86_400)] = 3600
    until_s: Annotated[int, Field(ge=0, le=30 * 86_400)] = 0
    text: Annotated[str, Field(max_length=200)] = ""
    lines: Annotated[int, Field(ge=1, le=5000)] = 200


LOGS = ActionSpec("logs", Scope.LOGS, LogsArguments, "read system logs, with personal data replaced")
LOGS_FOLLOW = ActionSpec(
    "logs.follow",
    Scope.LOGS,
    LogsArguments,
    "read system logs as they are written, with personal data replaced",
    lasting=True,
    output_bytes=64 * MIB,
)
