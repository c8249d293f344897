"""Interfaces, ways out and neighbours.

`netstat -rn`; a default of an interface that is not the first has the flag I:

    Routing tables

    Internet:
    Destination        Gateway            Flags               Netif Expire
    default            192.168.1.1        UGScg                 en0
    127                127.0.0.1          UCS                   lo0
    192.168.1.1        0:1a:2b:3c:4d:5e   UHLWIir               en0   1180

    Internet6:
    Destination                             Gateway                                 Flags               Netif Expire
    default                                 fe80::%utun0                            UGcIg               utun0

`arp -an`: `? (192.168.1.1) at 0:1a:2b:3c:4d:5e on en0 ifscope [ethernet]`, or `at (incomplete) on en0 …` where nobody
answered.
"""

from __future__ import annotations

import re
from contextlib import suppress
from dataclasses import replace
from typing import Final

from diagnostics.collectors.macos.network_settings import read_name_servers
from diagnostics.collectors.macos.permissions import told
from diagnostics.machine import commands, macos_commands
from diagnostics.machine.interface import Machine, Native, Unreadable
from diagnostics.observations import Interface, Network, Route
from diagnostics.plain_text import printable
from diagnostics.strict_json import decode
from diagnostics.system_observations import Neighbour, Neighbours

ROUTES_MAX: Final = 2_000
_ARP: Final = re.compile(
    r"\S+ \((?P<address>[0-9.]{7,15})\) at (?P<at>\(incomplete\)|[0-9a-f:]{11,17}) on (?P<on>\w{1,15})"
)
# Made by macOS itself: hotspots, AirDrop, the chip beside the processor (an address of its own, and nobody behind it).
_INTERNAL: Final = (
    "awdl",
    "llw",
    "anpi",
    "ap",
    "bridge",
    "gif",
    "stf",
    "pktap",
    "XHC",
    "vmenet",
)
_TUNNELS: Final = ("utun", "ipsec", "ppp")
_CHIP: Final = "ac:de:48:00:11:22"


def parse_routes(content: bytes) -> tuple[Route, ...]:
    """The ways out first by their order; those of tunnels that are not the way for everything (flag I) are left out."""
    routes: list[Route] = []
    for line in content.decode("utf-8", "replace").splitlines():
        fields = line.split()
        if len(fields) < 4 or not fields[2].startswith("U") or len(routes) >= ROUTES_MAX:
            continue
        if fields[0] == "default" and "I" in fields[2]:
            continue
        routes.append(
            Route(printable(fields[0], 100), printable(fields[1], 100), printable(fields[3], 32), len(routes))
        )
    return tuple(routes)


def is_internal(interface: Interface) -> bool:
    """A tunnel with an address of its own is a VPN; macOS keeps some without one."""
    if interface.addresses and all(address.lower().startswith("fe80:") for address in interface.addresses):
        return True  # so does the line to a telephone on a cable: a network that gives no address leaves 169.254 behind
    if interface.name.startswith(_TUNNELS):
        return not interface.addresses
    return interface.name.startswith(_INTERNAL) or interface.hardware_address.lower() == _CHIP


def collect_network(machine: Machine) -> Network:
    value = machine.native(Native.INTERFACES)
    interfaces = tuple(decode(Interface, item) for item in (value if isinstance(value, list) else []))
    # What macOS keeps for itself is no way to anywhere: it does not count as up.
    interfaces = tuple(replace(item, up=item.up and not is_internal(item)) for item in interfaces)
    resolvers: tuple[str, ...] = ()
    search: tuple[str, ...] = ()
    with suppress(Unreadable):  # none configured; the check of name servers says so
        resolvers, search = read_name_servers(machine)
    routes = parse_routes(told(machine, commands.MACOS_ROUTES))
    return Network(interfaces, routes, resolvers, search)


def parse_arp(content: bytes) -> tuple[Neighbour, ...]:
    found = []
    for line in content.decode("utf-8", "replace").splitlines()[:ROUTES_MAX]:
        match = _ARP.match(line)
        if match is not None:
            state = "FAILED" if match["at"] == "(incomplete)" else "REACHABLE"
            found.append(Neighbour(match["address"], match["on"], (state,)))
    return tuple(found)


def collect_neighbours(machine: Machine) -> Neighbours:
    return Neighbours(parse_arp(told(machine, macos_commands.NEIGHBOURS)))
