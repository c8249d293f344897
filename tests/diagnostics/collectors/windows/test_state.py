"""What PowerShell tells of disks, protection, programs, tasks, printers, proxies and settings."""

import pytest

from diagnostics.collectors.windows.antivirus import antivirus_of
from diagnostics.collectors.windows.disks import disk_activities_of, disk_health_of, smart_attributes
from diagnostics.collectors.windows.network import listeners_of, network_of, sockets_of
from diagnostics.collectors.windows.printers import printers_of
from diagnostics.collectors.windows.protection import protection_of
from diagnostics.collectors.windows.proxy import proxies_of, winhttp_proxy
from diagnostics.collectors.windows.restart import restart_needed_of
from diagnostics.collectors.windows.startup import startup_items_of
from diagnostics.collectors.windows.system import operating_system_of
from diagnostics.collectors.windows.tasks import timers_of
from diagnostics.hardware_observations import AtaHealth, DiskActivity, NvmeHealth
from diagnostics.machine.interface import Unreadable, UnreadableKind
from diagnostics.system_observations import Antivirus, Printers, Protection
from tests.diagnostics.collectors.windows.windows_answers import DENIED, NOW, gathered

SATA = "SCSI\\DISK&VEN_&PROD_ST1000\\4&1F2E&0&000000"


def _table(**raw: int) -> bytes:
    table = bytearray(512)
    for place, (number, value) in enumerate(raw.items()):
        table[2 + 12 * place] = int(number[1:])
        table[2 + 12 * place + 5 : 2 + 12 * place + 11] = value.to_bytes(6, "little")
    return bytes(table)


def test_a_drives_own_table_is_read_by_its_places() -> None:
    assert smart_attributes(_table(_5=48, _187=0, _197=2**40)) == {"5": 48, "187": 0, "197": 2**40}
    assert smart_attributes(b"") == smart_attributes(b"\x10\x00\x05") == {}


def _physical(bus: int, **changed: object) -> dict[str, object]:
    row = {"DeviceId": "0", "FriendlyName": "Disk", "BusType": bus, "HealthStatus": 0, "OperationalStatus": [2]}
    return {**row, **changed}


def test_an_nvme_drive_tells_wear_and_errors_but_no_spare() -> None:
    counters = [{"DeviceId": "0", "Wear": 97, "ReadErrorsUncorrected": 30, "WriteErrorsUncorrected": 1}]
    told = disk_health_of(gathered(physical=_physical(17, HealthStatus=2), reliability=counters))
    assert told.nvme == (NvmeHealth("Disk 0", "Disk", 0b100, None, None, 0.97, 31),)


@pytest.mark.parametrize(
    ("changed", "predicted", "passed"),
    [
        ({}, False, True),
        ({"HealthStatus": 2}, False, False),
        ({"OperationalStatus": [2, 5]}, False, False),
        ({"HealthStatus": 1}, False, True),
        ({}, True, False),
    ],
)
def test_a_disks_verdict_comes_from_windows_or_the_drive(
    changed: dict[str, object], predicted: bool, passed: bool
) -> None:
    told = disk_health_of(
        gathered(
            physical=[_physical(11, **changed)],
            reliability=DENIED,
            drives={"Index": 0, "PNPDeviceID": SATA},
            predictions={"InstanceName": SATA.upper() + "_0", "PredictFailure": predicted},
            attributes={"InstanceName": SATA + "_0", "Bytes": _table(_197=8).hex("-").upper()},
        )
    )
    assert told.ata == (AtaHealth("Disk 0", "Disk", passed, {"197": 8}),)


def test_who_may_not_ask_disks_is_told_so() -> None:
    with pytest.raises(Unreadable, match="needs administrator"):
        disk_health_of(gathered(physical=[_physical(17), _physical(7)], reliability=DENIED))
    with pytest.raises(Unreadable, match="needs administrator") as refused:
        disk_health_of(gathered(physical=DENIED))
    assert refused.value.kind is UnreadableKind.DENIED


