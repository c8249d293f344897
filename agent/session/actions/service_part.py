"""Every action's service part, by its name. Those that are not listed have none: all of them runs in the host."""

from types import MappingProxyType
from typing import Final

from agent.session.actions.bundle import serve_bundle
from agent.session.actions.chat import serve_chat, serve_chat_say
from agent.session.actions.kept_knowledge import serve_diagnose, serve_facts
from agent.session.actions.processes_end import serve_processes_end
from agent.session.actions.remedies import (
    serve_remedies_list,
    serve_remedies_preview,
    serve_remedies_run,
    serve_remedies_undo,
    serve_remedies_watch,
)
from agent.session.actions.service_bench import Serving
from agent.session.actions.services_control import serve_services_control

SERVING: Final[MappingProxyType[str, Serving]] = MappingProxyType(
    {
        "bundle": serve_bundle,
        "chat": serve_chat,
        "chat.say": serve_chat_say,
        "diagnose": serve_diagnose,
        "facts": serve_facts,
        "processes.end": serve_processes_end,
        "remedies.list": serve_remedies_list,
        "remedies.preview": serve_remedies_preview,
        "remedies.run": serve_remedies_run,
        "remedies.undo": serve_remedies_undo,
        "remedies.watch": serve_remedies_watch,
        "services.control": serve_services_control,
    }
)

#: The others are over with their service part: what people write to each other goes out as it is.
HOST_FOLLOWS: Final = frozenset(SERVING) - {"chat", "chat.say"}
