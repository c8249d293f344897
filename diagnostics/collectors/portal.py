"""One plain question to the owner's own address: does what we ask come out where it should?

{"host": "probe.example.org", "status": 302, "location_host": "login.hotel.example", "error": ""}
"""

from __future__ import annotations

from diagnostics.collectors.contract import Collector, Cost, Personal
from diagnostics.machine.interface import Machine, Native
from diagnostics.plain_text import printable
from diagnostics.strict_json import decode
from diagnostics.system_observations import PortalProbe


def collect_portal(machine: Machine) -> PortalProbe:
    told = decode(PortalProbe, machine.native(Native.PORTAL))
    return PortalProbe(
        printable(told.host, 253), told.status, printable(told.location_host, 253), printable(told.error, 200)
    )


PORTAL = Collector(
    id="portal",
    collect=collect_portal,
    may_contain=frozenset({Personal.HOST_NAMES}),
    cost=Cost.NETWORK,
)
