"""SMART, Wi-Fi, start time, signatures, printers, pings: each tool's documented output becomes facts."""

import json
from collections.abc import Callable
from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from diagnostics.collectors.antivirus import collect_antivirus
from diagnostics.collectors.disk_health import collect_disk_health, parse_smartctl
from diagnostics.collectors.gateway_echo import collect_gateway_echo, parse_ping
from diagnostics.collectors.printers import collect_printers, parse_jobs, parse_printers
from diagnostics.collectors.start_time import parse_start_time
from diagnostics.collectors.wireless import parse_wireless
from diagnostics.hardware_observations import AtaHealth, NvmeHealth, WirelessLink
from diagnostics.machine.commands import is_listed, ping, smart
from diagnostics.machine.interface import Command, Unreadable
from diagnostics.machine.recorded import RecordedMachine
from diagnostics.system_observations import GatewayEcho, Printers

Recorded = Callable[[str], RecordedMachine]


def test_both_kinds_of_disks_tell_of_themselves(recorded: Recorded) -> None:
    health = collect_disk_health(recorded("server-troubled"))
    (ata,), (nvme,) = health.ata, health.nvme
    assert (ata.device, ata.passed, ata.raw["197"]) == ("sda", True, 24)
    assert (nvme.media_errors, nvme.available_spare_fraction, nvme.used_fraction) == (3, 1.0, 0.03)
    assert health.unread == ()


def test_a_disk_that_tells_nothing_says_why() -> None:
    content = b'{"smartctl":{"exit_status":2,"messages":[{"string":"Device is in STANDBY mode, exit(2)"}]}}'
    with pytest.raises(Unreadable, match="STANDBY"):
        parse_smartctl(content, "sda")
    with pytest.raises(Unreadable, match="no JSON"):
        parse_smartctl(b"smartctl 6.6", "sda")
    assert parse_smartctl(b'{"ata_smart_attributes":{"table":[{"id":5,"raw":{"value":true}}]}}', "sda") == AtaHealth(
        "sda", "", None, {"5": 0}
    )
    assert isinstance(parse_smartctl(b'{"nvme_smart_health_information_log":{"media_errors":1}}', "x"), NvmeHealth)


@pytest.mark.parametrize(
    ("row", "above"),
    [
        ({"id": 5, "value": 100, "thresh": 36}, {"5": 64}),
        ({"id": 5, "value": 100, "thresh": 0}, {}),  # its maker sets no limit
        ({"id": 231, "value": 87, "thresh": 0}, {"231": 87}),  # a life goes down to nothing
        ({"id": 5, "value": 30, "thresh": 36}, {"5": -6}),
        ({"id": 5, "value": 255, "thresh": 36}, {}),
        ({"id": 5, "value": 100, "thresh": 255}, {}),
        ({"id": 5, "value": 100, "thresh": "36"}, {}),
        ({"id": 5, "value": 100}, {}),
    ],
)
def test_how_far_a_scale_is_above_its_limit_is_known_where_both_are_told(
    row: dict[str, object], above: dict[str, int]
) -> None:
    seen = parse_smartctl(json.dumps({"ata_smart_attributes": {"table": [row]}}).encode(), "sda")
    assert isinstance(seen, AtaHealth)
    assert seen.above == above


@pytest.mark.parametrize("name", ["../sda", "sda1", "nvme0", "sda --scan", "-h", ""])
def test_only_whole_disks_may_be_asked(name: str) -> None:
    with pytest.raises(Unreadable, match="not the name of a whole disk"):
        smart(name)


def test_commands_with_an_argument_are_listed_only_as_they_are_made() -> None:
    assert is_listed(smart("nvme0n1"))
    assert is_listed(ping("192.168.1.1"))
    assert is_listed(ping("fe80::1"))
    made = smart("sda")
    for argv in (
        (*made.argv[:-1], "/dev/../etc/passwd"),
        (*made.argv, "/dev/sdb"),
        ("smartctl", "--set=standby,now", "/dev/sda"),
    ):
        assert not is_listed(Command(made.name, argv, made.timeout_s))
    assert not is_listed(Command("ping-gateway", ("ping", "-f", "192.168.1.1"), 6))
    with pytest.raises(Unreadable, match="not an address"):
        ping("-f")


def test_the_level_of_wifi_is_dbm_or_nothing() -> None:
    head = b"Inter-| sta-|\n face | tus |\n"
    assert parse_wireless(head + b"wlan0: 0000   54.  -56.  -256  0 0\n") == (WirelessLink("wlan0", -56.0),)
    assert parse_wireless(head + b"wlan0: 0000   54.  200.  0  0 0\nwlan1: x\n") == ()


def test_the_parts_of_the_start_are_seconds() -> None:
    content = b"Startup finished in 5.123s (firmware) + 812ms (kernel) + 1min 12.345s (userspace) = 1min 18.2s \n"
    assert parse_start_time(content).parts_s == {"firmware": 5.123, "kernel": 0.812, "userspace": 72.345}
    with pytest.raises(Unreadable, match="may not be finished"):
        parse_start_time(b"Bootup is not yet finished\n")


def test_signatures_are_as_old_as_the_daily_ones(recorded: Recorded) -> None:
    assert collect_antivirus(recorded("laptop-healthy")).signatures_unix_s == 1_795_000_000 - 40_000
    with pytest.raises(Unreadable, match="no virus scanner"):
        collect_antivirus(recorded("restricted-user"))


def test_printers_and_their_jobs(recorded: Recorded) -> None:
    assert collect_printers(recorded("desktop-crashing")) == Printers(("Office",), {"Office": 2})
    assert parse_printers(b"lpstat: No destinations added.\n") == ()
    assert parse_jobs(b"HP-Laser-7 anna 1\nnonsense\n\n") == {"HP-Laser": 1}


def test_only_the_configured_gateway_is_asked(recorded: Recorded) -> None:
    assert collect_gateway_echo(recorded("laptop-worn")) == GatewayEcho("192.168.1.1", 4, 3, 0.2124)
    assert parse_ping(b"4 packets transmitted, 0 received, 100% packet loss, time 3ms", "x").average_s is None
    with pytest.raises(Unreadable):
        collect_gateway_echo(recorded("restricted-user"))


@settings(deadline=None, derandomize=True, max_examples=60)
@given(st.binary(max_size=300))
def test_any_bytes_are_read_or_refused(content: bytes) -> None:
    for parse in (parse_wireless, parse_start_time, parse_printers, parse_jobs):
        with suppress(Unreadable):
            parse(content)
    with suppress(Unreadable):
        parse_smartctl(content, "sda")
    with suppress(Unreadable):
        parse_ping(content, "x")
