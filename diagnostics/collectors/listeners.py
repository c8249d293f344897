"""On which TCP ports programs of this machine listen: /proc/net/tcp and tcp6. Ports only, no peers."""

from __future__ import annotations

from diagnostics.collectors.contract import ALL_PLATFORMS, Collector, Cost
from diagnostics.machine.interface import Machine, Platform, Unreadable
from diagnostics.system_observations import Listeners

_LISTEN = b"0A"
# A busy server has a line a connection; listening ones come first in practice, and this is 10 000 lines.
_MAX_BYTES = 1_500_000


def parse_listening(content: bytes) -> frozenset[int]:
    """/proc/net/tcp (proc(5)): addresses and ports in hex; state 0A listens.

    sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
     0: 0100007F:0277 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 21 1 …
    """
    ports = set()
    for line in content.splitlines()[1:]:
        fields = line.split(maxsplit=4)
        if len(fields) >= 4 and fields[3] == _LISTEN:
            try:
                ports.add(int(fields[1].rpartition(b":")[2], 16))
            except ValueError:
                continue
    return frozenset(ports)


def collect_listeners(machine: Machine) -> Listeners:
    if machine.platform is Platform.WINDOWS:
        from diagnostics.collectors.windows.network import read_listeners

        return read_listeners(machine)
    if machine.platform is Platform.MACOS:
        from diagnostics.collectors.macos.sockets import collect_listeners as on_macos

        return on_macos(machine)
    ports = parse_listening(machine.read_file("/proc/net/tcp", max_bytes=_MAX_BYTES))
    try:
        ports |= parse_listening(machine.read_file("/proc/net/tcp6", max_bytes=_MAX_BYTES))
    except Unreadable:
        return Listeners(ports)  # IPv6 switched off
    return Listeners(ports)


LISTENERS = Collector(
    id="listeners", collect=collect_listeners, may_contain=frozenset(), cost=Cost.CHEAP, platforms=ALL_PLATFORMS
)