def test_a_disks_work_is_its_time_that_was_not_idle() -> None:
    row = {
        "DiskTransfersPersec": 9,
        "PercentDiskTime": 30_000,
        "PercentIdleTime": 70_000,
        "PercentIdleTime_Base": 100_000,
    }
    told = disk_activities_of([{"Name": "0 C:", **row}, {"Name": "_Total", **row}, {"Name": "1 D:"}])
    assert told.disks == (DiskActivity("0 C:", 9, 3, 3),)
    with pytest.raises(Unreadable, match="switched off"):
        disk_activities_of([])


WALL = "Windows Firewall"
ON, OFF, OFF_AND_OLD, ON_AND_OLD = 266_240, 262_144, 262_160, 266_256
DEFENDER = {"AntivirusEnabled": True, "RealTimeProtectionEnabled": True}
UPDATED = {"AntivirusSignatureLastUpdated": f"/Date({(NOW - 60) * 1000})/"}


@pytest.mark.parametrize(
    ("scanners", "defender", "told"),
    [
        ([("Other", ON)], [{"AntivirusEnabled": False}], Antivirus("Other", None, True, False)),
        ([("Other", ON_AND_OLD)], [], Antivirus("Other", None, True, True)),
        ([("Windows Defender", ON)], [{**DEFENDER, **UPDATED}], Antivirus("Microsoft Defender", NOW - 60, True, None)),
        ([("Other", OFF)], [{**DEFENDER, **UPDATED}], Antivirus("Microsoft Defender", NOW - 60, True, None)),
        (
            [("Windows Defender", OFF)],
            [{**DEFENDER, **UPDATED, "RealTimeProtectionEnabled": False}],
            Antivirus("Microsoft Defender", NOW - 60, False, None),
        ),
        (
            [("Windows Defender", OFF), ("Other", OFF_AND_OLD)],
            [{"AntivirusEnabled": False}],
            Antivirus("Other", None, False, True),
        ),
        ([], [{**DEFENDER, **UPDATED}], Antivirus("Microsoft Defender", NOW - 60, True, None)),
    ],
)
def test_the_scanner_that_guards_or_should(
    scanners: list[tuple[str, int]], defender: list[dict[str, object]], told: Antivirus
) -> None:
    rows = [{"displayName": name, "productState": state} for name, state in scanners]
    assert antivirus_of(gathered(scanners=rows, defender=defender)) == told


def test_no_scanner_at_all_is_said_with_its_reason() -> None:
    with pytest.raises(Unreadable, match="knows of no virus scanner"):
        antivirus_of(gathered(scanners=[], defender=[]))
    with pytest.raises(Unreadable, match="needs administrator"):
        antivirus_of(gathered(scanners=DENIED, defender=DENIED))


def _drive(letter: str, status: int) -> dict[str, object]:
    return {"DriveLetter": letter, "ProtectionStatus": status}


def _profiles(*enabled: int) -> list[dict[str, object]]:
    return [{"Name": name, "Enabled": on} for name, on in zip(("Domain", "Private", "Public"), enabled, strict=True)]


@pytest.mark.parametrize(
    ("parts", "told"),
    [
        (
            {"firewall": _profiles(1, 1, 1), "encryption": _drive("C:", 1)},
            (WALL, True),
        ),
        ({"firewall": _profiles(1, 1, 0), "encryption": _drive("C:", 0)}, ("", False)),
        ({"firewall": _profiles(0, 0, 0), "walls": {"displayName": "Wall", "productState": ON}}, ("Wall", None)),
        (
            {"firewall": _profiles(1, 1, 1), "encryption": DENIED, "shellEncryption": {"protection": 2}},
            (WALL, False),
        ),
        ({"firewall": DENIED, "encryption": DENIED, "shellEncryption": {"protection": 5}}, (None, True)),
        (
            {"firewall": _profiles(1, 1, 1), "encryption": _drive("D:", 1)},
            (WALL, None),
        ),
    ],
)
def test_firewall_and_encryption(parts: dict[str, object], told: tuple[str | None, bool | None]) -> None:
    assert protection_of(gathered(**parts)) == Protection(*told)


