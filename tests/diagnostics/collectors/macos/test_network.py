"""Ways out, names, proxies and connections of a Mac, and which commands its part of the closed list lets through."""

import pytest

from diagnostics.collectors.macos.clock import parse_kept, parse_server, parse_sntp
from diagnostics.collectors.macos.network_settings import parse_dns, parse_proxies
from diagnostics.collectors.macos.protection import parse_filevault, parse_firewall
from diagnostics.collectors.macos.routes import is_internal, parse_arp, parse_routes
from diagnostics.collectors.macos.sockets import parse_connections, parse_tcp_counters
from diagnostics.machine import macos_commands
from diagnostics.machine.commands import is_listed
from diagnostics.machine.interface import Command, Unreadable
from diagnostics.observations import Interface

DNS = b"""DNS configuration

resolver #1
  search domain[0] : fritz.box
  nameserver[0] : 192.168.1.1
  nameserver[1] : fe80::1%en0

resolver #2
  domain   : corp.example
  nameserver[0] : 10.0.0.53

DNS configuration (for scoped queries)

resolver #1
  nameserver[0] : 198.51.100.1
"""


def test_name_servers_are_those_that_answer_for_every_name() -> None:
    assert parse_dns(DNS) == (("192.168.1.1", "fe80::1%en0"), ("fritz.box",))
    assert parse_dns(b"DNS configuration\n") == ((), ())


def test_a_tunnels_own_default_is_no_way_out() -> None:
    printed = b"""Destination        Gateway            Flags               Netif Expire
default            192.168.1.1        UGScg                 en0
default            fe80::%utun0       UGcIg               utun0
192.168.1.1        0:1a:2b:3c:4d:5e   UHLWIir               en0   1180
"""
    assert [(item.destination, item.interface) for item in parse_routes(printed)] == [
        ("default", "en0"),
        ("192.168.1.1", "en0"),
    ]


def test_a_neighbour_that_gave_no_address_does_not_answer() -> None:
    printed = (
        b"? (192.168.1.1) at (incomplete) on en0 ifscope [ethernet]\nbox (192.168.1.2) at 0:1a:2b:3c:4d:5e on en0\n"
    )
    assert [(item.address, item.states) for item in parse_arp(printed)] == [
        ("192.168.1.1", ("FAILED",)),
        ("192.168.1.2", ("REACHABLE",)),
    ]


@pytest.mark.parametrize(("name", "address", "internal"), [("awdl0", "", True), ("en0", "", False)])
def test_what_macos_keeps_for_itself(name: str, address: str, internal: bool) -> None:
    assert is_internal(Interface(name, True, (), address, 1500, 0, 0, 0, 0)) is internal
    assert is_internal(Interface("utun0", True, ("fe80::1%utun0",), "", 1380, 0, 0, 0, 0))
    assert is_internal(Interface("en8", True, ("fe80::1%en8",), "", 1500, 0, 0, 0, 0))  # a telephone on a cable
    assert not is_internal(Interface("en7", True, ("169.254.1.2", "fe80::1%en7"), "", 1500, 0, 0, 0, 0))
    assert not is_internal(Interface("utun4", True, ("10.8.0.2",), "", 1380, 0, 0, 0, 0))
    assert is_internal(Interface("en5", True, (), "AC:DE:48:00:11:22", 1500, 0, 0, 0, 0))


def test_proxies_of_the_settings_and_a_script_for_them() -> None:
    printed = b"""<dictionary> {
  HTTPEnable : 1
  HTTPPort : 8080
  HTTPProxy : 127.0.0.1
  HTTPSEnable : 1
  HTTPSPort : 0
  HTTPSProxy : proxy.example.org
  ProxyAutoConfigEnable : 1
  ProxyAutoConfigURLString : http://user:secret@proxy.example.org/proxy.pac
  SOCKSEnable : 0
  SOCKSProxy : 10.0.0.1
}
"""
    assert parse_proxies(printed) == {
        "http_proxy": "127.0.0.1:8080",
        "https_proxy": None,
        "automatic_proxy": "proxy.example.org:80",
    }


