"""Name servers and proxies as macOS' configuration agent keeps them: `scutil`.

`scutil --dns`; the first resolver answers what no other one is for; scoped ones repeat it for one interface:

    DNS configuration

    resolver #1
      search domain[0] : fritz.box
      nameserver[0] : 192.168.1.1
      nameserver[1] : fe80::1%en0
      if_index : 14 (en0)
      flags    : Request A records, Request AAAA records
      reach    : 0x00020002 (Reachable,Directly Reachable Address)

    resolver #2
      domain   : local
      options  : mdns

    DNS configuration (for scoped queries)

`scutil --proxy`:

    <dictionary> {
      ExceptionsList : <array> {
        0 : *.local
      }
      HTTPEnable : 1
      HTTPPort : 8080
      HTTPProxy : 127.0.0.1
      HTTPSEnable : 0
      ProxyAutoConfigEnable : 1
      ProxyAutoConfigURLString : http://proxy.example.org/proxy.pac
    }
"""

from __future__ import annotations

import re
from typing import Final

from diagnostics.collectors.macos.permissions import told
from diagnostics.machine import commands, macos_commands
from diagnostics.machine.interface import Machine, Unreadable
from diagnostics.plain_text import printable
from diagnostics.system_observations import Proxies

_SERVER: Final = re.compile(r"\s+nameserver\[\d{1,2}\] : ([0-9A-Fa-f:.]{2,45}(?:%[A-Za-z0-9_.-]{1,15})?)$")
_SEARCH: Final = re.compile(r"\s+search domain\[\d{1,2}\] : (\S{1,253})$")
_DOMAIN: Final = re.compile(r"\s+domain   : \S")
_SETTING: Final = re.compile(r"^  (\w{1,40}) : (.{1,1024})$", re.MULTILINE)
# Setting → the variable under which it is told, as programs of other makers know it.
_KINDS: Final = {"HTTP": "http_proxy", "HTTPS": "https_proxy", "FTP": "ftp_proxy", "SOCKS": "all_proxy"}
_SCRIPT: Final = "automatic_proxy"


def parse_dns(content: bytes) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """(name servers, search domains) of the resolvers that answer for every name."""
    servers: list[str] = []
    search: list[str] = []
    text = content.decode("utf-8", "replace").partition("DNS configuration (for scoped queries)")[0]
    for block in re.split(r"\nresolver #\d+\n", text)[1:]:
        lines = block.splitlines()
        if any(_DOMAIN.match(line) for line in lines):
            continue  # answers for one domain alone: mDNS, or a company's own names behind a VPN
        for line in lines:
            if found := _SERVER.match(line):
                servers.append(found[1])
            elif found := _SEARCH.match(line):
                search.append(printable(found[1], 253))
    return tuple(dict.fromkeys(servers)), tuple(dict.fromkeys(search))


def read_name_servers(machine: Machine) -> tuple[tuple[str, ...], tuple[str, ...]]:
    return parse_dns(told(machine, commands.MACOS_DNS))


def has_way_out(machine: Machine) -> bool:
    """Without a resolver or a route nothing can be said of the resolvers."""
    from diagnostics.collectors.macos.routes import parse_routes

    try:
        routes = parse_routes(told(machine, commands.MACOS_ROUTES))
    except Unreadable:
        return True  # not told: the resolvers' silence then speaks for itself
    return any(route.destination == "default" for route in routes)


def parse_proxies(content: bytes) -> dict[str, str | None]:
    values = dict(_SETTING.findall(content[:65_536].decode("utf-8", "replace")))
    found: dict[str, str | None] = {}
    for kind, variable in _KINDS.items():
        if values.get(f"{kind}Enable") == "1":
            found[variable] = _endpoint(values.get(f"{kind}Proxy", ""), values.get(f"{kind}Port", ""))
    if values.get("ProxyAutoConfigEnable") == "1":
        found[_SCRIPT] = _script(values.get("ProxyAutoConfigURLString", ""))
    return found


def _endpoint(host: str, port: str) -> str | None:
    """`host:port`; None when programs could not make one of it."""
    host = host.strip()
    if not host or any(sign.isspace() for sign in host) or not port.isdigit() or not 0 < int(port) < 65_536:
        return None
    return printable(f"[{host}]:{port}" if ":" in host else f"{host}:{port}", 260)


def _script(address: str) -> str | None:
    from diagnostics.collectors.proxies import proxy_of

    return proxy_of(address) if address.startswith(("http://", "https://")) else None


def collect_proxies(machine: Machine) -> Proxies:
    return Proxies(parse_proxies(told(machine, macos_commands.PROXY)))
