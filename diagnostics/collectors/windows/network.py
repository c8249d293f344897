"""Adapters, addresses, ways out, name servers, neighbours and connections: CIM's numbers, never the programs' words.

"adapters":   [{"Name":"Wi-Fi","InterfaceIndex":12,"InterfaceOperationalStatus":1,"MediaConnectState":1,
                "PermanentAddress":"A4C3F0112233","MtuSize":1500,"HardwareInterface":true}]      status 1: up
"addresses":  [{"InterfaceIndex":12,"IPAddress":"192.168.1.7","PrefixLength":24,"AddressState":4}]    4: preferred
"routes":     [{"DestinationPrefix":"0.0.0.0/0","NextHop":"192.168.1.1","InterfaceIndex":12,"RouteMetric":0,
                "InterfaceMetric":35}]
"resolvers":  [{"InterfaceIndex":12,"AddressFamily":2,"ServerAddresses":["192.168.1.1"]}]
"traffic":    [{"Name":"Wi-Fi","ReceivedBytes":1,"SentBytes":2,"ReceivedPacketErrors":0,"OutboundPacketErrors":0,
                "ReceivedDiscardedPackets":0,"OutboundDiscardedPackets":0}]
"neighbours": [{"InterfaceIndex":12,"IPAddress":"192.168.1.1","State":5}]   0 unreachable, 1 incomplete, 4 stale, 5 ok
"connections":[{"Name":"2","Count":31,"Ports":[135,445]},{"Name":"5","Count":40,"Ports":null}]    2 listens, 11 waits
"ports":      [{"SettingName":"Internet","DynamicPortRangeStartPort":49152,"DynamicPortRangeNumberOfPorts":16384}]
"""

from __future__ import annotations

import re

from diagnostics.collectors.windows.gathered import Gathered, Row, ask, flag, number, text
from diagnostics.machine import windows_commands as commands
from diagnostics.machine.interface import Machine, Unreadable
from diagnostics.observations import Interface, Network, Route
from diagnostics.system_observations import Listeners, Neighbour, Neighbours, Sockets

_UP = 1
_ADDRESS = re.compile(r"[0-9A-Fa-f:.]{2,45}(%\d{1,9})?")
_NEIGHBOUR_STATES = {0: "FAILED", 1: "INCOMPLETE", 2: "PROBE", 3: "DELAY", 4: "STALE", 5: "REACHABLE", 6: "PERMANENT"}
_LISTENS, _WAITS, _IN_USE = 2, 11, frozenset({3, 4, 5, 6, 7, 8, 9, 10})
# What Windows gives outgoing connections where nobody changed it.
_PORTS = 16_384
_ADAPTERS_MAX = 100


def _names(gathered: Gathered) -> dict[int | None, str]:
    return {number(row, "InterfaceIndex"): text(row, "Name", 100) for row in gathered.rows("adapters")}


def _strings(row: Row, name: str) -> list[str]:
    value = row.get(name)
    items = value if isinstance(value, list) else [value]
    return [item for item in items if isinstance(item, str) and len(item) <= 64]


