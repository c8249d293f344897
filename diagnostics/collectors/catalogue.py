"""Every observation collector there is. Adding one: its file, its test, its line here.

Evidence for bundles has its own list in `evidence.py`.
"""

from __future__ import annotations

from diagnostics.collectors.agent_self import AGENT_SELF
from diagnostics.collectors.antivirus import ANTIVIRUS
from diagnostics.collectors.backups import BACKUPS
from diagnostics.collectors.boots import BOOTS
from diagnostics.collectors.certificates import CERTIFICATES
from diagnostics.collectors.clock_sync import CLOCK_SYNC
from diagnostics.collectors.config_files import CONFIG_FILES
from diagnostics.collectors.contract import Collector
from diagnostics.collectors.crashes import CRASHES
from diagnostics.collectors.disk_activity import DISK_ACTIVITY, IO_PRESSURE
from diagnostics.collectors.disk_health import DISK_HEALTH
from diagnostics.collectors.dns import DNS
from diagnostics.collectors.filesystems import FILESYSTEMS
from diagnostics.collectors.folder_sizes import FOLDER_SIZES
from diagnostics.collectors.fstab import FSTAB
from diagnostics.collectors.gateway_echo import GATEWAY_ECHO
from diagnostics.collectors.kernel_log import KERNEL_LOG
from diagnostics.collectors.listeners import LISTENERS
from diagnostics.collectors.log_errors import LOG_ERRORS
from diagnostics.collectors.log_messages import LOG_MESSAGES
from diagnostics.collectors.memory import LOAD, MEMORY, MEMORY_PRESSURE
from diagnostics.collectors.network import NETWORK
from diagnostics.collectors.open_files import OPEN_FILES
from diagnostics.collectors.package_log import PACKAGE_LOG
from diagnostics.collectors.places import JOURNAL_SIZE, TEMPORARY, USER_CACHE
from diagnostics.collectors.portal import PORTAL
from diagnostics.collectors.printers import PRINTERS
from diagnostics.collectors.processes import PROCESSES
from diagnostics.collectors.protection import PROTECTION
from diagnostics.collectors.proxies import PROXIES
from diagnostics.collectors.restart_needed import RESTART_NEEDED
from diagnostics.collectors.sensors import BATTERIES, TEMPERATURES, THROTTLING
from diagnostics.collectors.services import SERVICES
from diagnostics.collectors.sockets import NEIGHBOURS, SOCKETS, TCP_COUNTERS
from diagnostics.collectors.start_time import START_TIME
from diagnostics.collectors.startup_items import STARTUP_ITEMS
from diagnostics.collectors.system import HARDWARE, OPERATING_SYSTEM, PACKAGES
from diagnostics.collectors.timers import TIMERS
from diagnostics.collectors.update_lists import UPDATE_LISTS
from diagnostics.collectors.wireless import WIRELESS
from diagnostics.collectors.work_counters import CPU_TIMES, SWAPPING

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
    BOOTS,
    CLOCK_SYNC,
    CRASHES,
    DISK_ACTIVITY,
    IO_PRESSURE,
    FSTAB,
    LISTENERS,
    LOG_ERRORS,
    OPEN_FILES,
    PROTECTION,
    PROXIES,
    RESTART_NEEDED,
    BATTERIES,
    TEMPERATURES,
    THROTTLING,
    NEIGHBOURS,
    SOCKETS,
    TCP_COUNTERS,
    CPU_TIMES,
    SWAPPING,
    ANTIVIRUS,
    DISK_HEALTH,
    GATEWAY_ECHO,
    PRINTERS,
    START_TIME,
    WIRELESS,
    UPDATE_LISTS,
    TIMERS,
    USER_CACHE,
    TEMPORARY,
    JOURNAL_SIZE,
    FOLDER_SIZES,
    BACKUPS,
    LOG_MESSAGES,
    PORTAL,
    CERTIFICATES,
    AGENT_SELF,
)