@pytest.mark.parametrize(
    ("edition", "build", "kind", "told", "name"),
    [
        ("Core", "19045", "Client", "windows", "Windows 10 22H2 Core"),
        ("Professional", "26200", "Client", "windows", "Windows 11 22H2 Professional"),
        ("Enterprise", "22631", "Client", "windows-enterprise", "Windows 11 22H2 Enterprise"),
        ("EnterpriseS", "19044", "Client", "windows-ltsc", "Windows 10 22H2 EnterpriseS"),
        ("ServerStandard", "20348", "Server", "windows-server", "Windows Server 22H2 ServerStandard"),
    ],
)
def test_which_windows_by_its_build(edition: str, build: str, kind: str, told: str, name: str) -> None:
    row = {
        "EditionID": edition,
        "DisplayVersion": "22H2",
        "CurrentBuildNumber": build,
        "UBR": 7,
        "InstallationType": kind,
    }
    system = operating_system_of(row)
    assert (system.id, system.name, system.version, system.kernel) == (told, name, build, f"10.0.{build}.7")


def test_a_restart_is_needed_by_its_marks_and_not_by_renames_alone() -> None:
    assert not restart_needed_of({"servicing": False, "updates": False, "renames": 9, "renamed": False}, "k").required
    needed = restart_needed_of({"servicing": True, "updates": False, "renames": 9, "renamed": True}, "k")
    assert (needed.required, needed.packages) == (
        True,
        ("Windows components", "the computer's new name", "9 files to replace"),
    )


@pytest.mark.parametrize(
    ("row", "active"),
    [
        ({"path": "\\Backup", "enabled": True, "state": 3, "result": -2147024894}, "failed"),
        ({"path": "\\Backup", "enabled": True, "state": 3, "result": 2147942402}, "failed"),
        ({"path": "\\Backup", "enabled": False, "state": 1, "result": -2147024894}, "inactive"),
        ({"path": "\\Backup", "enabled": True, "state": 3, "result": 1}, "active"),
        ({"path": "\\Backup", "enabled": True, "state": 4, "result": 267009}, "active"),
    ],
)
def test_a_task_failed_when_windows_could_not_start_it(row: dict[str, object], active: str) -> None:
    assert [timer.active_state for timer in timers_of([row]).timers] == [active]


def test_windows_own_tasks_are_left_out() -> None:
    assert timers_of([{"path": "\\Microsoft\\Windows\\Defrag", "enabled": True, "result": -2147024894}]).timers == ()


def test_a_printer_is_stopped_by_its_state_or_by_its_job() -> None:
    printers = [
        {"Name": "Büro, 1. Stock", "PrinterStatus": 0, "JobCount": 7},
        {"Name": "Lager", "PrinterStatus": 0x80, "JobCount": 0},
        {"Name": "PDF", "PrinterStatus": 0x400, "JobCount": 1},
    ]
    jobs = [{"Name": "Büro, 1. Stock, 12", "StatusMask": 2}, {"Name": "PDF, 3", "StatusMask": 16}]
    assert printers_of(gathered(printers=printers, jobs=jobs)) == Printers(
        ("Büro, 1. Stock", "Lager"), {"Büro, 1. Stock": 7, "PDF": 1}
    )
    with pytest.raises(Unreadable, match="no printer"):
        printers_of(gathered(printers=[], jobs=[]))


SET = bytes.fromhex("2800000000000000030000000e000000") + b"127.0.0.1:8888" + bytes(4)


def test_the_services_proxy_out_of_its_bytes() -> None:
    assert winhttp_proxy(SET) == "127.0.0.1:8888"
    assert winhttp_proxy(SET[:8] + b"\x01" + SET[9:]) == ""
    assert winhttp_proxy(SET[:12] + b"\xff" + SET[13:]) == winhttp_proxy(SET[:20]) == winhttp_proxy(b"") == ""


