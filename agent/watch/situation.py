"""In which situation a look finds the machine: power, link, load, since when it is awake. Asked before each look,
through the same `Machine` as everything else: some small files, and one question to NetworkManager where it is there.
"""

from agent.watch.waiting import Situation
from diagnostics.collectors.memory import collect_load
from diagnostics.collectors.sensors import collect_batteries
from diagnostics.hardware_observations import Battery
from diagnostics.machine import commands
from diagnostics.machine.interface import Machine, Platform, Unreadable


def situation_of(machine: Machine, *, now: int, resumed_at: int | None, ask_link: bool) -> Situation:
    """`resumed_at`: when the service noticed that time had stood still. `ask_link`: a check that uses the network is
    due; else nobody is asked about it."""
    batteries = _batteries(machine)
    charges = [battery.charge_fraction for battery in batteries if battery.charge_fraction is not None]
    return Situation(
        on_battery=None if not batteries else any(battery.status == "Discharging" for battery in batteries),
        charge_fraction=min(charges, default=None),
        metered=_metered(machine) if ask_link else None,
        load_a_cpu=_load(machine),
        awake_s=_awake_s(machine, now, resumed_at),
    )


def parse_metered(content: bytes) -> bool | None:
    """`nmcli --terse --fields GENERAL.METERED,GENERAL.STATE device show`: a block a device (nmcli(1)); `yes (guessed)`
    comes from the phone that lends its link. Only connected devices (state 100) count.

    GENERAL.METERED:yes (guessed)
    GENERAL.STATE:100 (connected)
    """
    metered: list[bool] = []
    word = ""
    for line in content.decode("utf-8", "replace").splitlines():
        name, _, value = line.partition(":")
        if name == "GENERAL.METERED":
            word = value
        elif name == "GENERAL.STATE" and value.startswith("100 "):
            metered.append(word.startswith("yes"))
    return all(metered) if metered else None


def _batteries(machine: Machine) -> tuple[Battery, ...]:
    try:
        tells = machine.platform in (Platform.LINUX, Platform.MACOS)
        return collect_batteries(machine).batteries if tells else ()
    except Unreadable:
        return ()  # no battery: a machine on mains power


def _metered(machine: Machine) -> bool | None:
    try:
        output = machine.run(commands.METERED)
    except Unreadable:
        return None  # NetworkManager is not used here
    return parse_metered(output.stdout) if output.exit_code == 0 else None


def _load(machine: Machine) -> float | None:
    try:
        load = collect_load(machine)
    except Unreadable:
        return None
    return load.one_minute / max(1, load.cpus)


def _awake_s(machine: Machine, now: int, resumed_at: int | None) -> int | None:
    try:
        booted_at = machine.clock().boot_unix_s
    except Unreadable:
        booted_at = None
    since = max((at for at in (booted_at, resumed_at) if at is not None), default=None)
    return None if since is None else max(0, now - since)
