"""Disks, batteries, heat and memory of a Mac, from what its commands are documented to print."""

import plistlib
from collections.abc import Callable
from pathlib import Path

import pytest

from diagnostics.checks.contract import Context
from diagnostics.checks.smart_nvme import check_smart_nvme
from diagnostics.collectors.macos.disk_activity import parse_drivers
from diagnostics.collectors.macos.disk_health import health_of, parse_disk
from diagnostics.collectors.macos.memory import parse_level, parse_vm_stat
from diagnostics.collectors.macos.names import read_names
from diagnostics.collectors.macos.power import battery_temperature, parse_battery, parse_heat, parse_sensors
from diagnostics.machine import macos_commands
from diagnostics.machine.interface import Command, CommandOutput, Unreadable
from diagnostics.machine.recorded import RecordedMachine


def disk(**told: object) -> bytes:
    counters = told.pop("counters", {})
    return plistlib.dumps({"MediaName": "SSD", "SMARTDeviceSpecificKeysMayVaryNotGuaranteed": counters, **told})


def battery(**told: object) -> bytes:
    return plistlib.dumps([{"BatteryInstalled": True, **told}])


def test_apples_threshold_of_the_spare_is_not_taken_at_its_word(context: Callable[..., Context]) -> None:
    counters = {"AVAILABLE_SPARE": 99, "AVAILABLE_SPARE_THRESHOLD": 99, "PERCENTAGE_USED": 3}
    told = health_of((parse_disk(disk(SMARTStatus="Verified", counters=counters), "disk0"),), ())
    assert told.nvme[0].available_spare_fraction == 0.99
    assert check_smart_nvme(told.nvme, context()).findings == ()


def test_a_drive_whose_verdict_is_bad_fails_whatever_its_counters_say(context: Callable[..., Context]) -> None:
    told = health_of((parse_disk(disk(SMARTStatus="Failing", counters={"PERCENTAGE_USED": 1}), "disk0"),), ())
    assert [finding.code for finding in check_smart_nvme(told.nvme, context()).findings] == ["nvme-failing"]


def test_a_disk_without_counters_gives_its_verdict_and_one_behind_usb_its_silence() -> None:
    spinning = parse_disk(disk(SMARTStatus="About to Fail"), "disk2")
    silent = parse_disk(disk(SMARTStatus="Not Supported"), "disk4")
    told = health_of((spinning, silent), ())
    assert [(item.device, item.passed, item.raw) for item in told.ata] == [("disk2", False, {})]
    assert [(item.name, item.reason) for item in told.unread] == [
        ("disk4", "its controller does not tell SMART's verdict")
    ]
    with pytest.raises(Unreadable, match="SMART's verdict"):
        health_of((silent,), ())


def test_a_disks_heat_comes_in_kelvin() -> None:
    assert parse_disk(disk(counters={"TEMPERATURE": 306}), "disk0").celsius == 32.9
    assert parse_disk(disk(counters={"TEMPERATURE": 0}), "disk0").celsius is None


def test_disk_drivers_are_named_by_the_disk_below_them() -> None:
    counted = {"Operations (Read)": 10, "Operations (Write)": 5, "Total Time (Read)": 3_000_000, "Errors (Write)": 2}
    below = [{"IOClass": "IOMedia", "BSD Name": "disk0"}]
    drivers = parse_drivers(plistlib.dumps([{"Statistics": counted, "IORegistryEntryChildren": below}, {}]))
    assert [(item.disk, item.requests, item.took_ns, item.errors) for item in drivers] == [("disk0", 15, 3_000_000, 2)]


def test_a_battery_of_apple_silicon_of_intel_and_of_macos_27() -> None:
    silicon = parse_battery(
        battery(AppleRawMaxCapacity=3921, DesignCapacity=4382, MaxCapacity=100, CurrentCapacity=81, CycleCount=214)
    )
    intel = parse_battery(battery(MaxCapacity=3921, DesignCapacity=4382, CurrentCapacity=1960, IsCharging=True))
    nested = {"DesignCapacity": 4382, "NominalChargeCapacity": 3921, "CycleCount": 214}
    newest = parse_battery(battery(MaxCapacity=100, CurrentCapacity=81, FullyCharged=True, BatteryData=nested))
    assert silicon is not None
    assert intel is not None
    assert newest is not None
    assert {(item.full, item.design) for item in (silicon, intel, newest)} == {(3921, 4382)}
    assert [item.charge_fraction for item in (silicon, intel, newest)] == [0.81, 0.5, 0.81]
    assert [item.status for item in (silicon, intel, newest)] == ["Discharging", "Charging", "Full"]


def test_a_desktop_has_no_battery() -> None:
    assert parse_battery(b"") is None
    assert parse_battery(battery(BatteryInstalled=False, DesignCapacity=1, MaxCapacity=1)) is None
    assert battery_temperature(b"") is None


@pytest.mark.parametrize(
    ("printed", "limit"),
    [
        ("CPU_Scheduler_Limit \t= 100\nCPU_Available_CPUs \t= 8\nCPU_Speed_Limit \t= 62\n", 0.62),
        ("Note: No thermal warning level has been recorded\n", 1.0),
        ("Thermal Warning Level = 2\n", 0.5),
    ],
)
def test_how_fast_the_processor_may_run(printed: str, limit: float) -> None:
    assert parse_heat(printed.encode()).limit_fraction == limit


def test_heat_told_in_another_way_is_not_guessed() -> None:
    with pytest.raises(Unreadable, match="unknown form"):
        parse_heat(b"Everything is fine\n")


def test_only_whole_lines_of_powermetrics_are_temperatures() -> None:
    printed = b"Fan: 5912 rpm\nCPU die temperature: 97.31 C\nname CPU die temperature: 12 C\n"
    assert [(item.part, item.celsius) for item in parse_sensors(printed)] == [("CPU die", 97.31)]


def test_swapping_counts_pages_of_the_size_that_is_told() -> None:
    printed = b"Mach Virtual Memory Statistics: (page size of 4096 bytes)\nSwapins:   2.\nSwapouts:   3.\n"
    assert (parse_vm_stat(printed).in_bytes, parse_vm_stat(printed).out_bytes) == (8192, 12288)
    with pytest.raises(Unreadable, match="no swapping"):
        parse_vm_stat(b"Swapins: 2.\n")


@pytest.mark.parametrize("printed", [b"", b"3\n", b"-1", b"many\n"])
def test_a_level_of_pressure_that_is_none_is_not_read(printed: bytes) -> None:
    with pytest.raises(Unreadable, match="unknown form"):
        parse_level(printed)


def test_what_a_mac_calls_itself_is_known_so_that_it_can_be_taken_out() -> None:
    printed = {
        macos_commands.COMPUTER_NAME: b"Anna's MacBook Air\n",
        macos_commands.KNOWN_NETWORKS: b"Preferred networks on en0:\n\tHome\n\tCafe upstairs\n",
    }

    class Mac(RecordedMachine):
        def run(self, command: Command) -> CommandOutput:
            return CommandOutput(0, printed[command], b"", False) if command in printed else super().run(command)

    names = read_names(Mac(Path(__file__).resolve().parents[3] / "machines" / "mac-healthy"))
    assert names.hosts == ("Anna's MacBook Air",)
    assert names.networks == ("Home", "Cafe upstairs")
    assert names.domains == ("fritz.box",)
    assert names.serials[0] == "C02EXAMPLE01"
