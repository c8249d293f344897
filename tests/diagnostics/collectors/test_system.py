"""Distribution, packages, hardware, network: pure parsing of real output."""

from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from diagnostics.collectors.network import (
    collect_network,
    parse_ip_addresses,
    parse_ip_routes,
    parse_proc_net_dev,
    parse_proc_net_route,
)
from diagnostics.collectors.system import (
    collect_hardware,
    collect_operating_system,
    parse_cpuinfo,
    parse_os_release,
    parse_packages,
    parse_pacman,
)
from diagnostics.machine.interface import Unreadable
from diagnostics.machine.recorded import RecordedMachine
from diagnostics.observations import Package, Route

Recorded = Callable[[str], RecordedMachine]


def test_the_recorded_machine_is_a_debian(recorded: Recorded) -> None:
    system = collect_operating_system(recorded("debian-virtual-machine"))
    assert (system.id, system.version, system.name) == ("debian", "12", "Debian GNU/Linux 12 (bookworm)")
    assert system.kernel.startswith("6.")


def test_a_virtual_machine_without_firmware_tables_has_no_serial_number(recorded: Recorded) -> None:
    hardware = collect_hardware(recorded("debian-virtual-machine"))
    assert (hardware.cpus, hardware.serial, hardware.vendor) == (2, None, None)
    assert hardware.memory_bytes > 20_000_000_000


def test_os_release_may_be_quoted_or_not() -> None:
    values = parse_os_release(b"# c\nID=debian\nNAME=\"Debian\"\nVERSION_ID='12'\nbroken\n")
    assert values == {"ID": "debian", "NAME": "Debian", "VERSION_ID": "12"}


def test_packages_of_each_family() -> None:
    assert parse_packages(b"adduser\t3.134\tall\tinstalled\nbroken line\n") == (
        Package("adduser", "3.134", "all", "installed"),
    )
    assert parse_pacman(b"linux 6.11.5.arch1-1\nbroken\n") == (Package("linux", "6.11.5.arch1-1", "", "installed"),)


def test_processors_are_counted() -> None:
    text = b"processor\t: 0\nmodel name\t: AMD EPYC\n\nprocessor\t: 1\nmodel name\t: AMD EPYC\n"
    assert parse_cpuinfo(text) == ("AMD EPYC", 2)


def test_interfaces_of_ip() -> None:
    text = (
        b'[{"ifname":"eth0","flags":["UP","LOWER_UP"],"mtu":1500,"address":"52:54:00:12:34:56",'
        b'"addr_info":[{"local":"192.0.2.7","prefixlen":24},{"family":"inet"}],'
        b'"stats64":{"rx":{"bytes":10,"errors":1,"dropped":2},"tx":{"bytes":20,"errors":3,"dropped":4}}},'
        b'{"ifname":"eth1","flags":["UP","NO-CARRIER"],"stats64":{"rx":[]}}, 7]'
    )
    first, second = parse_ip_addresses(text)
    assert (first.up, first.addresses, first.errors, first.drops) == (True, ("192.0.2.7/24",), 4, 6)
    assert (second.up, second.addresses, second.received_bytes) == (False, (), 0)


def test_routes_of_ip_and_of_proc() -> None:
    assert parse_ip_routes(b'[{"dst":"default","gateway":"192.0.2.1","dev":"eth0","metric":100}]') == (
        Route("default", "192.0.2.1", "eth0", 100),
    )
    text = (
        b"Iface\teth0\n"
        b"eth0\t00000000\t0102A8C0\t0003\t0\t0\t100\t00000000\n"
        b"eth0\t0002A8C0\t00000000\t0001\t0\t0\t100\t00FFFFFF\n"
        b"eth0\tzz\tzz\t1\t0\t0\t100\tzz\n"
    )
    assert parse_proc_net_route(text) == (
        Route("default", "192.168.2.1", "eth0", 100),
        Route("192.168.2.0/24", "0.0.0.0", "eth0", 100),
    )


def test_counters_of_proc() -> None:
    text = b"Inter-| Receive\n face |bytes\n  eth0: 10 1 2 3 0 0 0 0 20 1 4 5 0 0 0 0\n"
    (interface,) = parse_proc_net_dev(text)
    assert (interface.name, interface.received_bytes, interface.sent_bytes) == ("eth0", 10, 20)
    assert (interface.errors, interface.drops) == (6, 8)


def test_without_the_ip_program_proc_answers(recorded: Recorded) -> None:
    network = collect_network(recorded("debian-virtual-machine"))
    assert network.resolvers
    assert network.interfaces


@settings(deadline=None, derandomize=True, max_examples=200)
@given(st.binary(max_size=200) | st.text(alphabet='[]{}":,a1', max_size=80).map(str.encode))
def test_any_output_is_read_or_refused(content: bytes) -> None:
    for parse in (parse_os_release, parse_packages, parse_pacman, parse_cpuinfo, parse_proc_net_dev):
        parse(content)
    parse_proc_net_route(content)
    for parse_json in (parse_ip_addresses, parse_ip_routes):
        try:
            parse_json(content)
        except Unreadable:
            continue


@pytest.mark.parametrize("text", [b"", b"{}", b"[" * 10_000, b"nonsense"])
def test_output_that_is_no_list_is_unreadable(text: bytes) -> None:
    with pytest.raises(Unreadable, match="JSON"):
        parse_ip_addresses(text)
