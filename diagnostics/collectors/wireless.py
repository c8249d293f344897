"""How strong each Wi-Fi link is: /proc/net/wireless."""

from __future__ import annotations

from diagnostics.collectors.contract import ALL_PLATFORMS, Collector, Cost
from diagnostics.hardware_observations import WirelessLink, WirelessLinks
from diagnostics.machine.interface import Machine, Platform, Unreadable
from diagnostics.plain_text import printable

# Signals lie between these; other drivers give a share of their own scale, which means nothing elsewhere.
_LEVELS_DBM = (-110.0, -5.0)


def parse_wireless(content: bytes) -> tuple[WirelessLink, ...]:
    """Two lines of heads, then one a card: status, link, level and noise in dBm.

    Inter-| sta-|   Quality        |   Discarded packets               | Missed | WE
     face | tus | link level noise |  nwid  crypt   frag  retry   misc | beacon | 22
    wlp0s20f3: 0000   54.  -56.  -256        0      0      0      0    812        0
    """
    links = []
    for line in content.decode("ascii", "replace").splitlines()[2:]:
        name, _, rest = line.partition(":")
        fields = rest.split()
        try:
            level = float(fields[2].rstrip("."))
        except (IndexError, ValueError):
            continue
        if _LEVELS_DBM[0] <= level <= _LEVELS_DBM[1]:
            links.append(WirelessLink(printable(name.strip(), 40), level))
    return tuple(links)


def collect_wireless(machine: Machine) -> WirelessLinks:
    if machine.platform is Platform.WINDOWS:
        from diagnostics.collectors.windows.wireless import read_wireless

        return read_wireless(machine)
    if machine.platform is Platform.MACOS:
        from diagnostics.collectors.macos.wireless import collect_wireless as on_macos

        return on_macos(machine)
    links = parse_wireless(machine.read_file("/proc/net/wireless"))
    if not links:
        raise Unreadable("no Wi-Fi link is in use here, or its strength is not told")
    return WirelessLinks(links)


WIRELESS = Collector(
    id="wireless", collect=collect_wireless, may_contain=frozenset(), cost=Cost.CHEAP, platforms=ALL_PLATFORMS
)
