"""Which system this is: distribution, kernel, hardware, packages."""

from __future__ import annotations

from diagnostics.collectors.contract import Collector, Cost, Personal
from diagnostics.machine import commands
from diagnostics.machine.interface import Command, Machine, Platform, Unreadable, UnreadableKind
from diagnostics.observations import Hardware, OperatingSystem, Package, Packages
from diagnostics.plain_text import printable

_DMI = "/sys/devices/virtual/dmi/id"
PACKAGES_MAX = 20_000


def parse_os_release(content: bytes) -> dict[str, str]:
    """os-release(5): `NAME=value` or `NAME="value"`, shell comments.

    ID=debian
    PRETTY_NAME="Debian GNU/Linux 12 (bookworm)"
    VERSION_ID="12"
    """
    values = {}
    for line in content.decode("utf-8", "replace").splitlines():
        name, separator, value = line.strip().partition("=")
        if separator and not name.startswith("#"):
            values[name] = printable(value.strip().strip("\"'"), 200)
    return values


def collect_operating_system(machine: Machine) -> OperatingSystem:
    if machine.platform is Platform.WINDOWS:
        from diagnostics.collectors.windows.system import read_operating_system

        return read_operating_system(machine)
    if machine.platform is Platform.MACOS:
        from diagnostics.collectors.macos.system import collect_operating_system as on_macos

        return on_macos(machine)
    if machine.platform is not Platform.LINUX:
        raise Unreadable(f"not read on {machine.platform} yet", UnreadableKind.UNSUPPORTED)
    values = parse_os_release(machine.read_file("/etc/os-release"))
    # Linux version 6.18.44 (builder@host) (gcc …) #1 SMP …
    fields = machine.read_file("/proc/version").split()
    kernel = fields[2].decode("ascii", "replace") if len(fields) > 2 else ""
    return OperatingSystem(
        id=values.get("ID", "linux"),
        name=values.get("PRETTY_NAME", values.get("NAME", "Linux")),
        version=values.get("VERSION_ID", ""),
        kernel=printable(kernel, 100),
    )


def parse_packages(content: bytes) -> tuple[Package, ...]:
    """`name<TAB>version<TAB>architecture<TAB>status`, as we ask dpkg-query and rpm to print.

    adduser	3.134	all	installed
    libc6	2.36-9+deb12u13	amd64	installed
    """
    packages = []
    for line in content.decode("utf-8", "replace").splitlines()[:PACKAGES_MAX]:
        fields = [printable(field, 200) for field in line.split("\t")]
        if len(fields) == 4:
            packages.append(Package(*fields))
    return tuple(packages)


def parse_pacman(content: bytes) -> tuple[Package, ...]:
    """`pacman -Q`: `linux 6.11.5.arch1-1`."""
    packages = []
    for line in content.decode("utf-8", "replace").splitlines()[:PACKAGES_MAX]:
        name, _, version = line.partition(" ")
        if version:
            packages.append(Package(printable(name, 200), printable(version, 200), "", "installed"))
    return tuple(packages)


# Asked in this order; the first that is installed answers.
PACKAGE_COMMANDS: tuple[Command, ...] = (commands.DPKG, commands.RPM, commands.PACMAN)


def collect_packages(machine: Machine) -> Packages:
    if machine.platform is Platform.WINDOWS:
        from diagnostics.collectors.windows.system import read_packages

        return read_packages(machine)
    if machine.platform is Platform.MACOS:
        from diagnostics.collectors.macos.packages import collect_packages as on_macos

        return on_macos(machine)
    for command in PACKAGE_COMMANDS:
        try:
            output = machine.run(command)
        except Unreadable:
            continue  # another family of distributions
        parse = parse_pacman if command is commands.PACMAN else parse_packages
        packages = parse(output.stdout) if output.exit_code == 0 else ()
        if packages:
            return Packages(command.argv[0], packages)
    raise Unreadable("no package manager that we know (dpkg, rpm, pacman) answered")


def parse_cpuinfo(content: bytes) -> tuple[str, int]:
    """(model, number of processors); /proc/cpuinfo has one block a processor, x86 names the model in each.

    processor	: 0
    model name	: AMD EPYC 9R14
    """
    model, count = "", 0
    for line in content.decode("utf-8", "replace").splitlines():
        name, _, value = line.partition(":")
        if name.strip() == "processor":
            count += 1
        elif name.strip() in ("model name", "Model", "Hardware") and not model:
            model = printable(value.strip(), 200)
    return model, count


def collect_hardware(machine: Machine) -> Hardware:
    if machine.platform is Platform.WINDOWS:
        from diagnostics.collectors.windows.system import read_hardware

        return read_hardware(machine)
    if machine.platform is Platform.MACOS:
        from diagnostics.collectors.macos.system import collect_hardware as on_macos

        return on_macos(machine)
    if machine.platform is not Platform.LINUX:
        raise Unreadable(f"not read on {machine.platform} yet", UnreadableKind.UNSUPPORTED)
    from diagnostics.collectors.memory import collect_memory

    model, cpus = parse_cpuinfo(machine.read_file("/proc/cpuinfo"))

    def dmi(name: str) -> str | None:
        try:
            return printable(machine.read_file(f"{_DMI}/{name}", max_bytes=512).strip(), 200)
        except Unreadable:
            return None  # a virtual machine without DMI, or the serial number for administrators only

    return Hardware(
        cpu_model=model,
        cpus=cpus,
        memory_bytes=collect_memory(machine).total_bytes,
        vendor=dmi("sys_vendor"),
        product=dmi("product_name"),
        firmware_version=dmi("bios_version"),
        firmware_date=dmi("bios_date"),
        serial=dmi("product_serial"),
    )


OPERATING_SYSTEM = Collector(
    id="operating-system", collect=collect_operating_system, may_contain=frozenset(), cost=Cost.CHEAP
)
PACKAGES = Collector(
    id="packages",
    collect=collect_packages,
    may_contain=frozenset({Personal.INSTALLED_SOFTWARE}),
    cost=Cost.MODERATE,
)
HARDWARE = Collector(
    id="hardware",
    collect=collect_hardware,
    may_contain=frozenset({Personal.SERIAL_NUMBERS}),
    cost=Cost.CHEAP,
)
