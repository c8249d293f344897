"""How old ClamAV's signatures are: dates of /var/lib/clamav, where they lie (clamav.conf(5), DatabaseDirectory)."""

from __future__ import annotations

from diagnostics.collectors.contract import ALL_PLATFORMS, Collector, Cost
from diagnostics.machine.interface import Machine, Platform, Unreadable
from diagnostics.system_observations import Antivirus

FOLDER = "/var/lib/clamav"
# `daily` is renewed every day; `main` once in a year or two.
_DAILY = frozenset({"daily.cvd", "daily.cld"})


def collect_antivirus(machine: Machine) -> Antivirus:
    if machine.platform is Platform.WINDOWS:
        from diagnostics.collectors.windows.antivirus import read_antivirus

        return read_antivirus(machine)
    if machine.platform is Platform.MACOS:
        from diagnostics.collectors.macos.updates import collect_antivirus as on_macos

        return on_macos(machine)
    try:
        entries = machine.list_folder(FOLDER)
    except Unreadable as unreadable:
        raise Unreadable("no virus scanner that we know (ClamAV) is installed", unreadable.kind) from None
    dates = [entry.modified_unix_s for entry in entries if entry.name in _DAILY]
    if not dates:
        raise Unreadable("ClamAV has not fetched any signatures yet")
    return Antivirus("ClamAV", max(dates))


ANTIVIRUS = Collector(
    id="antivirus", collect=collect_antivirus, may_contain=frozenset(), cost=Cost.CHEAP, platforms=ALL_PLATFORMS
)
