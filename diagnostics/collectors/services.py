"""Background services and their state, in systemd's words; Windows' own words are translated."""

from __future__ import annotations

from diagnostics.collectors.contract import Collector, Cost, Personal
from diagnostics.machine import commands
from diagnostics.machine.commands import SERVICES as SERVICES_COMMAND
from diagnostics.machine.commands import USER_SERVICES as USER_SERVICES_COMMAND
from diagnostics.machine.interface import Machine, Native, Platform, Unreadable, UnreadableKind
from diagnostics.observations import Service, Services
from diagnostics.plain_text import printable

_WINDOWS_STATES = {"running": ("active", "running"), "stopped": ("inactive", "dead")}
# A machine with more services than this has been tampered with; the list is cut, not the machine's memory.
SERVICES_MAX = 5_000


def parse_systemctl_show(content: bytes, *, boot_unix_s: int | None) -> tuple[Service, ...]:
    """`systemctl show --property=… '*.service'`: blocks of `Name=value`, an empty line between.

    Id=cups.service
    Description=CUPS Scheduler
    LoadState=loaded
    ActiveState=failed
    SubState=failed
    Result=start-limit-hit
    ExecMainStatus=1
    NRestarts=5
    MainPID=0
    UnitFileState=enabled
    StateChangeTimestampMonotonic=81234567
    """
    services = []
    for block in content.decode("utf-8", "replace").split("\n\n"):
        values = dict(line.split("=", 1) for line in block.splitlines() if "=" in line)
        if not values.get("Id"):
            continue
        changed_us = _number(values.get("StateChangeTimestampMonotonic"))
        changed = boot_unix_s + changed_us // 1_000_000 if boot_unix_s and changed_us > 0 else None
        services.append(
            Service(
                name=printable(values["Id"], 256),
                description=printable(values.get("Description", ""), 256),
                load_state=printable(values.get("LoadState", ""), 32),
                active_state=printable(values.get("ActiveState", ""), 32),
                sub_state=printable(values.get("SubState", ""), 32),
                result=printable(values.get("Result", ""), 32),
                exit_status=_number(values.get("ExecMainStatus")),
                restarts=_number(values.get("NRestarts")),
                main_pid=_number(values.get("MainPID")),
                enabled=printable(values.get("UnitFileState", ""), 32),
                changed_unix_s=changed,
            )
        )
        if len(services) >= SERVICES_MAX:
            break
    return tuple(services)


def _number(text: str | None) -> int:
    try:
        return int(text or "0")
    except ValueError:
        return 0  # `[not set]`, or a property this systemd does not know


def parse_windows_services(value: object) -> tuple[Service, ...]:
    """`[{"name","description","status","start","pid"}]`, from the service manager by psutil."""
    services = []
    for item in value if isinstance(value, list) else []:
        active, sub = _WINDOWS_STATES.get(str(item["status"]), ("activating", str(item["status"])))
        services.append(
            Service(
                name=printable(str(item["name"]), 256),
                description=printable(str(item["description"]), 256),
                load_state="loaded",
                active_state=active,
                sub_state=printable(sub, 32),
                result="",
                exit_status=0,
                restarts=0,
                main_pid=int(item["pid"]),
                enabled=printable(str(item["start"]), 32),
                changed_unix_s=None,
            )
        )
    return tuple(services)


def collect_services(machine: Machine, *, user: bool = False) -> Services:
    """`user`: those that systemd runs for this user alone."""
    if user and machine.platform is not Platform.LINUX:
        raise Unreadable("services of a single user are systemd's; there are none here", UnreadableKind.UNSUPPORTED)
    if machine.platform is Platform.WINDOWS:
        from diagnostics.collectors.windows.services import read_services

        return Services(read_services(machine, parse_windows_services(machine.native(Native.SERVICES))))
    if machine.platform is Platform.MACOS:
        from diagnostics.collectors.macos.launchd import collect_services as on_macos

        return on_macos(machine)
    output = machine.run(USER_SERVICES_COMMAND if user else SERVICES_COMMAND)
    if output.exit_code != 0:
        words = printable(output.stderr.strip().split(b"\n")[0])
        if "not been booted with systemd" in words:
            words = "this system was not started by systemd, so nothing supervises services here"
        elif user and "bus" in words.lower():
            words = f"systemd does not supervise anything for this user here ({words})"
        raise Unreadable(words or f"systemctl ended with code {output.exit_code}")
    return Services(parse_systemctl_show(output.stdout, boot_unix_s=machine.clock().boot_unix_s))


def collect_service(machine: Machine, name: str, *, user: bool = False) -> Service:
    """One by its name: systemd's list holds only what is loaded, and a service that is switched off is not. Raises
    Unreadable where there is none, or none can be asked for."""
    unit = name if name.endswith(".service") else f"{name}.service"
    output = machine.run(commands.one_service(unit, user=user))
    for service in parse_systemctl_show(output.stdout, boot_unix_s=machine.clock().boot_unix_s):
        if service.load_state != "not-found":
            return service
    raise Unreadable(f"there is no service {name} here")


SERVICES = Collector(
    id="services",
    collect=collect_services,
    may_contain=frozenset({Personal.INSTALLED_SOFTWARE, Personal.USER_NAMES}),
    cost=Cost.MODERATE,
)
