"""Proxies this Windows is told to use: WinINet's (programs of the person) and WinHTTP's (services).

    {"proxy":[{"enabled":1,"server":"http=127.0.0.1:8888;https=127.0.0.1:8888","script":"http://wpad.example.org/p.pac",
               "winhttp":"28-00-00-00-00-00-00-00-03-00-00-00-16-00-00-00-70-72-6F-78-79-…"}]}

`netsh winhttp show proxy` speaks Windows' language; the value behind it does not. WinHttpSettings: four bytes each of
version, counter, flags (bit 1: a proxy is set) and the length of the proxy, then the proxy in ASCII.

Asked as a service WinINet's are the service's own, not those of the person who sits there.
"""

from __future__ import annotations

import struct

from diagnostics.collectors.proxies import proxy_of
from diagnostics.collectors.windows.gathered import Row, ask, hex_bytes, number, text
from diagnostics.machine import windows_commands as commands
from diagnostics.machine.interface import Machine
from diagnostics.system_observations import Proxies

_PROXY_SET = 0b10
_ENTRIES_MAX = 10


def winhttp_proxy(value: bytes) -> str:
    """Empty where none is set, or the value has another form."""
    if len(value) < 16:
        return ""
    _, _, flags, length = struct.unpack_from("<4I", value)
    if not flags & _PROXY_SET or length > 2048 or 16 + length > len(value):
        return ""
    return value[16 : 16 + length].decode("ascii", "replace")


def _entries(kind: str, server: str) -> dict[str, str | None]:
    """`http=a:1;https=b:2` or `a:1`: one entry a protocol."""
    found: dict[str, str | None] = {}
    for entry in server.split(";")[:_ENTRIES_MAX]:
        protocol, equals, address = entry.strip().rpartition("=")
        if address:
            found[f"{kind} {protocol}" if equals else kind] = proxy_of(address)
    return found


def proxies_of(row: Row) -> Proxies:
    found: dict[str, str | None] = {}
    if number(row, "enabled"):
        found.update(_entries("WinINet", text(row, "server", 2048)))
    found.update(_entries("WinHTTP", winhttp_proxy(hex_bytes(row, "winhttp"))))
    script = text(row, "script", 2048)
    if script:
        found["WinINet script"] = proxy_of(script)
    return Proxies(found)


def read_proxies(machine: Machine) -> Proxies:
    return proxies_of(ask(machine, commands.SYSTEM).first("proxy"))
