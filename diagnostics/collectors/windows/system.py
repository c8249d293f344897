"""Which Windows this is, on which hardware, with which programs.

    {"windows":[{"EditionID":"Professional","DisplayVersion":"24H2","ReleaseId":"2009","CurrentBuildNumber":"26100",
                 "UBR":4349,"InstallationType":"Client"}],
     "computer":[{"Manufacturer":"LENOVO","Model":"21CB","NumberOfLogicalProcessors":16,
                 "TotalPhysicalMemory":16849174528}],
     "firmware":[{"SMBIOSBIOSVersion":"N3AET80W","ReleaseDate":"\\/Date(1718928000000)\\/","SerialNumber":"PF3X"}],
     "processor":[{"Name":"12th Gen Intel(R) Core(TM) i7-1260P"}]}
    {"programs":[{"DisplayName":"7-Zip 24.08 (x64)","DisplayVersion":"24.08","Publisher":"Igor Pavlov","Wow":false}],
     "updates":[{"HotFixID":"KB5068861"}]}

The registry's ProductName still says "Windows 10" on Windows 11: the build number decides.
"""

from __future__ import annotations

from datetime import UTC, datetime

from diagnostics.collectors.windows.gathered import Row, ask, flag, number, text, unix_s
from diagnostics.machine import windows_commands as commands
from diagnostics.machine.interface import Machine, Unreadable
from diagnostics.observations import Hardware, OperatingSystem, Package, Packages

_FIRST_BUILD_OF_11 = 22_000
_ENTERPRISE = ("enterprise", "education", "iotenterprise")
_LONG_TERM = ("enterprises", "enterprisesn", "iotenterprises", "iotenterprisesk")
_PACKAGES_MAX = 5_000


def operating_system_of(row: Row) -> OperatingSystem:
    """`id`: windows, windows-enterprise, windows-ltsc, windows-server: supported for different times; `version`: the
    build, which names a version everywhere; `kernel`: the build with its updates."""
    build = number(row, "CurrentBuildNumber")
    if build is None:
        raise Unreadable("Windows does not tell its build number")
    edition, shown = text(row, "EditionID", 60), text(row, "DisplayVersion", 20) or text(row, "ReleaseId", 20)
    plain = edition.lower()
    if text(row, "InstallationType", 40).lower().startswith("server"):
        kind, name = "windows-server", "Windows Server"
    else:
        name = "Windows 11" if build >= _FIRST_BUILD_OF_11 else "Windows 10" if build >= 10_240 else "Windows"
        kind = "windows-enterprise" if plain.startswith(_ENTERPRISE) else "windows"
        kind = "windows-ltsc" if plain in _LONG_TERM else kind
    return OperatingSystem(
        id=kind,
        name=" ".join(part for part in (name, shown, edition) if part),
        version=str(build),
        kernel=f"10.0.{build}.{number(row, 'UBR') or 0}",
    )


def read_operating_system(machine: Machine) -> OperatingSystem:
    return operating_system_of(ask(machine, commands.SYSTEM).first("windows"))


def read_hardware(machine: Machine) -> Hardware:
    gathered = ask(machine, commands.SYSTEM)
    computer = gathered.first("computer")
    firmware = next(iter(gathered.rows_or_none("firmware")), {})
    processor = next(iter(gathered.rows_or_none("processor")), {})
    dated = unix_s(firmware.get("ReleaseDate"))
    return Hardware(
        cpu_model=text(processor, "Name", 200),
        cpus=number(computer, "NumberOfLogicalProcessors") or 1,
        memory_bytes=number(computer, "TotalPhysicalMemory") or 0,
        vendor=text(computer, "Manufacturer", 200) or None,
        product=text(computer, "Model", 200) or None,
        firmware_version=text(firmware, "SMBIOSBIOSVersion", 200) or None,
        firmware_date=datetime.fromtimestamp(dated, UTC).date().isoformat() if dated else None,
        serial=text(firmware, "SerialNumber", 200) or None,
    )


def read_packages(machine: Machine) -> Packages:
    """Programs by the name Windows shows, and Windows' own updates by their number."""
    gathered = ask(machine, commands.SOFTWARE)
    found: dict[str, Package] = {}
    for row in gathered.rows("programs"):
        name = text(row, "DisplayName", 200)
        if name:
            wide = "x86" if flag(row, "Wow") else ""
            found.setdefault(name, Package(name, text(row, "DisplayVersion", 200), wide, "installed"))
    for row in gathered.rows_or_none("updates"):
        name = text(row, "HotFixID", 40)
        if name:
            found.setdefault(name, Package(name, "", "", "installed"))
    if not found:
        raise Unreadable("the registry lists no installed program")
    return Packages("registry", tuple(list(found.values())[:_PACKAGES_MAX]))
