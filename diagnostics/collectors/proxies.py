"""Proxies every program of this machine is told to use: /etc/environment. Names and passwords in them are cut off."""

from __future__ import annotations

from urllib.parse import urlsplit

from diagnostics.collectors.contract import ALL_PLATFORMS, Collector, Cost, Personal
from diagnostics.machine.interface import Machine, Platform
from diagnostics.plain_text import printable
from diagnostics.system_observations import Proxies

VARIABLES = frozenset({"http_proxy", "https_proxy", "ftp_proxy", "all_proxy"})


def proxy_of(value: str) -> str | None:
    """`host:port` of `http://user:secret@host:3128/`; None when programs could not make one of it."""
    value = value if "://" in value else f"http://{value}"
    try:
        parts = urlsplit(value)
        host, port = parts.hostname, parts.port
    except ValueError:
        return None
    if not host or any(sign.isspace() for sign in host):
        return None
    shown = f"[{host}]" if ":" in host else host
    return printable(f"{shown}:{port or (443 if parts.scheme == 'https' else 80)}", 260)


def parse_environment(content: bytes) -> dict[str, str | None]:
    """pam_env(8): `NAME=value`, perhaps `export ` before it and quotes around the value.

    PATH="/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin"
    http_proxy=http://proxy.example.org:3128/
    """
    found: dict[str, str | None] = {}
    for line in content.decode("utf-8", "replace").splitlines():
        name, separator, value = line.strip().removeprefix("export ").partition("=")
        value = value.strip().strip("\"'")
        if separator and name.lower() in VARIABLES and value:
            found[name.lower()] = proxy_of(value)
    return found


def collect_proxies(machine: Machine) -> Proxies:
    if machine.platform is Platform.WINDOWS:
        from diagnostics.collectors.windows.proxy import read_proxies

        return read_proxies(machine)
    if machine.platform is Platform.MACOS:
        from diagnostics.collectors.macos.network_settings import collect_proxies as on_macos

        return on_macos(machine)
    return Proxies(parse_environment(machine.read_file("/etc/environment", max_bytes=64 * 1024)))


PROXIES = Collector(
    id="proxies",
    collect=collect_proxies,
    may_contain=frozenset({Personal.HOST_NAMES, Personal.NETWORK_ADDRESSES}),
    cost=Cost.CHEAP,
    platforms=ALL_PLATFORMS,
)
