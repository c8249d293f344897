"""How strong Wi-Fi is: `netsh wlan show interfaces`. Its words are translated, so it is read by form alone.

    There is 1 interface on the system:

        Name                   : Wi-Fi
        Description            : Intel(R) Wi-Fi 6E AX211 160MHz
        GUID                   : 2f6d0a5e-6c3c-4a55-9e38-0c1f4f6f6f10
        Physical address       : a4:c3:f0:11:22:33
        State                  : connected
        …
        Signal                 : 87%
        Rssi                   : -56                 Windows 11 24H2 and later

An adapter begins at the second line above its GUID, which looks the same in every language, and is named by the first;
the share of the signal is its only line that ends in `%`; there is none while it is not connected. A share is turned
into dBm as WLAN_ASSOCIATION_ATTRIBUTES documents: 0 % is -100, 100 % is -50, straight between. Since 24H2 Windows
refuses this to whom it does not tell the place.
"""

from __future__ import annotations

import re

from diagnostics.hardware_observations import WirelessLink, WirelessLinks
from diagnostics.machine import windows_commands as commands
from diagnostics.machine.interface import Machine, Unreadable, UnreadableKind
from diagnostics.plain_text import printable

_GUID = re.compile(r"[^:]+:\s*\{?[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\}?\s*", re.IGNORECASE)
_SHARE = re.compile(r"[^:]+:\s*(\d{1,3})\s?%\s*")
_LEVEL = re.compile(r"[^:]+:\s*(-\d{2,3})(?: dBm)?\s*")
_ADAPTERS_MAX = 8
_ACCESS_DENIED = 5


def parse_wireless(content: bytes) -> tuple[WirelessLink, ...]:
    """Connected adapters only."""
    lines = [line for line in content.decode("utf-8", "replace").splitlines() if line.strip()]
    starts = [at - 2 for at, line in enumerate(lines) if _GUID.fullmatch(line) and at >= 2][:_ADAPTERS_MAX]
    links = []
    for start, end in zip(starts, [*starts[1:], len(lines)], strict=False):
        name = printable(lines[start].partition(":")[2].strip(), 40)
        shares = [int(found[1]) for line in lines[start:end] if (found := _SHARE.fullmatch(line))]
        levels = [int(found[1]) for line in lines[start:end] if (found := _LEVEL.fullmatch(line))]
        if not shares or shares[0] > 100 or not name:
            continue
        told = [level for level in levels if -110 <= level <= -5]
        links.append(WirelessLink(name, float(told[0]) if told else shares[0] / 2 - 100))
    return tuple(links)


def read_wireless(machine: Machine) -> WirelessLinks:
    output = machine.run(commands.WIRELESS)
    links = parse_wireless(output.stdout)
    if not links:
        if output.exit_code == _ACCESS_DENIED:
            raise Unreadable("Windows tells of Wi-Fi only to whom it may tell the place", UnreadableKind.DENIED)
        raise Unreadable("no Wi-Fi link is in use here, or its strength is not told")
    return WirelessLinks(links)
