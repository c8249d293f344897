"""Disks at work, processor time, sensors and batteries: what the kernel shows becomes numbers."""

from collections.abc import Callable
from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from diagnostics.collectors.disk_activity import collect_disk_activity, parse_diskstats
from diagnostics.collectors.sensors import (
    collect_batteries,
    collect_temperatures,
    collect_throttling,
    parse_power_supply,
)
from diagnostics.collectors.work_counters import parse_cpu_times, parse_vmstat
from diagnostics.hardware_observations import Battery, CpuTimes, DiskActivity, Swapping, Temperature
from diagnostics.machine.interface import Unreadable
from diagnostics.machine.recorded import RecordedMachine
from diagnostics.machine.roots import is_listable, is_readable

Recorded = Callable[[str], RecordedMachine]

DISKSTATS = b"""\
   7       0 loop0 41 0 812 9 0 0 0 0 0 12 9 0 0 0 0 0 0
 259       0 nvme0n1 81234 4021 6123456 41234 91234 51234 8123456 81234 0 91234 132468 0 0 0 0 0 0
 259       1 nvme0n1p1 312 0 4123 61 2 0 2 1 0 84 62 0 0 0 0 0 0
   8       0 sda 10 0 1 2 20 0 3 4 0 5 6
   8      16 sdb broken
 253       0 dm-0 1 2 3 4 5 6 7 8 9 10 11
"""


def test_whole_disks_are_counted_and_their_partitions_are_not() -> None:
    assert parse_diskstats(DISKSTATS) == (
        DiskActivity("nvme0n1", 172_468, 122_468, 91_234),
        DiskActivity("sda", 30, 6, 5),
    )


def test_a_machine_without_disks_of_its_own_says_so(recorded: Recorded) -> None:
    class Container(RecordedMachine):
        def read_file(self, path: str, *, max_bytes: int = 1) -> bytes:
            return b""

    with pytest.raises(Unreadable, match="no disk counts"):
        collect_disk_activity(Container(recorded("laptop-healthy").folder))


def test_processor_time_is_seconds_and_guests_are_not_counted_twice() -> None:
    stat = b"cpu  4705 150 1120 16250 520 30 45 12 99 99\ncpu0 1 1 1 1 1 1 1 1 0 0\n"
    assert parse_cpu_times(stat) == CpuTimes(60.5, 162.5, 5.2, 0.12)
    for broken in (b"", b"cpu  1 2 3", b"intr 1 2 3 4 5 6 7 8 9"):
        with pytest.raises(Unreadable):
            parse_cpu_times(broken)


def test_swapped_pages_are_bytes() -> None:
    assert parse_vmstat(b"nr_free 1\npswpin 2\npswpout 3\n") == Swapping(8192, 12_288)
    with pytest.raises(Unreadable):
        parse_vmstat(b"nr_free 1\n")


def test_of_each_chip_the_hottest_plausible_reading_is_told(recorded: Recorded) -> None:
    assert collect_temperatures(recorded("laptop-worn")).readings == (
        Temperature("coretemp", 99.5, 100.0),
        Temperature("nvme", 41.0, 84.85),
    )


def test_throttling_is_summed_over_the_processors(recorded: Recorded) -> None:
    assert collect_throttling(recorded("laptop-worn")).events == 412


def test_a_virtual_machine_has_neither_sensors_nor_battery(recorded: Recorded) -> None:
    for collect in (collect_temperatures, collect_throttling, collect_batteries):
        with pytest.raises(Unreadable):
            collect(recorded("restricted-user"))


def test_a_battery_of_the_machine_is_told_with_its_wear(recorded: Recorded) -> None:
    assert collect_batteries(recorded("laptop-worn")).batteries == (
        Battery("BAT0", "Discharging", 19_230_000, 57_020_000, 1123, 0.81),
    )


UEVENT = "POWER_SUPPLY_TYPE=Battery\nPOWER_SUPPLY_CHARGE_FULL=40\nPOWER_SUPPLY_CHARGE_FULL_DESIGN=50\n"


@pytest.mark.parametrize(
    "changed",
    [
        UEVENT.replace("Battery", "Mains"),
        UEVENT + "POWER_SUPPLY_SCOPE=Device\n",  # a mouse
        UEVENT + "POWER_SUPPLY_PRESENT=0\n",
        UEVENT.replace("DESIGN=50", "DESIGN=0"),
        "",
    ],
)
def test_what_is_no_battery_of_the_machine_is_left_out(changed: str) -> None:
    assert parse_power_supply(UEVENT) is not None
    assert parse_power_supply(changed) is None


def test_firmware_that_counts_no_cycles_says_zero() -> None:
    battery = parse_power_supply(UEVENT + "POWER_SUPPLY_CYCLE_COUNT=0\n")
    assert battery is not None
    assert battery.cycles is None


def test_sensors_may_be_read_and_the_rest_of_sys_may_not() -> None:
    for path in (
        "/sys/class/hwmon/hwmon0/temp1_input",
        "/sys/devices/platform/coretemp.0/hwmon/hwmon3/temp12_crit",
        "/sys/devices/LNXSYSTM:00/PNP0C0A:00/power_supply/BAT0/uevent",
        "/sys/devices/system/cpu/cpu11/thermal_throttle/core_throttle_count",
    ):
        assert is_readable(path)
    for path in (
        "/sys/class/hwmon/hwmon0/device/uevent",
        "/sys/class/hwmon/hwmon0/../../net/eth0/address",
        "/sys/class/net/eth0/address",
        "/sys/kernel/security/lockdown",
    ):
        assert not is_readable(path)
    assert is_listable("/sys/class/hwmon")
    assert is_listable("/sys/devices/platform/coretemp.0/hwmon/hwmon3")
    assert not is_listable("/sys/class/net")


@settings(deadline=None, derandomize=True, max_examples=60)
@given(st.binary(max_size=200))
def test_any_bytes_are_numbers_or_refused(content: bytes) -> None:
    for disk in parse_diskstats(content + b"\n8 0 sda " + content):
        assert disk.requests >= 0 or b"-" in content
    for parse in (parse_cpu_times, parse_vmstat):
        with suppress(Unreadable):
            parse(b"cpu " + content)
    parse_power_supply(UEVENT + content.decode("utf-8", "replace"))
