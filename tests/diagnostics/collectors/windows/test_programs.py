"""netsh, w32tm, ping and powercfg: read by form and order, in whatever language they speak."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from diagnostics.collectors.windows.battery import batteries_of
from diagnostics.collectors.windows.clock import parse_w32tm, read_clock_sync
from diagnostics.collectors.windows.gateway_echo import parse_windows_ping
from diagnostics.collectors.windows.wireless import parse_wireless
from diagnostics.hardware_observations import Battery, WirelessLink
from diagnostics.machine.interface import Command, CommandOutput, Native, Unreadable
from diagnostics.machine.recorded import RecordedMachine
from diagnostics.system_observations import ClockSync, GatewayEcho

ENGLISH = """\r
    Name                   : Wi-Fi\r
    Description            : Intel(R) Wi-Fi 6E AX211\r
    GUID                   : 2f6d0a5e-6c3c-4a55-9e38-0c1f4f6f6f10\r
    State                  : connected\r
    Receive rate (Mbps)    : 866.7\r
    Signal                 : 87% \r
    Rssi                   : -56\r
\r
    Name                   : Wi-Fi 2\r
    Description            : Realtek 8812BU\r
    GUID                   : 3f6d0a5e-6c3c-4a55-9e38-0c1f4f6f6f11\r
    State                  : disconnected\r
"""
FRENCH = """
    Nom                    : Wi-Fi : bureau
    Description            : Qualcomm
    GUID                   : {2F6D0A5E-6C3C-4A55-9E38-0C1F4F6F6F10}
    Signal                 : 40 %
"""


def test_the_signal_of_connected_adapters_in_dbm() -> None:
    assert parse_wireless(ENGLISH.encode()) == (WirelessLink("Wi-Fi", -56.0),)
    assert parse_wireless(FRENCH.encode()) == (WirelessLink("Wi-Fi : bureau", -80.0),)
    assert parse_wireless(ENGLISH.replace("87%", "187%").encode()) == ()
    assert parse_wireless(b"The Wireless AutoConfig Service (wlansvc) is not running.") == ()


CLOCK = """\
Leap Indicator: 0(no warning)
Stratum: 4 (secondary reference - syncd by (S)NTP)
Precision: -23 (119.209ns per tick)
Root Delay: 0.0401234s
Root Dispersion: 7.7712345s
ReferenceId: 0xC0A80101 (source IP:  192.168.1.1)
Last Successful Sync Time: 11/21/2026 8:12:44 PM
Source: time.windows.com,0x8
Poll Interval: 10 (1024s)

