"""Planned jobs of systemd and whether they are armed."""

from __future__ import annotations

from diagnostics.collectors.contract import ALL_PLATFORMS, Collector, Cost, Personal
from diagnostics.machine import commands
from diagnostics.machine.interface import Machine, Platform, Unreadable
from diagnostics.plain_text import printable
from diagnostics.system_observations import Timer, Timers

TIMERS_MAX = 1_000
# Each costs a command.
_UNLOADED_MAX = 10


def parse_timers(content: bytes) -> tuple[Timer, ...]:
    """`systemctl show --property=… '*.timer'`: blocks of `Name=value`; units that are not there are left out.

    Id=fstrim.timer
    Description=Discard unused filesystem blocks once a week
    LoadState=loaded
    ActiveState=active
    Result=success
    UnitFileState=enabled
    """
    timers = []
    for block in content.decode("utf-8", "replace").split("\n\n"):
        values = dict(line.split("=", 1) for line in block.splitlines() if "=" in line)
        if values.get("Id") and values.get("LoadState") == "loaded":
            timers.append(
                Timer(
                    name=printable(values["Id"], 256),
                    description=printable(values.get("Description", ""), 256),
                    active_state=printable(values.get("ActiveState", ""), 64),
                    result=printable(values.get("Result", ""), 64),
                    enabled=printable(values.get("UnitFileState", ""), 64),
                )
            )
    return tuple(timers[:TIMERS_MAX])


def parse_enabled(content: bytes) -> tuple[str, ...]:
    """`systemctl list-unit-files --type=timer --state=enabled`: the names; `x@.timer` is a pattern only.

    apt-daily.timer              enabled enabled
    """
    lines = content.decode("utf-8", "replace").splitlines()
    names = [printable(fields[0], 256) for line in lines if (fields := line.split())]
    return tuple(name for name in names if name.endswith(".timer") and not name.endswith("@.timer"))


def unloaded(machine: Machine, timers: tuple[Timer, ...]) -> tuple[Timer, ...]:
    """Those that are enabled and not even loaded wait for nothing: they count as inactive. But those that are not for
    this machine (fstrim in a container) are left out, and so is what an older systemd cannot tell."""
    try:
        told = machine.run(commands.ENABLED_TIMERS)
    except Unreadable:
        return ()  # what is loaded was told, and that is most of it
    loaded = {timer.name for timer in timers}
    names = [name for name in parse_enabled(told.stdout) if name not in loaded] if told.exit_code == 0 else []
    return tuple(
        Timer(name, "", "inactive", "", "enabled") for name in names[:_UNLOADED_MAX] if _is_meant(machine, name)
    )


def _is_meant(machine: Machine, name: str) -> bool:
    try:
        return machine.run(commands.unit_conditions(name)).exit_code == 0
    except Unreadable:
        return False


def collect_timers(machine: Machine) -> Timers:
    if machine.platform is Platform.WINDOWS:
        from diagnostics.collectors.windows.tasks import read_timers

        return read_timers(machine)
    if machine.platform is Platform.MACOS:
        from diagnostics.collectors.macos.launchd import collect_timers as on_macos

        return on_macos(machine)
    output = machine.run(commands.TIMER_STATES)
    if output.exit_code != 0:
        words = printable(output.stderr.strip().split(b"\n")[0])
        if "not been booted with systemd" in words:
            words = "this system was not started by systemd, so nothing plans jobs here"
        raise Unreadable(words or f"systemctl ended with code {output.exit_code}")
    timers = parse_timers(output.stdout)
    return Timers((*timers, *unloaded(machine, timers)))


TIMERS = Collector(
    id="timers",
    collect=collect_timers,
    may_contain=frozenset({Personal.INSTALLED_SOFTWARE}),
    cost=Cost.MODERATE,
    platforms=ALL_PLATFORMS,
)
