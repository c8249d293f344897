"""Is a firewall on for every kind of network, and is the system's drive encrypted?

    "firewall":   [{"Name":"Domain","Enabled":1},{"Name":"Private","Enabled":1},{"Name":"Public","Enabled":0}]
    "walls":      [{"displayName":"Example Firewall","productState":266240}]     of other makers; see antivirus.py
    "encryption": [{"DriveLetter":"C:","ProtectionStatus":1,"ConversionStatus":1}]      for administrators; 0 off, 1 on
    "shellEncryption": [{"drive":"C:","protection":1}]     for anyone: 1 on, 2 off, 3 at it, 5 suspended, 6 locked
    "systemDrive": [{"drive":"C:"}]

Enabled as in force, group policies counted: 1 on, 0 off. What the shell shows of BitLocker (System.Volume.
BitLockerProtection) is not documented by number; it is only taken where administrators' answer is missing.
"""

from __future__ import annotations

from diagnostics.collectors.windows.antivirus import is_on
from diagnostics.collectors.windows.gathered import Gathered, ask, number, text
from diagnostics.machine import windows_commands as commands
from diagnostics.machine.interface import Machine, Unreadable
from diagnostics.system_observations import Protection

_SHELL_ON, _SHELL_OFF = frozenset({1, 3, 5, 6}), frozenset({2})
_OFF, _ON = 0, 1


def _firewall(gathered: Gathered) -> str | None:
    """What filters; empty where nothing does in some kind of network; None where neither tells."""
    for row in gathered.rows_or_none("walls"):
        if is_on(number(row, "productState") or 0):
            return text(row, "displayName", 80) or "another firewall"
    profiles = gathered.rows_or_none("firewall")
    if not profiles:
        return None
    return "" if any(number(row, "Enabled") == _OFF for row in profiles) else "Windows Firewall"


def _encrypted(gathered: Gathered) -> bool | None:
    drive = next((text(row, "drive", 10) for row in gathered.rows_or_none("systemDrive")), "C:")
    for row in gathered.rows_or_none("encryption"):
        if text(row, "DriveLetter", 10) == drive and number(row, "ProtectionStatus") in (_OFF, _ON):
            return number(row, "ProtectionStatus") == _ON
    for row in gathered.rows_or_none("shellEncryption"):
        told = number(row, "protection")
        if told in _SHELL_ON or told in _SHELL_OFF:
            return told in _SHELL_ON
    return None


def protection_of(gathered: Gathered) -> Protection:
    firewall, encrypted = _firewall(gathered), _encrypted(gathered)
    if firewall is None and encrypted is None:
        gathered.rows("firewall")  # says why
        raise Unreadable("Windows tells neither of its firewall nor of encryption")
    return Protection(firewall, encrypted)


def read_protection(machine: Machine) -> Protection:
    return protection_of(ask(machine, commands.SECURITY))