@pytest.mark.parametrize(
    ("row", "told"),
    [
        ({"enabled": 0, "server": "proxy:3128"}, {}),
        ({"enabled": 1, "server": "proxy.example.org:3128"}, {"WinINet": "proxy.example.org:3128"}),
        (
            {"enabled": 1, "server": "http=127.0.0.1:8888;https=kein proxy"},
            {"WinINet http": "127.0.0.1:8888", "WinINet https": None},
        ),
        ({"winhttp": SET.hex("-").upper()}, {"WinHTTP": "127.0.0.1:8888"}),
        ({"script": "http://wpad.example.org/wpad.dat"}, {"WinINet script": "wpad.example.org:80"}),
        ({"enabled": 1, "server": "http://anna:secret@proxy:3128"}, {"WinINet": "proxy:3128"}),
    ],
)
def test_proxies_by_kind_without_passwords(row: dict[str, object], told: dict[str, str | None]) -> None:
    assert proxies_of(row).proxies == told


RUN = "HKCU:\\SOFTWARE\\Microsoft\\Windows\\CurrentVersion\\Run"


def test_what_is_switched_off_in_the_task_manager_does_not_start() -> None:
    told = startup_items_of(
        gathered(
            startup=[{"place": RUN, "name": name, "command": f"{name}.exe"} for name in ("On", "Off", "Plain")],
            startupApproved=[{"name": "On", "state": 2}, {"name": "Off", "state": 3}],
            startupFolders={
                "place": "C:\\Startup",
                "name": "notes.lnk",
                "size": 9,
                "modified": "/Date(1750000000000)/",
            },
        )
    )
    assert [item.name for item in told.items] == ["On", "Plain", "notes.lnk"]
    assert told.items[0].starts != told.items[1].starts
    assert (told.items[2].starts, told.items[2].modified_unix_s) == ("", 1_750_000_000)


def test_only_adapters_that_are_there_and_name_servers_somebody_gave() -> None:
    network = network_of(
        gathered(
            adapters=[
                {
                    "Name": "Wi-Fi",
                    "InterfaceIndex": 12,
                    "InterfaceOperationalStatus": 1,
                    "PermanentAddress": "A4C3F0",
                },
                {"Name": "Made", "InterfaceIndex": 3, "InterfaceOperationalStatus": 1, "HardwareInterface": False},
                {"Name": "Cable", "InterfaceIndex": 7, "InterfaceOperationalStatus": 1, "MediaConnectState": 2},
            ],
            addresses={"InterfaceIndex": 12, "IPAddress": "192.168.1.7", "PrefixLength": 24},
            routes={"InterfaceIndex": 12, "NextHop": "192.168.1.1", "RouteMetric": 5, "InterfaceMetric": 30},
            resolvers=[
                {"InterfaceIndex": 12, "ServerAddresses": "192.168.1.1"},
                {"InterfaceIndex": 12, "ServerAddresses": ["fec0:0:0:ffff::1", "fe80::1", "no address; calc"]},
                {"InterfaceIndex": 99, "ServerAddresses": ["10.9.9.9"]},
            ],
        )
    )
    assert [(it.name, it.up, it.addresses) for it in network.interfaces] == [
        ("Wi-Fi", True, ("192.168.1.7/24",)),
        ("Cable", False, ()),
    ]
    assert network.interfaces[0].hardware_address == "a4:c3:f0"
    assert [(it.gateway, it.interface, it.metric) for it in network.routes] == [("192.168.1.1", "Wi-Fi", 35)]
    assert network.resolvers == ("192.168.1.1", "fe80::1%12")


def test_connections_by_state_and_the_ports_that_are_open() -> None:
    told = gathered(
        connections=[
            {"Name": "2", "Count": 2, "Ports": [135, 445, -1, "x"]},
            {"Name": "5", "Count": 40},
            {"Name": "11", "Count": 7},
        ],
        ports=[{"DynamicPortRangeNumberOfPorts": None}, {"DynamicPortRangeNumberOfPorts": 20_000}],
    )
    assert listeners_of(told).tcp_ports == {135, 445}
    sockets = sockets_of(told)
    assert (sockets.tcp_in_use, sockets.tcp_waiting, sockets.ports) == (40, 7, 20_000)
    with pytest.raises(Unreadable, match="no port"):
        listeners_of(gathered(connections=[]))
