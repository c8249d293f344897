"""Every tab of a visit, in the order they stand. Adding one: its file, its template, one line below."""

from types import MappingProxyType
from typing import Final

from technician.workbench.tabs.bundle import BUNDLE
from technician.workbench.tabs.chat import CHAT
from technician.workbench.tabs.checks import CHECKS
from technician.workbench.tabs.facts import FACTS
from technician.workbench.tabs.files import FILES
from technician.workbench.tabs.logs import LOGS
from technician.workbench.tabs.notes import NOTES
from technician.workbench.tabs.processes import PROCESSES
from technician.workbench.tabs.remedies import REMEDIES
from technician.workbench.tabs.services import SERVICES
from technician.workbench.tabs.spec import Tab
from technician.workbench.tabs.terminal import TERMINAL
from technician.workbench.tabs.transcript import TRANSCRIPT

_ALL: Final[tuple[Tab, ...]] = (
    CHECKS,
    FACTS,
    PROCESSES,
    SERVICES,
    LOGS,
    FILES,
    TERMINAL,
    REMEDIES,
    CHAT,
    NOTES,
    BUNDLE,
    TRANSCRIPT,
)

TABS: Final = MappingProxyType({tab.key: tab for tab in _ALL})
FIRST: Final = _ALL[0]
