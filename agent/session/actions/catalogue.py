"""Every action's doing, by its name in protocol/actions. A test holds the two catalogues against each other."""

from types import MappingProxyType
from typing import Final

from agent.session.actions.diagnose import do_diagnose
from agent.session.actions.logs import do_logs
from agent.session.actions.processes import do_processes
from agent.session.actions.services import do_services
from agent.session.actions.workbench import Doing

DOING: Final[MappingProxyType[str, Doing]] = MappingProxyType(
    {
        "diagnose": do_diagnose,
        "processes": do_processes,
        "services": do_services,
        "logs": do_logs,
    }
)
