"""The names of this machine and its people, for the redactor: what must never leave in a session's rows.

Reads what the system tells this user: its host name, accounts of people, interface addresses, names of Wi-Fi networks
it knows, serial numbers of board, disks and batteries. What cannot be read is left out here; the redactor's own rules
(addresses, keys, mail) do not depend on it. Wi-Fi networks are told by NetworkManager alone; the board's serial number
only to an administrator, so a service of a user's own cannot know it, nor write it into what it sends.
"""

import json
import re
import socket
import sys
from collections.abc import Iterator
from typing import Final

from diagnostics.machine import commands
from diagnostics.machine.interface import Machine, Platform, Unreadable
from diagnostics.redaction import Identifiers, LocalUser, MachineNames, harvest

# Accounts below are made by the system for its services (login.defs UID_MIN; macOS counts its people from 501). Root is
# not a person's name.
_PERSON_UID_MIN: Final = 500 if sys.platform == "darwin" else 1000
_NOBODY_UID: Final = 65534
_DMI: Final = "/sys/devices/virtual/dmi/id"
_DMI_FILES: Final = ("product_serial", "product_uuid", "board_serial", "chassis_serial")
_POWER: Final = "/sys/class/power_supply"
_POWER_SUPPLIES_MAX: Final = 8
_JOURNALS: Final = "/var/log/journal"
_WIFI: Final = ("802-11-wireless", "wifi")
_ESCAPED: Final = re.compile(r"\\(.)")


def names_of(machine: Machine) -> Identifiers:
    hosts = {socket.gethostname()}
    try:
        hosts.add(machine.read_file("/etc/hostname", max_bytes=1024).decode("utf-8", "replace").strip())
    except Unreadable:
        hosts.discard("")  # gethostname() has told it already
    if machine.platform is Platform.MACOS:
        return harvest(_of_a_mac(machine, hosts))
    if machine.platform is Platform.WINDOWS:
        return harvest(_of_a_windows(machine, hosts))
    return harvest(
        MachineNames(
            hosts=tuple(sorted(hosts)),
            users=tuple(_people()),
            domains=tuple(_domains(machine)),
            ssids=tuple(_wifi_names(machine)),
            serials=tuple(dict.fromkeys(_serials(machine))),
            macs=tuple(_hardware_addresses()),
        )
    )


def _of_a_mac(machine: Machine, hosts: set[str]) -> MachineNames:
    from diagnostics.collectors.macos.names import read_names

    mac = read_names(machine)
    return MachineNames(
        hosts=tuple(sorted({*hosts, *mac.hosts})),
        users=tuple(_people()),
        domains=mac.domains,
        ssids=mac.networks,
        serials=mac.serials,
        macs=tuple(_hardware_addresses()),
    )


def _of_a_windows(machine: Machine, hosts: set[str]) -> MachineNames:
    from diagnostics.collectors.windows.names import read_names

    windows = read_names(machine)
    people = tuple(LocalUser(person.name, person.full_name, person.home) for person in windows.people)
    return MachineNames(
        hosts=tuple(sorted({*hosts, *windows.hosts})),
        users=(*_people(), *people),
        domains=windows.domains,
        ssids=windows.networks,
        serials=windows.serials,
        macs=tuple(_hardware_addresses()),
    )


def _people() -> Iterator[LocalUser]:
    if sys.platform == "win32":
        import getpass

        yield LocalUser(getpass.getuser())
        return
    import pwd

    for entry in pwd.getpwall():
        if _PERSON_UID_MIN <= entry.pw_uid != _NOBODY_UID:
            yield LocalUser(entry.pw_name, entry.pw_gecos.split(",")[0], entry.pw_dir)


def _domains(machine: Machine) -> Iterator[str]:
    try:
        content = machine.read_file("/etc/resolv.conf", max_bytes=64 * 1024)
    except Unreadable:
        return
    for line in content.decode("utf-8", "replace").splitlines():
        words = line.split()
        if words and words[0] in ("search", "domain"):
            yield from words[1:]


def parse_connection_names(content: bytes) -> tuple[str, ...]:
    r"""Names of Wi-Fi connections: NetworkManager calls one as its network, and one that it meets again "… 1".

    802-11-wireless:Cafe\: upstairs 1
    802-3-ethernet:Wired connection 1
    """
    names: list[str] = []
    for line in content.decode("utf-8", "replace").splitlines():
        kind, _, name = line.partition(":")
        if kind in _WIFI and name:
            plain = _ESCAPED.sub(r"\1", name)
            names.append(plain)
            stem, _, number = plain.rpartition(" ")
            if stem and number.isdigit():
                names.append(stem)
    return tuple(dict.fromkeys(names))


def _wifi_names(machine: Machine) -> tuple[str, ...]:
    try:
        return parse_connection_names(machine.run(commands.CONNECTION_NAMES).stdout)
    except Unreadable:
        return ()  # no NetworkManager here


def parse_disk_serials(content: bytes) -> tuple[str, ...]:
    """{"blockdevices":[{"serial":"S3Z9NB0K123456","wwn":"0x5002538e40a1b2c3"},{"serial":null,"wwn":null}]}"""
    try:
        value = json.loads(content)
    except (ValueError, RecursionError):
        return ()  # an lsblk without --json, older than ten years
    rows = value.get("blockdevices") if isinstance(value, dict) else None
    found: list[str] = []
    for row in rows if isinstance(rows, list) else ():
        if isinstance(row, dict):
            found += [row[name] for name in ("serial", "wwn") if isinstance(row.get(name), str)]
    return tuple(found)


def _serials(machine: Machine) -> Iterator[str]:
    for name in _DMI_FILES:
        try:
            yield machine.read_file(f"{_DMI}/{name}", max_bytes=512).decode("utf-8", "replace")
        except Unreadable:
            continue  # for administrators only, or a machine without DMI
    yield from _disk_serials(machine)
    yield from _battery_serials(machine)
    # machine-id(5) asks to keep it confidential; the journal's folder is called by it.
    yield from _names_in(machine, _JOURNALS)


def _disk_serials(machine: Machine) -> tuple[str, ...]:
    try:
        return parse_disk_serials(machine.run(commands.DISK_SERIALS).stdout)
    except Unreadable:
        return ()  # no lsblk here


def _battery_serials(machine: Machine) -> Iterator[str]:
    for supply in _names_in(machine, _POWER)[:_POWER_SUPPLIES_MAX]:
        try:
            content = machine.read_file(f"{_POWER}/{supply}/uevent", max_bytes=16 * 1024)
        except Unreadable:
            continue  # unplugged meanwhile
        for line in content.decode("utf-8", "replace").splitlines():
            name, _, value = line.partition("=")
            if name == "POWER_SUPPLY_SERIAL_NUMBER":
                yield value


def _names_in(machine: Machine, folder: str) -> tuple[str, ...]:
    try:
        return tuple(entry.name for entry in machine.list_folder(folder))
    except Unreadable:
        return ()


def _hardware_addresses() -> Iterator[str]:
    import psutil

    for addresses in psutil.net_if_addrs().values():
        for address in addresses:
            if address.family == psutil.AF_LINK:
                yield address.address
