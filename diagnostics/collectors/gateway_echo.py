"""How fast and how surely the configured gateway answers: four pings to it, and to nobody else."""

from __future__ import annotations

import re
from ipaddress import ip_address

from diagnostics.collectors.contract import ALL_PLATFORMS, Collector, Cost, Personal
from diagnostics.collectors.network import collect_network
from diagnostics.machine import commands, macos_commands
from diagnostics.machine.interface import Machine, Platform, Unreadable
from diagnostics.system_observations import GatewayEcho

_COUNTS = re.compile(rb"(\d+) packets transmitted, (\d+)(?: packets)? received")
_TIMES = re.compile(rb"(?:rtt|round-trip) min/avg/max/\w+ = [\d.]+/([\d.]+)/")


def parse_ping(content: bytes, gateway: str) -> GatewayEcho:
    """ping(8) of iputils.

    4 packets transmitted, 4 received, 0% packet loss, time 753ms
    rtt min/avg/max/mdev = 0.312/0.401/0.512/0.071 ms
    """
    counts, times = _COUNTS.search(content), _TIMES.search(content)
    if counts is None:
        raise Unreadable("ping gave no summary")
    return GatewayEcho(gateway, int(counts[1]), int(counts[2]), float(times[1]) / 1000 if times else None)


def collect_gateway_echo(machine: Machine) -> GatewayEcho:
    if machine.platform is Platform.WINDOWS:
        from diagnostics.collectors.windows.gateway_echo import read_gateway_echo

        return read_gateway_echo(machine)
    for route in collect_network(machine).routes:
        if route.destination != "default":
            continue
        try:
            gateway = str(ip_address(route.gateway))
        except ValueError:
            continue  # a tunnel has no gateway of its own
        ping = macos_commands.ping if machine.platform is Platform.MACOS else commands.ping
        return parse_ping(machine.run(ping(gateway)).stdout, gateway)
    raise Unreadable("no gateway is configured")


GATEWAY_ECHO = Collector(
    id="gateway-echo",
    collect=collect_gateway_echo,
    may_contain=frozenset({Personal.NETWORK_ADDRESSES}),
    cost=Cost.NETWORK,
    platforms=ALL_PLATFORMS,
)
