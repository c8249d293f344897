"""processes: the running programs with what they use, as a table; command lines are redacted."""

from typing import Annotated, Literal

from pydantic import Field

from protocol.actions.scopes import Scope
from protocol.actions.spec import ActionSpec
from protocol.strict_json import WireModel


class ProcessesArguments(WireModel):
    sort: Literal["cpu", "memory", "age"] = "cpu"
    limit: Annotated[int, Field(ge=1, le=2000)] = 50


PROCESSES = ActionSpec("processes", Scope.PROCESSES, ProcessesArguments, "looked at the running programs")
