"""Is the firewall on, and is the disk encrypted?

`socketfilterfw --getglobalstate`: `Firewall is enabled. (State = 1)`; 2 is "block all", 0 off.
`fdesetup status`: `FileVault is On.`, `FileVault is Off.`, and while it works
`FileVault is On.` with `Encryption in progress: Percent completed = 31.02`.
"""

from __future__ import annotations

import re
from contextlib import suppress
from typing import Final

from diagnostics.collectors.macos.permissions import told
from diagnostics.machine import macos_commands
from diagnostics.machine.interface import Machine, Unreadable
from diagnostics.system_observations import Protection

_STATE: Final = re.compile(rb"Firewall is (?:enabled|disabled|blocking all).{0,80}\(State = (\d)\)")
_FILEVAULT: Final = re.compile(rb"FileVault is (On|Off)")


def parse_firewall(content: bytes) -> str | None:
    found = _STATE.search(content[:4096])
    return None if found is None else "" if found[1] == b"0" else "Application Firewall"


def parse_filevault(content: bytes) -> bool | None:
    found = _FILEVAULT.search(content[:4096])
    return None if found is None else found[1] == b"On"


def collect_protection(machine: Machine) -> Protection:
    firewall = encrypted = None
    with suppress(Unreadable):  # told below when the other one is silent too
        firewall = parse_firewall(told(machine, macos_commands.FIREWALL))
    with suppress(Unreadable):
        encrypted = parse_filevault(told(machine, macos_commands.FILEVAULT))
    if firewall is None and encrypted is None:
        raise Unreadable("neither the firewall nor FileVault tells its state")
    return Protection(firewall, encrypted)
