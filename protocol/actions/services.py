"""services: background services and their state."""

from typing import Literal

from protocol.actions.scopes import Scope
from protocol.actions.spec import ActionSpec
from protocol.strict_json import WireModel


class ServicesArguments(WireModel):
    state: Literal["all", "failed", "running"] = "all"


SERVICES = ActionSpec("services", Scope.SERVICES, ServicesArguments, "looked at the background services")