Phase Offset: -0.0512345s
ClockRate: 0.0156250s
"""
GERMAN = CLOCK.replace("Leap Indicator: 0(no warning)", "Sprungindikator: 0(keine Warnung)").replace(
    "Phase Offset: -0.0512345s", "Phasenoffset: 47,2012345s"
)


def test_the_clock_by_the_order_of_its_lines() -> None:
    assert parse_w32tm(CLOCK.replace("\n", "\r\n").encode()) == ClockSync("w32tm", True, True, -0.0512345)
    assert parse_w32tm(GERMAN.encode()) == ClockSync("w32tm", True, True, 47.2012345)
    assert parse_w32tm(CLOCK.replace(": 0(", ": 3(").encode()) == ClockSync("w32tm", False, True, None)
    assert parse_w32tm(CLOCK.replace("Stratum: 4", "Stratum: 0").encode()) == ClockSync("w32tm", False, True, None)
    with pytest.raises(Unreadable, match="unknown form"):
        parse_w32tm(b"The command is not known.")


class Stopped(RecordedMachine):
    """The time service does not run; it may be switched off."""

    def __init__(self, start: str) -> None:
        self._start = start

    def run(self, command: Command) -> CommandOutput:
        words = "Произошла следующая ошибка: Служба не запущена. (0x80070426)"
        return CommandOutput(-2147023834, words.encode(), b"", truncated=False)

    def native(self, subject: Native) -> object:
        row = {"name": "W32Time", "description": "Windows Time", "status": "stopped", "start": self._start, "pid": 0}
        return [row]


def test_a_time_service_that_rests_is_no_fault_and_one_that_is_disabled_is() -> None:
    with pytest.raises(Unreadable, match="does not run just now"):
        read_clock_sync(Stopped("manual"))
    assert read_clock_sync(Stopped("disabled")) == ClockSync("w32tm", False, False, None)


@pytest.mark.parametrize(
    "answer",
    [
        "Reply from 192.168.1.1: bytes=32 time=3ms TTL=64",
        "Antwort von 192.168.1.1: Bytes=32 Zeit=3ms TTL=64",
        "Réponse de 192.168.1.1 : octets=32 temps=3 ms TTL=64",
        "Ответ от 192.168.1.1: число байт=32 время=3мс TTL=64",
        "来自 192.168.1.1 的回复: 字节=32 时间=3ms TTL=64",
    ],
)
def test_pings_answers_in_every_language(answer: str) -> None:
    content = f"\r\n{answer}\r\n{answer.replace('=3', '=9')}\r\nRequest timed out.\r\n".encode()
    assert parse_windows_ping(content, "192.168.1.1") == GatewayEcho("192.168.1.1", 3, 2, 0.006)


def test_less_than_a_millisecond_is_one_at_most_and_silence_has_no_time() -> None:
    assert parse_windows_ping(b"Reply from 10.0.0.1: bytes=32 time<1ms TTL=64\r\n", "10.0.0.1").average_s == 0.001
    unreachable = b"Reply from 192.168.1.7: Destination host unreachable.\r\n" * 3
    assert parse_windows_ping(unreachable, "10.0.0.1") == GatewayEcho("10.0.0.1", 3, 0, None)


def _report(full: str = "51230", design: str = "57000", cycles: str = "212") -> str:
    return (
        '\ufeff<?xml version="1.0" encoding="utf-8"?><BatteryReport xmlns="http://schemas.microsoft.com/battery/2012">'
        f"<Batteries><Battery><Id>5B10</Id><DesignCapacity>{design}</DesignCapacity><FullChargeCapacity>{full}"
        f"</FullChargeCapacity><CycleCount>{cycles}</CycleCount></Battery></Batteries></BatteryReport>"
    )


def test_a_battery_is_told_by_its_report_and_its_state() -> None:
    told = batteries_of(_report(), {"BatteryStatus": 1, "EstimatedChargeRemaining": 64})
    assert told.batteries == (Battery("5B10", "Discharging", 51230, 57000, 212, 0.64),)
    (untold,) = batteries_of(_report(cycles="0"), {}).batteries
    assert (untold.status, untold.cycles, untold.charge_fraction) == ("", None, None)


@pytest.mark.parametrize(
    ("report", "words"),
    [
        (_report(design="0"), "no battery"),
        (_report(full="full"), "no battery"),
        ("<BatteryReport/>", "no battery"),
        ("<BatteryReport>", "no XML"),
        (
            '<!DOCTYPE b [<!ENTITY e SYSTEM "file:///c:/win.ini">]><BatteryReport>&e;</BatteryReport>',
            "declaration",
        ),
        ("<BatteryReport>" + " " * 6_000_001, "larger than"),
    ],
)
def test_a_report_of_another_form_says_so(report: str, words: str) -> None:
    with pytest.raises(Unreadable, match=words):
        batteries_of(report, {})


@given(st.text(alphabet=":%- \n0123456789abcdefTL=sms\u202e", max_size=300))
@settings(deadline=None, derandomize=True, max_examples=80)
def test_no_text_breaks_a_reader(noise: str) -> None:
    parse_wireless(noise.encode())
    parse_windows_ping(noise.encode(), "10.0.0.1")
    for read in (lambda: parse_w32tm(noise.encode()), lambda: batteries_of(noise, {})):
        try:
            read()
        except Unreadable:
            continue
