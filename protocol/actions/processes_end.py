"""processes.end: end one program: TERM, a grace, then KILL. Named by number and start, so that a reused number is safe.

{"pid":4711,"started_ms":812340,"grace_s":5}      both from a row of `processes`
"""

from typing import Annotated

from pydantic import Field

from protocol.actions.scopes import Scope
from protocol.actions.spec import ActionSpec
from protocol.strict_json import WireModel


class ProcessesEndArguments(WireModel):
    """`started_ms`: after boot, as `processes` told it. `grace_s`: from TERM to KILL; 0 means KILL at once."""

    pid: Annotated[int, Field(ge=2, le=1 << 31)]
    started_ms: Annotated[int, Field(ge=0, le=1 << 53)]
    grace_s: Annotated[int, Field(ge=0, le=30)] = 5


PROCESSES_END = ActionSpec(
    "processes.end", Scope.PROCESSES_END, ProcessesEndArguments, "ended a running program", changes=True
)
