"""services: background services and their state; with `name`, one of them with its last log lines."""

from enum import StrEnum
from typing import Annotated, Literal

from pydantic import Field

from protocol.actions.scopes import Scope
from protocol.actions.spec import ActionSpec
from protocol.strict_json import WireModel

#: systemd.unit(5), without what could be an option; other supervisors' names fit as well.
UnitName = Annotated[str, Field(max_length=200, pattern=r"^[A-Za-z0-9@:._\\][A-Za-z0-9@:._\\-]*$")]


class Supervisor(StrEnum):
    SYSTEM = "system"
    USER = "user"  # the services of the person at the machine (`systemctl --user`)


class ServicesArguments(WireModel):
    """`name` empty: all that are in `state`. `lines`: of the log of the one that is named."""

    state: Literal["all", "failed", "running"] = "all"
    supervisor: Supervisor = Supervisor.SYSTEM
    name: UnitName | Literal[""] = ""
    lines: Annotated[int, Field(ge=0, le=500)] = 20


SERVICES = ActionSpec("services", Scope.SERVICES, ServicesArguments, "looked at the background services")