def network_of(gathered: Gathered) -> Network:
    """Only real adapters are told: of what programs made, Windows mostly has a dozen."""
    names = _names(gathered)
    traffic = {text(row, "Name", 100): row for row in gathered.rows_or_none("traffic")}
    addresses: dict[int | None, list[str]] = {}
    for row in gathered.rows_or_none("addresses"):
        shown = f"{text(row, 'IPAddress', 64)}/{number(row, 'PrefixLength') or 0}"
        addresses.setdefault(number(row, "InterfaceIndex"), []).append(shown)
    interfaces = []
    for row in gathered.rows("adapters")[:_ADAPTERS_MAX]:
        if flag(row, "HardwareInterface") is False:
            continue
        index, name = number(row, "InterfaceIndex"), text(row, "Name", 100)
        counts = traffic.get(name, {})
        plain = text(row, "PermanentAddress", 40).lower()
        interfaces.append(
            Interface(
                name=name,
                up=number(row, "InterfaceOperationalStatus") == _UP and number(row, "MediaConnectState") != 2,
                addresses=tuple(addresses.get(index, ())),
                hardware_address=":".join(plain[at : at + 2] for at in range(0, len(plain), 2)),
                mtu=number(row, "MtuSize") or 0,
                received_bytes=number(counts, "ReceivedBytes") or 0,
                sent_bytes=number(counts, "SentBytes") or 0,
                errors=(number(counts, "ReceivedPacketErrors") or 0) + (number(counts, "OutboundPacketErrors") or 0),
                drops=(number(counts, "ReceivedDiscardedPackets") or 0)
                + (number(counts, "OutboundDiscardedPackets") or 0),
            )
        )
    routes = [
        Route(
            "default",
            text(row, "NextHop", 64),
            names.get(number(row, "InterfaceIndex"), ""),
            (number(row, "RouteMetric") or 0) + (number(row, "InterfaceMetric") or 0),
        )
        for row in gathered.rows_or_none("routes")
    ]
    return Network(tuple(interfaces), tuple(sorted(routes, key=lambda route: route.metric)), resolvers_of(gathered), ())


def resolvers_of(gathered: Gathered) -> tuple[str, ...]:
    """Those of adapters that are up; the three site-local ones Windows invents where it was given none are not."""
    up = {
        number(row, "InterfaceIndex")
        for row in gathered.rows("adapters")
        if number(row, "InterfaceOperationalStatus") == _UP
    }
    servers = []
    for row in gathered.rows("resolvers"):
        index = number(row, "InterfaceIndex")
        for server in _strings(row, "ServerAddresses") if index in up else ():
            if _ADDRESS.fullmatch(server) and not server.lower().startswith("fec0:0:0:ffff::"):
                # An address of the link alone needs to say which link.
                local = server.lower().startswith("fe80:") and "%" not in server
                servers.append(f"{server}%{index}" if local else server)
    return tuple(dict.fromkeys(servers))


def read_network(machine: Machine) -> Network:
    return network_of(ask(machine, commands.NETWORK))


def read_resolvers(machine: Machine) -> tuple[str, ...]:
    return resolvers_of(ask(machine, commands.NETWORK))


def read_default_route(machine: Machine) -> bool:
    return bool(ask(machine, commands.NETWORK).rows("routes"))


def neighbours_of(gathered: Gathered) -> Neighbours:
    names = _names(gathered)
    return Neighbours(
        tuple(
            Neighbour(
                text(row, "IPAddress", 64),
                names.get(number(row, "InterfaceIndex"), ""),
                (_NEIGHBOUR_STATES.get(number(row, "State") or 0, "NONE"),),
            )
            for row in gathered.rows("neighbours")
        )
    )


def read_neighbours(machine: Machine) -> Neighbours:
    return neighbours_of(ask(machine, commands.NETWORK))


def sockets_of(gathered: Gathered) -> Sockets:
    counts = {number(row, "Name"): number(row, "Count") or 0 for row in gathered.rows("connections")}
    ranges = [number(row, "DynamicPortRangeNumberOfPorts") or 0 for row in gathered.rows_or_none("ports")]
    in_use = sum(count for state, count in counts.items() if state in _IN_USE)
    return Sockets(in_use, counts.get(_WAITS, 0), max([*ranges, 0]) or _PORTS, None, None)


def read_sockets(machine: Machine) -> Sockets:
    return sockets_of(ask(machine, commands.NETWORK))


def listeners_of(gathered: Gathered) -> Listeners:
    for row in gathered.rows("connections"):
        if number(row, "Name") == _LISTENS:
            value = row.get("Ports")
            ports = value if isinstance(value, list) else [value]
            return Listeners(frozenset(port for port in ports if isinstance(port, int) and 0 < port < 65_536))
    raise Unreadable("Windows tells no port that is open")


def read_listeners(machine: Machine) -> Listeners:
    return listeners_of(ask(machine, commands.NETWORK))
