"""Network interfaces, routes and name servers as configured. Nothing is sent."""

from __future__ import annotations

import json

from diagnostics.collectors.contract import Collector, Cost, Personal
from diagnostics.collectors.dns import parse_resolv_conf
from diagnostics.machine import commands
from diagnostics.machine.interface import Machine, Platform, Unreadable
from diagnostics.observations import Interface, Network, Route
from diagnostics.plain_text import printable


def _entries(content: bytes, what: str) -> list[dict[str, object]]:
    try:
        value = json.loads(content)
    except (ValueError, RecursionError):
        raise Unreadable(f"{what} gave no JSON") from None
    if not isinstance(value, list):
        raise Unreadable(f"{what} gave JSON of an unknown form")
    return [item for item in value if isinstance(item, dict)]


def _text(value: object) -> str:
    return printable(str(value if value is not None else ""), 100)


def _mapping(value: object) -> dict[str, object]:
    return value if isinstance(value, dict) else {}


def _count(value: object) -> int:
    return value if isinstance(value, int) else 0


def parse_ip_addresses(content: bytes) -> tuple[Interface, ...]:
    """`ip -json -statistics address show`.

    [{"ifname":"eth0","flags":["BROADCAST","UP","LOWER_UP"],"mtu":1500,"address":"52:54:00:12:34:56",
      "addr_info":[{"family":"inet","local":"192.168.1.7","prefixlen":24}],
      "stats64":{"rx":{"bytes":1,"errors":0,"dropped":0},"tx":{"bytes":2,"errors":0,"dropped":0}}}]
    """
    interfaces = []
    for item in _entries(content, "ip address"):
        flags, infos, stats = item.get("flags"), item.get("addr_info"), _mapping(item.get("stats64"))
        received, sent = _mapping(stats.get("rx")), _mapping(stats.get("tx"))
        addresses = [
            f"{_text(info.get('local'))}/{_count(info.get('prefixlen'))}"
            for info in (infos if isinstance(infos, list) else [])
            if isinstance(info, dict) and info.get("local")
        ]
        interfaces.append(
            Interface(
                name=_text(item.get("ifname")),
                up=isinstance(flags, list) and "UP" in flags and "NO-CARRIER" not in flags,
                addresses=tuple(addresses),
                hardware_address=_text(item.get("address")),
                mtu=_count(item.get("mtu")),
                received_bytes=_count(received.get("bytes")),
                sent_bytes=_count(sent.get("bytes")),
                errors=_count(received.get("errors")) + _count(sent.get("errors")),
                drops=_count(received.get("dropped")) + _count(sent.get("dropped")),
            )
        )
    return tuple(interfaces)


def parse_ip_routes(content: bytes) -> tuple[Route, ...]:
    """`ip -json route show`: `[{"dst":"default","gateway":"192.168.1.1","dev":"eth0","metric":100}]`."""
    return tuple(
        Route(
            destination=_text(item.get("dst")),
            gateway=_text(item.get("gateway")),
            interface=_text(item.get("dev")),
            metric=_count(item.get("metric")),
        )
        for item in _entries(content, "ip route")
    )


def parse_proc_net_dev(content: bytes) -> tuple[Interface, ...]:
    """/proc/net/dev, where there is no `ip` program: names and counters only.

    Inter-|   Receive                                                |  Transmit
     face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop …
      eth0: 1296234    4321    0    0    0     0          0         0   842311    3211    0    0 …
    """
    interfaces = []
    for line in content.decode("ascii", "replace").splitlines()[2:]:
        name, _, rest = line.partition(":")
        fields = [int(field) for field in rest.split() if field.isdigit()]
        if len(fields) >= 12:
            errors, drops = fields[2] + fields[10], fields[3] + fields[11]
            interfaces.append(Interface(_text(name.strip()), True, (), "", 0, fields[0], fields[8], errors, drops))
    return tuple(interfaces)


def parse_proc_net_route(content: bytes) -> tuple[Route, ...]:
    """/proc/net/route: addresses are four bytes in this machine's order, as hex (`0101A8C0` = 192.168.1.1)."""

    def dotted(text: str) -> str:
        return ".".join(str(byte) for byte in reversed(bytes.fromhex(text)))

    routes = []
    for line in content.decode("ascii", "replace").splitlines()[1:]:
        fields = line.split()
        if len(fields) < 8:
            continue
        try:
            everything = fields[1] == "00000000" and fields[7] == "00000000"
            prefix = bin(int(fields[7], 16)).count("1")
            destination = "default" if everything else f"{dotted(fields[1])}/{prefix}"
            routes.append(Route(destination, dotted(fields[2]), _text(fields[0]), int(fields[6])))
        except ValueError:
            continue
    return tuple(routes)


def collect_network(machine: Machine) -> Network:
    if machine.platform is Platform.WINDOWS:
        from diagnostics.collectors.windows.network import read_network

        return read_network(machine)
    if machine.platform is Platform.MACOS:
        from diagnostics.collectors.macos.routes import collect_network as on_macos

        return on_macos(machine)
    resolvers: tuple[str, ...] = ()
    search: tuple[str, ...] = ()
    try:
        resolvers, search = parse_resolv_conf(machine.read_file("/etc/resolv.conf"))
    except Unreadable:
        resolvers = ()  # none configured; the check of name servers says so
    try:
        interfaces = parse_ip_addresses(machine.run(commands.IP_ADDRESSES).stdout)
        routes = parse_ip_routes(machine.run(commands.IP_ROUTES).stdout)
    except Unreadable:
        interfaces = parse_proc_net_dev(machine.read_file("/proc/net/dev"))
        routes = parse_proc_net_route(machine.read_file("/proc/net/route"))
    return Network(interfaces, routes, resolvers, search)


NETWORK = Collector(
    id="network",
    collect=collect_network,
    may_contain=frozenset({Personal.NETWORK_ADDRESSES, Personal.HOST_NAMES}),
    cost=Cost.MODERATE,
)
