"""Names of networks and serial numbers are read where the system tells them, and taken out of what leaves."""

from pathlib import Path

import pytest

from agent.session.own_names import names_of, parse_connection_names, parse_disk_serials
from diagnostics.machine.interface import Command, CommandOutput, EntryKind, FolderEntry, Unreadable
from diagnostics.machine.recorded import RecordedMachine
from diagnostics.redaction import Redactor

MACHINES = Path(__file__).parents[2] / "machines"
FILES = {
    "/sys/devices/virtual/dmi/id/product_serial": b"PF3ABC42\n",
    "/sys/devices/virtual/dmi/id/chassis_serial": b"To be filled by O.E.M.\n",
    "/sys/class/power_supply/BAT0/uevent": b"POWER_SUPPLY_TYPE=Battery\nPOWER_SUPPLY_SERIAL_NUMBER=BT90417\n",
}
FOLDERS = {"/sys/class/power_supply": ("AC", "BAT0"), "/var/log/journal": ("8f3b2c5d7e9a41b0a6c4d2e1f0b9a887",)}
COMMANDS = {
    "nmcli": b"802-3-ethernet:Wired connection 1\n802-11-wireless:Villa K\\:12 1\nwifi:Nordlicht-5G\n",
    "lsblk": b'{"blockdevices":[{"serial":"S3Z9NB0K123456","wwn":"0x5002538e40a1b2c3"},{"serial":null,"wwn":null}]}',
}


class Telling(RecordedMachine):
    """Tells what the test wrote and nothing else."""

    def read_file(self, path: str, *, max_bytes: int = 0) -> bytes:
        if path not in FILES:
            raise Unreadable(f"{path} does not exist here")
        return FILES[path]

    def list_folder(self, path: str) -> tuple[FolderEntry, ...]:
        names = FOLDERS.get(path, ())
        return tuple(FolderEntry(name, EntryKind.FOLDER, 0, 0, 0, 0, 1, 1, 1) for name in names)

    def run(self, command: Command) -> CommandOutput:
        return CommandOutput(0, COMMANDS[command.argv[0]], b"", False)


@pytest.fixture
def telling() -> Telling:
    return Telling(MACHINES / "laptop-healthy")


def test_networks_and_serial_numbers_are_harvested_and_placeholders_are_not(telling: Telling) -> None:
    found = {(item.kind.value, item.value) for item in names_of(telling).everywhere}
    assert found >= {
        ("ssid", "Villa K:12"),
        ("ssid", "Villa K:12 1"),
        ("ssid", "Nordlicht-5G"),
        ("serial", "PF3ABC42"),
        ("serial", "BT90417"),
        ("serial", "S3Z9NB0K123456"),
        ("serial", "0x5002538e40a1b2c3"),
        ("serial", "8f3b2c5d7e9a41b0a6c4d2e1f0b9a887"),
    }
    assert not [value for _, value in found if "O.E.M" in value or "Wired" in value]


def test_they_leave_no_line_as_they_are(telling: Telling) -> None:
    redactor = Redactor(names_of(telling), b"a secret for pseudonyms of tests")
    line = "wlan0 joined Villa K:12, then Nordlicht-5G; sda is S3Z9NB0K123456 in PF3ABC42"
    text = redactor.text(line, where="logs/syslog.log")
    for name in ("Villa", "Nordlicht", "S3Z9NB0K123456", "PF3ABC42"):
        assert name not in text
    assert "<ssid:" in text
    assert "<serial:" in text


@pytest.mark.parametrize("content", [b"", b"not json", b"[]", b'{"blockdevices":7}', b'{"blockdevices":[7]}'])
def test_an_lsblk_that_answers_nonsense_tells_no_serial(content: bytes) -> None:
    assert parse_disk_serials(content) == ()


def test_only_wifi_connections_are_names_of_networks() -> None:
    assert parse_connection_names(b"vpn:Office\n802-11-wireless:\nbroken\nwifi:42\n") == ("42",)


def test_a_machine_that_tells_nothing_has_no_such_names() -> None:
    kinds = {item.kind.value for item in names_of(RecordedMachine(MACHINES / "restricted-user")).everywhere}
    assert kinds.isdisjoint({"ssid"})


def test_a_windows_tells_its_people_networks_and_serial_numbers() -> None:
    found = {
        (item.kind.value, item.value) for item in names_of(RecordedMachine(MACHINES / "windows-laptop")).everywhere
    }
    assert found >= {
        ("host", "ANNA-PC"),
        ("user", "anna"),
        ("person", "Anna Schmidt"),
        ("person", "Schmidt"),
        ("ssid", "Cafe upstairs"),
        ("ssid", "Cafe upstairs 2"),
        ("serial", "PF3XAMPL"),
        ("serial", "S649NL0T812345A"),
        ("serial", "3f0b7d1c-6a3e-4b52-9a41-0d2c5b8e7f60"),
    }
    told = {value.lower() for _, value in found}
    assert not told & {"administrator", "wdagutilityaccount", "workgroup", "systemprofile"}
