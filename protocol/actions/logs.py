"""logs: lines of the journal or of a file under the allowed log folders, redacted, newest last."""

from typing import Annotated, Literal

from pydantic import Field

from protocol.actions.scopes import Scope
from protocol.actions.spec import ActionSpec
from protocol.strict_json import WireModel


class LogsArguments(WireModel):
    """`source`: `journal`, or a file as `logs` with `list=true` names it. `text` is matched plainly, no pattern."""

    source: Annotated[str, Field(min_length=1, max_length=255)] = "journal"
    list: bool = False
    unit: Annotated[str, Field(max_length=120, pattern=r"^[A-Za-z0-9@:._\\-]*$")] = ""
    severity: Literal["debug", "info", "warning", "error"] = "info"
    since_s: Annotated[int, Field(ge=1, le=30 * 86_400)] = 3600
    text: Annotated[str, Field(max_length=200)] = ""
    lines: Annotated[int, Field(ge=1, le=5000)] = 200


LOGS = ActionSpec("logs", Scope.LOGS, LogsArguments, "read system logs, with personal data replaced")
