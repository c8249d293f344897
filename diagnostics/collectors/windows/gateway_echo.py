"""How fast and how surely the gateway answers: Windows' own `ping`, whose words are translated.

    Reply from 192.168.1.1: bytes=32 time=3ms TTL=64
    Antwort von 192.168.1.1: Bytes=32 Zeit<1ms TTL=64
    Ответ от 192.168.1.1: число байт=32 время=12мс TTL=64
    Request timed out.

An answer is a line that ends in `TTL=`, which no language translates; the number before it is milliseconds. Answers of
IPv6 carry no TTL: such a gateway is not asked.
"""

from __future__ import annotations

import re
from ipaddress import IPv4Address

from diagnostics.collectors.windows.network import read_network
from diagnostics.machine import commands
from diagnostics.machine.interface import Machine, Unreadable
from diagnostics.system_observations import GatewayEcho

_ANSWER = re.compile(rb"[=<](\d{1,6})\s?[^\s\d=<]{1,8}\s+TTL=\d{1,3}\s*$", re.MULTILINE)
_SENT = 3


def parse_windows_ping(content: bytes, gateway: str) -> GatewayEcho:
    times_ms = [int(found) for found in _ANSWER.findall(content)][:_SENT]
    average_s = sum(times_ms) / len(times_ms) / 1000 if times_ms else None
    return GatewayEcho(gateway, _SENT, len(times_ms), average_s)


def read_gateway_echo(machine: Machine) -> GatewayEcho:
    for route in read_network(machine).routes:
        try:
            gateway = str(IPv4Address(route.gateway))
        except ValueError:
            continue  # IPv6, or a tunnel without a gateway of its own
        return parse_windows_ping(machine.run(commands.windows_ping(gateway)).stdout, gateway)
    raise Unreadable("no IPv4 gateway is configured")