def test_connections_by_state_and_the_ports_that_listen() -> None:
    printed = b"""Proto Recv-Q Send-Q  Local Address          Foreign Address        (state)
tcp4       0      0  192.168.1.23.50123     203.0.113.7.443        ESTABLISHED
tcp4       0      0  192.168.1.23.50124     203.0.113.7.443        TIME_WAIT
tcp46      0      0  *.5000                 *.*                    LISTEN
tcp4       0      0  *.*                    *.*                    CLOSED
"""
    assert parse_connections(printed) == (1, 1, frozenset({5000}))


def test_what_was_sent_again_and_nothing_else() -> None:
    printed = (
        b"tcp:\n\t912345 packets sent\n\t\t312 data packets (41 bytes)\n\t\t812 data packets (9 bytes) retransmitted\n"
    )
    assert (parse_tcp_counters(printed).sent_segments, parse_tcp_counters(printed).resent_segments) == (912345, 812)
    with pytest.raises(Unreadable):
        parse_tcp_counters(b"tcp:\n\t912345 packets sent\n")


def test_the_time_server_and_how_far_its_time_is() -> None:
    assert parse_server(b"# comment\nserver time.apple.com.\n") == "time.apple.com"
    assert parse_sntp(b"-0.512345 +/- 0.012 time.apple.com 17.253.14.125\n") == -0.512345
    assert parse_kept(b"Network Time: Off\n") is False
    with pytest.raises(Unreadable, match="unknown form"):
        parse_sntp(b"sntp: Exchange failed: Timeout\n")


def test_the_firewall_and_the_disks_encryption() -> None:
    assert parse_firewall(b"Firewall is enabled. (State = 1) \n") == "Application Firewall"
    assert parse_firewall(b"Firewall is disabled. (State = 0)\n") == ""
    assert parse_firewall(b"what?\n") is None
    assert parse_filevault(b"FileVault is On.\nEncryption in progress: Percent completed = 31.02\n") is True


def test_commands_made_with_a_value_are_listed_and_others_are_not() -> None:
    made = [
        macos_commands.disk("disk0"),
        macos_commands.job("org.example.backup"),
        macos_commands.receipt("org.example.pkg"),
        macos_commands.time_server("time.apple.com"),
        macos_commands.ping("192.168.1.1"),
        macos_commands.log_show(0, 10),
        macos_commands.log_show(0, 10, least_severity=3, process="loginwindow"),
        macos_commands.log_show(0, 10, process="Google Chrome"),
        macos_commands.log_show(0, 10, least_severity=4),
        macos_commands.log_show(0, 10, least_severity=2),
    ]
    assert all(is_listed(command) for command in (*made, *macos_commands.FIXED))
    for command in made:
        assert not is_listed(Command(command.name, (*command.argv, "--extra")))
        assert not is_listed(Command(command.name, ("rm", *command.argv[1:])))
    chatty = macos_commands.log_show(0, 10, process="x")
    bent = (*chatty.argv[:-1], '(process == "x") OR 1 == 1 OR (process == "y")')
    assert not is_listed(Command(chatty.name, bent))


@pytest.mark.parametrize(
    "make",
    [
        lambda: macos_commands.disk("disk0; rm"),
        lambda: macos_commands.disk("/dev/disk0"),
        lambda: macos_commands.job("--help"),
        lambda: macos_commands.job("a/b"),
        lambda: macos_commands.time_server("-d"),
        lambda: macos_commands.time_server("host\nother"),
        lambda: macos_commands.ping("fe80::1"),
        lambda: macos_commands.receipt(""),
        lambda: macos_commands.log_show(10, 0),
        lambda: macos_commands.log_show(0, 10, process='x" OR "1'),
    ],
)
def test_a_value_that_could_be_something_else_is_refused(make: object) -> None:
    assert callable(make)
    with pytest.raises(Unreadable):
        make()
