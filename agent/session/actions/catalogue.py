"""Every action's doing in the session host, by its name in protocol/actions. What the service does: service_part.py.

A test holds the catalogues against each other.
"""

from types import MappingProxyType
from typing import Final

from agent.session.actions.diagnose import do_diagnose
from agent.session.actions.facts import do_facts
from agent.session.actions.files_read import do_files_list, do_files_read
from agent.session.actions.files_write import do_files_write
from agent.session.actions.logs import do_logs, do_logs_follow
from agent.session.actions.processes import do_processes
from agent.session.actions.services import do_services
from agent.session.actions.terminal import do_terminal
from agent.session.actions.told import do_told
from agent.session.actions.workbench import Doing

DOING: Final[MappingProxyType[str, Doing]] = MappingProxyType(
    {
        "bundle": do_told,
        "diagnose": do_diagnose,
        "files.list": do_files_list,
        "files.read": do_files_read,
        "files.write": do_files_write,
        "terminal": do_terminal,
        "facts": do_facts,
        "logs": do_logs,
        "logs.follow": do_logs_follow,
        "processes": do_processes,
        "processes.end": do_told,
        "remedies.list": do_told,
        "remedies.preview": do_told,
        "remedies.run": do_told,
        "remedies.undo": do_told,
        "remedies.watch": do_told,
        "services": do_services,
        "services.control": do_told,
    }
)
