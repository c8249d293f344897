"""Which virus scanner guards this Windows, whether it is on, and how old its signatures are.

    "scanners": [{"displayName":"Windows Defender","productState":397568,"timestamp":"Sat, 21 Nov 2026 08:12:44 GMT"}]
    "defender": [{"AMServiceEnabled":true,"AntivirusEnabled":true,"RealTimeProtectionEnabled":true,
                  "AntivirusSignatureLastUpdated":"\\/Date(1794960000000)\\/"}]

`scanners` is the Security Center's list (workstations only); in productState bits 12–15 say whether it is on (1 on, 0
off, 2 snoozed, 3 expired) and bits 4–7 are zero while its signatures are fresh. Microsoft documents neither; every
maker fills them. Defender's own answer has a date, other makers' say fresh or not.
"""

from __future__ import annotations

from diagnostics.collectors.windows.gathered import Gathered, ask, flag, number, text, unix_s
from diagnostics.machine import windows_commands as commands
from diagnostics.machine.interface import Machine, Unreadable
from diagnostics.system_observations import Antivirus

_DEFENDER = "Microsoft Defender"


def is_on(state: int) -> bool:
    return (state >> 12) & 0xF == 1


def is_fresh(state: int) -> bool:
    return (state >> 4) & 0xF == 0


def antivirus_of(gathered: Gathered) -> Antivirus:
    """The scanner that is on; where none is, the one that should be."""
    scanners = [
        (text(row, "displayName", 80), number(row, "productState") or 0) for row in gathered.rows_or_none("scanners")
    ]
    defender = next(iter(gathered.rows_or_none("defender")), None)
    others = [(name, state) for name, state in scanners if "defender" not in name.lower()]
    for name, state in others:
        if is_on(state):
            return Antivirus(name, None, True, not is_fresh(state))
    if defender is not None and (flag(defender, "AntivirusEnabled") or not others):
        on = bool(flag(defender, "AntivirusEnabled")) and flag(defender, "RealTimeProtectionEnabled") is not False
        return Antivirus(_DEFENDER, unix_s(defender.get("AntivirusSignatureLastUpdated")), on, None)
    if scanners:
        name, state = next((it for it in scanners if is_on(it[1])), (others or scanners)[0])
        return Antivirus(name, None, is_on(state), not is_fresh(state))
    gathered.rows("defender")  # says why
    raise Unreadable("Windows knows of no virus scanner here")


def read_antivirus(machine: Machine) -> Antivirus:
    return antivirus_of(ask(machine, commands.SECURITY))
