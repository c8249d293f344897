"""Connections in numbers, TCP's own counters, and the neighbours on the local network. Nothing is sent."""

from __future__ import annotations

import json

from diagnostics.collectors.contract import ALL_PLATFORMS, Collector, Cost, Personal
from diagnostics.machine import commands
from diagnostics.machine.interface import Machine, Platform, Unreadable
from diagnostics.plain_text import printable
from diagnostics.system_observations import Neighbour, Neighbours, Sockets, TcpCounters


def parse_sockstat(content: bytes) -> tuple[int, int]:
    """(in use, waiting to be forgotten) of /proc/net/sockstat.

    sockets: used 1021
    TCP: inuse 31 orphan 0 tw 12 alloc 44 mem 9
    """
    for line in content.decode("ascii", "replace").splitlines():
        fields = line.split()
        if fields[:1] == ["TCP:"]:
            numbers = dict(zip(fields[1::2], fields[2::2], strict=False))
            try:
                return int(numbers["inuse"]), int(numbers["tw"])
            except (KeyError, ValueError):
                break
    raise Unreadable("/proc/net/sockstat counts no TCP connections")


def parse_tcp_counters(content: bytes) -> TcpCounters:
    """The two Tcp lines of /proc/net/snmp (RFC 4022): names, then values.

    Tcp: RtoAlgorithm RtoMin RtoMax MaxConn ActiveOpens … OutSegs RetransSegs InErrs OutRsts InCsumErrors
    Tcp: 1 200 120000 -1 8123 … 912345 812 0 912 0
    """
    rows = [line.split()[1:] for line in content.decode("ascii", "replace").splitlines() if line.startswith("Tcp:")]
    try:
        values = dict(zip(rows[0], rows[1], strict=True))
        return TcpCounters(int(values["OutSegs"]), int(values["RetransSegs"]))
    except (IndexError, KeyError, ValueError):
        raise Unreadable("/proc/net/snmp has an unknown form") from None


def _number(machine: Machine, path: str) -> int | None:
    try:
        return int(machine.read_file(path, max_bytes=64))
    except (Unreadable, ValueError):
        return None  # no connection table: nothing filters here


def collect_sockets(machine: Machine) -> Sockets:
    if machine.platform is Platform.WINDOWS:
        from diagnostics.collectors.windows.network import read_sockets

        return read_sockets(machine)
    if machine.platform is Platform.MACOS:
        from diagnostics.collectors.macos.sockets import collect_sockets as on_macos

        return on_macos(machine)
    in_use, waiting = parse_sockstat(machine.read_file("/proc/net/sockstat"))
    try:
        low, high = machine.read_file("/proc/sys/net/ipv4/ip_local_port_range", max_bytes=64).split()
        ports = max(1, int(high) - int(low) + 1)
    except ValueError:
        raise Unreadable("the range of local ports has an unknown form") from None
    netfilter = "/proc/sys/net/netfilter/nf_conntrack_"
    return Sockets(in_use, waiting, ports, _number(machine, f"{netfilter}count"), _number(machine, f"{netfilter}max"))


def collect_tcp_counters(machine: Machine) -> TcpCounters:
    if machine.platform is Platform.WINDOWS:
        from diagnostics.collectors.windows.counters import read_tcp_counters

        return read_tcp_counters(machine)
    if machine.platform is Platform.MACOS:
        from diagnostics.collectors.macos.sockets import collect_tcp_counters as on_macos

        return on_macos(machine)
    return parse_tcp_counters(machine.read_file("/proc/net/snmp"))


def parse_neighbours(content: bytes) -> tuple[Neighbour, ...]:
    """`ip -json neighbour show`.

    [{"dst":"192.168.1.1","dev":"eth0","lladdr":"00:1a:2b:3c:4d:5e","state":["REACHABLE"]}]
    """
    try:
        items = json.loads(content or b"[]")
    except (ValueError, RecursionError):
        raise Unreadable("ip neighbour gave no JSON") from None
    found = []
    for item in items if isinstance(items, list) else []:
        if isinstance(item, dict) and isinstance(item.get("state"), list):
            states = tuple(printable(str(state), 20) for state in item["state"])
            found.append(
                Neighbour(printable(str(item.get("dst")), 64), printable(str(item.get("dev", "")), 32), states)
            )
    return tuple(found)


def collect_neighbours(machine: Machine) -> Neighbours:
    if machine.platform is Platform.WINDOWS:
        from diagnostics.collectors.windows.network import read_neighbours

        return read_neighbours(machine)
    if machine.platform is Platform.MACOS:
        from diagnostics.collectors.macos.routes import collect_neighbours as on_macos

        return on_macos(machine)
    return Neighbours(parse_neighbours(machine.run(commands.IP_NEIGHBOURS).stdout))


SOCKETS = Collector(
    id="sockets", collect=collect_sockets, may_contain=frozenset(), cost=Cost.CHEAP, platforms=ALL_PLATFORMS
)
TCP_COUNTERS = Collector(
    id="tcp-counters", collect=collect_tcp_counters, may_contain=frozenset(), cost=Cost.CHEAP, platforms=ALL_PLATFORMS
)
NEIGHBOURS = Collector(
    id="neighbours",
    collect=collect_neighbours,
    may_contain=frozenset({Personal.NETWORK_ADDRESSES}),
    cost=Cost.MODERATE,
    platforms=ALL_PLATFORMS,
)
