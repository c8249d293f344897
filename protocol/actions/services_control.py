"""services.control: start, stop or restart one background service. Never the agent's own.

{"name":"cups.service","act":"restart","supervisor":"system"}
"""

from typing import Literal

from protocol.actions.scopes import Scope
from protocol.actions.services import Supervisor, UnitName
from protocol.actions.spec import ActionSpec
from protocol.strict_json import WireModel


class ServicesControlArguments(WireModel):
    name: UnitName
    act: Literal["start", "stop", "restart"]
    supervisor: Supervisor = Supervisor.SYSTEM


SERVICES_CONTROL = ActionSpec(
    "services.control",
    Scope.SERVICES_CONTROL,
    ServicesControlArguments,
    "started, stopped or restarted a background service",
    changes=True,
)
