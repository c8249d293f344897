"""Every action there is. Adding one: its file here, its doing in agent/session/actions/, one line below."""

from types import MappingProxyType
from typing import Final

from protocol.actions.bundle import BUNDLE
from protocol.actions.chat import CHAT, CHAT_SAY
from protocol.actions.diagnose import DIAGNOSE
from protocol.actions.facts import FACTS
from protocol.actions.files import FILES_LIST, FILES_READ, FILES_WRITE
from protocol.actions.logs import LOGS, LOGS_FOLLOW
from protocol.actions.processes import PROCESSES
from protocol.actions.processes_end import PROCESSES_END
from protocol.actions.remedies import (
    REMEDIES_LIST,
    REMEDIES_PREVIEW,
    REMEDIES_RUN,
    REMEDIES_UNDO,
    REMEDIES_WATCH,
)
from protocol.actions.services import SERVICES
from protocol.actions.services_control import SERVICES_CONTROL
from protocol.actions.spec import ActionSpec
from protocol.actions.terminal import TERMINAL
from protocol.errors import RemoteProtocolError
from protocol.strict_json import WireModel, parse

_ALL: Final[tuple[ActionSpec, ...]] = (
    FILES_LIST,
    FILES_READ,
    FILES_WRITE,
    TERMINAL,
    DIAGNOSE,
    FACTS,
    PROCESSES,
    PROCESSES_END,
    SERVICES,
    SERVICES_CONTROL,
    LOGS,
    LOGS_FOLLOW,
    REMEDIES_LIST,
    REMEDIES_PREVIEW,
    REMEDIES_RUN,
    REMEDIES_WATCH,
    REMEDIES_UNDO,
    CHAT,
    CHAT_SAY,
    BUNDLE,
)

ACTIONS: Final = MappingProxyType({action.name: action for action in _ALL})

ARGUMENTS_MAX_BYTES: Final = 16_384


def find_action(name: str) -> ActionSpec:
    """The catalogue line of `name`; RemoteProtocolError when there is none: nothing else can be asked for."""
    if name not in ACTIONS:
        raise RemoteProtocolError("an unknown action", expected=f"one of {', '.join(ACTIONS)}", got=name)
    return ACTIONS[name]


def parse_arguments(action: ActionSpec, data: bytes) -> WireModel:
    """The typed arguments of `action` from their exact bytes (whose hash the technician signed)."""
    return parse(data, action.arguments, what=f"arguments of {action.name}", max_bytes=ARGUMENTS_MAX_BYTES)
