"""Is there a firewall, and is the system's disk encrypted? Settings and states, not the rules themselves.

The rules of the kernel's filter are for administrators; what can be read by anyone is which program keeps them.
"""

from __future__ import annotations

import json
from contextlib import suppress

from diagnostics.collectors.contract import ALL_PLATFORMS, Collector, Cost
from diagnostics.collectors.services import collect_services
from diagnostics.machine import commands
from diagnostics.machine.interface import Machine, Platform, Unreadable
from diagnostics.system_observations import Protection

FIREWALL_SERVICES = ("firewalld.service", "nftables.service", "shorewall.service", "netfilter-persistent.service")


def ufw_enabled(content: bytes) -> bool:
    """/etc/ufw/ufw.conf: `ENABLED=yes`."""
    return any(line.strip().lower() == b"enabled=yes" for line in content.splitlines())


def root_encrypted(content: bytes) -> bool | None:
    """`lsblk --json`: is a `crypt` device between the disk and `/`? None when `/` is on no device listed.

    {"blockdevices":[{"name":"nvme0n1","type":"disk","mountpoint":null,"children":[
      {"name":"nvme0n1p3","type":"part","mountpoint":null,"children":[
        {"name":"root","type":"crypt","mountpoint":"/"}]}]}]}
    """
    try:
        devices = json.loads(content)["blockdevices"]
    except (ValueError, KeyError, TypeError, RecursionError):
        raise Unreadable("lsblk gave JSON of an unknown form") from None
    waiting = [(device, False) for device in devices if isinstance(device, dict)]
    while waiting:
        device, encrypted = waiting.pop()
        encrypted = encrypted or device.get("type") == "crypt"
        if device.get("mountpoint") == "/":
            return encrypted
        children = device.get("children")
        waiting += [(child, encrypted) for child in (children if isinstance(children, list) else []) if child]
    return None


def _firewall(machine: Machine) -> str | None:
    """What keeps the filter; empty where nothing does; None where the services do not tell."""
    with suppress(Unreadable):
        if ufw_enabled(machine.read_file("/etc/ufw/ufw.conf", max_bytes=64 * 1024)):
            return "ufw"
    with suppress(Unreadable):
        states = {service.name: service.active_state for service in collect_services(machine).services}
        active = [name for name in FIREWALL_SERVICES if states.get(name) == "active"]
        return active[0].removesuffix(".service") if active else ""
    return None


def collect_protection(machine: Machine) -> Protection:
    if machine.platform is Platform.WINDOWS:
        from diagnostics.collectors.windows.protection import read_protection

        return read_protection(machine)
    if machine.platform is Platform.MACOS:
        from diagnostics.collectors.macos.protection import collect_protection as on_macos

        return on_macos(machine)
    firewall = _firewall(machine)
    encrypted = None
    with suppress(Unreadable):
        encrypted = root_encrypted(machine.run(commands.BLOCK_DEVICES).stdout)
    if firewall is None and encrypted is None:
        raise Unreadable("neither a firewall's settings nor the disks' layout can be read here")
    return Protection(firewall, encrypted)


PROTECTION = Collector(
    id="protection", collect=collect_protection, may_contain=frozenset(), cost=Cost.MODERATE, platforms=ALL_PLATFORMS
)
