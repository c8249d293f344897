"""Connections in numbers, ports that listen, and TCP's own counters. Ports only, no peers.

`netstat -an -p tcp`:

    Active Internet connections (including servers)
    Proto Recv-Q Send-Q  Local Address          Foreign Address        (state)
    tcp4       0      0  192.168.1.23.50123     203.0.113.7.443        ESTABLISHED
    tcp4       0      0  127.0.0.1.8080         *.*                    LISTEN
    tcp46      0      0  *.5000                 *.*                    LISTEN

`sysctl -n net.inet.ip.portrange.first net.inet.ip.portrange.last`: `49152` and `65535`, a line each.

`netstat -s -p tcp`:

    tcp:
        912345 packets sent
                312345 data packets (412345678 bytes)
                812 data packets (91234 bytes) retransmitted
"""

from __future__ import annotations

import re
from typing import Final

from diagnostics.collectors.macos.permissions import told
from diagnostics.machine import macos_commands
from diagnostics.machine.interface import Machine, Unreadable
from diagnostics.system_observations import Listeners, Sockets, TcpCounters

_SENT: Final = re.compile(rb"^\s+(\d{1,20}) packets? sent$", re.MULTILINE)
_RESENT: Final = re.compile(rb"^\s+(\d{1,20}) data packets? \(\d{1,20} bytes?\) retransmitted", re.MULTILINE)
_LISTENS, _WAITS, _CLOSED = b"LISTEN", b"TIME_WAIT", b"CLOSED"


def parse_connections(content: bytes) -> tuple[int, int, frozenset[int]]:
    """(in use, waiting to be forgotten, ports that listen)."""
    in_use = waiting = 0
    ports = set()
    for line in content.splitlines():
        fields = line.split()
        if len(fields) < 6 or not fields[0].startswith(b"tcp"):
            continue
        state = fields[5]
        if state == _LISTENS:
            port = fields[3].rpartition(b".")[2]
            if port.isdigit() and int(port) < 65_536:
                ports.add(int(port))
        elif state == _WAITS:
            waiting += 1
        elif state != _CLOSED:
            in_use += 1
    return in_use, waiting, frozenset(ports)


def collect_listeners(machine: Machine) -> Listeners:
    return Listeners(parse_connections(told(machine, macos_commands.CONNECTIONS))[2])


def collect_sockets(machine: Machine) -> Sockets:
    in_use, waiting, _ = parse_connections(told(machine, macos_commands.CONNECTIONS))
    try:
        first, last = (int(line) for line in told(machine, macos_commands.PORT_RANGE)[:64].split())
    except ValueError:
        raise Unreadable("the range of local ports has an unknown form") from None
    return Sockets(in_use, waiting, max(1, last - first + 1), None, None)


def parse_tcp_counters(content: bytes) -> TcpCounters:
    sent, resent = _SENT.search(content), _RESENT.search(content)
    if sent is None or resent is None:
        raise Unreadable("netstat counts no segments that were sent again")
    return TcpCounters(int(sent[1]), int(resent[1]))


def collect_tcp_counters(machine: Machine) -> TcpCounters:
    return parse_tcp_counters(told(machine, macos_commands.TCP_COUNTERS))
