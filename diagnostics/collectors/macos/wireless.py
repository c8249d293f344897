"""How strong each Wi-Fi link is: `system_profiler -json SPAirPortDataType`.

    {"SPAirPortDataType": [{"spairport_airport_interfaces": [
      {"_name": "en0", "spairport_status_information": "spairport_status_connected",
       "spairport_current_network_information": {"_name": "<redacted>", "spairport_network_channel": "36 (5GHz, 80MHz)",
         "spairport_signal_noise": "-56 dBm / -92 dBm"},
       "spairport_airport_other_local_wireless_networks": [ … the neighbours', not read … ]},
      {"_name": "awdl0"}]}]}

The names of networks are not read, and macOS hides them anyway from programs that may not know the place.
"""

from __future__ import annotations

import re
from typing import Final

from diagnostics.collectors.macos.permissions import told
from diagnostics.collectors.macos.plists import items, mapping, words
from diagnostics.collectors.macos.system import parse_json
from diagnostics.hardware_observations import WirelessLink, WirelessLinks
from diagnostics.machine import macos_commands
from diagnostics.machine.interface import Machine, Unreadable

_SIGNAL: Final = re.compile(r"(-\d{1,3}) dBm")
_LEVELS_DBM: Final = (-110.0, -5.0)


def parse_wireless(content: bytes) -> tuple[WirelessLink, ...]:
    links = []
    for section in items(parse_json(content, "system_profiler").get("SPAirPortDataType"))[:8]:
        for entry in items(mapping(section).get("spairport_airport_interfaces"))[:8]:
            interface = mapping(entry)
            current = mapping(interface.get("spairport_current_network_information"))
            signal = _SIGNAL.match(words(current.get("spairport_signal_noise"), 60))
            name = words(interface.get("_name"), 40)
            if signal is not None and name and _LEVELS_DBM[0] <= float(signal[1]) <= _LEVELS_DBM[1]:
                links.append(WirelessLink(name, float(signal[1])))
    return tuple(links)


def collect_wireless(machine: Machine) -> WirelessLinks:
    links = parse_wireless(told(machine, macos_commands.WIRELESS))
    if not links:
        raise Unreadable("no Wi-Fi link is in use here, or its strength is not told")
    return WirelessLinks(links)
