"""Is the clock kept right, and how far is it off? Asked of the machine's own time service, never of a server's page."""

from __future__ import annotations

from contextlib import suppress

from diagnostics.collectors.contract import ALL_PLATFORMS, Collector, Cost
from diagnostics.machine import commands
from diagnostics.machine.interface import Machine, Platform, Unreadable
from diagnostics.plain_text import printable
from diagnostics.system_observations import ClockSync


def parse_chronyc(content: bytes) -> ClockSync:
    """`chronyc -c tracking` (chronyc(1)): reference, its name, stratum, reference time, system time offset (s), last
    offset, RMS offset, frequency, …, leap status.

    C0A80101,192.168.1.1,3,1794999981.123456789,-0.000012345,0.000001234,0.000023,-12.345,0.001,0.02,0.01,0.0005,
    64.2,Normal
    """
    fields = content.decode("ascii", "replace").strip().split(",")
    try:
        offset_s = float(fields[4])
        synchronised = int(fields[2]) > 0 and fields[13] != "Not synchronised"
    except (IndexError, ValueError):
        raise Unreadable("chronyc told the time in an unknown form") from None
    return ClockSync("chronyc", synchronised, True, offset_s if synchronised else None)


def parse_timedatectl(content: bytes) -> ClockSync:
    """`timedatectl show` (timedatectl(1)).

    Timezone=Europe/Berlin
    NTP=yes
    NTPSynchronized=yes
    """
    values = dict(line.split("=", 1) for line in content.decode("utf-8", "replace").splitlines() if "=" in line)
    if "NTPSynchronized" not in values:
        raise Unreadable("timedatectl does not tell whether the clock is kept right")
    return ClockSync("timedatectl", values["NTPSynchronized"] == "yes", values.get("NTP") == "yes", None)


def collect_clock_sync(machine: Machine) -> ClockSync:
    if machine.platform is Platform.WINDOWS:
        from diagnostics.collectors.windows.clock import read_clock_sync

        return read_clock_sync(machine)
    if machine.platform is Platform.MACOS:
        from diagnostics.collectors.macos.clock import collect_clock_sync as on_macos

        return on_macos(machine)
    with suppress(Unreadable):  # chrony is not installed here; systemd's own service is asked
        output = machine.run(commands.CHRONY)
        if output.exit_code == 0:
            return parse_chronyc(output.stdout)
    output = machine.run(commands.TIME_SERVICE)
    if output.exit_code != 0:
        words = printable(output.stderr.strip().split(b"\n")[0])
        raise Unreadable(words or f"timedatectl ended with code {output.exit_code}")
    return parse_timedatectl(output.stdout)


CLOCK_SYNC = Collector(
    id="clock-sync", collect=collect_clock_sync, may_contain=frozenset(), cost=Cost.MODERATE, platforms=ALL_PLATFORMS
)
