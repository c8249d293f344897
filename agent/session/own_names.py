"""The names of this machine and its people, for the redactor: what must never leave in a session's rows.

Reads what the system tells any user: its host name, accounts of people, interface addresses. What cannot be read is
left out here; the redactor's own rules (addresses, keys, mail) do not depend on it.
"""

import socket
import sys
from collections.abc import Iterator
from typing import Final

from diagnostics.machine.interface import Machine, Unreadable
from diagnostics.redaction import Identifiers, LocalUser, MachineNames, harvest

# Accounts below are made by the system for its services (login.defs UID_MIN); root is not a person's name.
_PERSON_UID_MIN: Final = 1000
_NOBODY_UID: Final = 65534


def names_of(machine: Machine) -> Identifiers:
    hosts = {socket.gethostname()}
    try:
        hosts.add(machine.read_file("/etc/hostname", max_bytes=1024).decode("utf-8", "replace").strip())
    except Unreadable:
        hosts.discard("")  # gethostname() has told it already
    return harvest(
        MachineNames(
            hosts=tuple(sorted(hosts)),
            users=tuple(_people()),
            domains=tuple(_domains(machine)),
            macs=tuple(_hardware_addresses()),
        )
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


def _hardware_addresses() -> Iterator[str]:
    import psutil

    for addresses in psutil.net_if_addrs().values():
        for address in addresses:
            if address.family == psutil.AF_LINK:
                yield address.address
