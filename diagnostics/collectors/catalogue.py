"""Every observation collector there is. Adding one: its file, its test, its line here.

Evidence for bundles has its own list in `evidence.py`.
"""

from __future__ import annotations

from diagnostics.collectors.agent_self import AGENT_SELF
from diagnostics.collectors.config_files import CONFIG_FILES
from diagnostics.collectors.contract import Collector
from diagnostics.collectors.dns import DNS
from diagnostics.collectors.filesystems import FILESYSTEMS
from diagnostics.collectors.kernel_log import KERNEL_LOG
from diagnostics.collectors.memory import LOAD, MEMORY, MEMORY_PRESSURE
from diagnostics.collectors.network import NETWORK
from diagnostics.collectors.package_log import PACKAGE_LOG
from diagnostics.collectors.places import JOURNAL_SIZE, TEMPORARY, USER_CACHE
from diagnostics.collectors.processes import PROCESSES
from diagnostics.collectors.services import SERVICES
from diagnostics.collectors.startup_items import STARTUP_ITEMS
from diagnostics.collectors.system import HARDWARE, OPERATING_SYSTEM, PACKAGES

COLLECTORS: tuple[Collector[object], ...] = (
    FILESYSTEMS,
    MEMORY,
    MEMORY_PRESSURE,
    LOAD,
    PROCESSES,
    SERVICES,
    KERNEL_LOG,
    DNS,
    NETWORK,
    OPERATING_SYSTEM,
    HARDWARE,
    PACKAGES,
    PACKAGE_LOG,
    CONFIG_FILES,
    STARTUP_ITEMS,
    USER_CACHE,
    TEMPORARY,
    JOURNAL_SIZE,
    AGENT_SELF,
)
