"""DNS packets and the files that name the servers."""

import struct
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from diagnostics.collectors.dns import (
    build_root_query,
    collect_dns,
    configured_resolvers,
    has_default_route,
    parse_resolv_conf,
    response_code,
)
from diagnostics.machine.recorded import RecordedMachine

Recorded = Callable[[str], RecordedMachine]


def test_the_question_is_who_serves_the_root() -> None:
    assert build_root_query(0x1234) == bytes.fromhex("1234 0100 0001 0000 0000 0000 00 0002 0001")


@pytest.mark.parametrize(("code", "name"), [(0, "NOERROR"), (2, "SERVFAIL"), (3, "NXDOMAIN"), (11, "RCODE11")])
def test_response_codes_have_names(code: int, name: str) -> None:
    assert response_code(struct.pack("!6H", 0, 0x8180 | code, 1, 0, 0, 0)) == name


@pytest.mark.parametrize(
    "reply",
    [b"", b"\0" * 11, struct.pack("!6H", 0, 0x0100, 1, 0, 0, 0), struct.pack("!6H", 7, 0x8180, 1, 0, 0, 0)],
)
def test_what_is_no_answer_to_our_question_is_refused(reply: bytes) -> None:
    with pytest.raises(ValueError, match=r"12 bytes|not the answer"):
        response_code(reply)


def test_resolv_conf_names_servers_and_search_domains() -> None:
    text = b"# c\nsearch example.org corp\nnameserver 192.0.2.1\nnameserver fe80::1%eth0\nnameserver 192.0.2.1\n"
    assert parse_resolv_conf(text) == (("192.0.2.1", "fe80::1%eth0"), ("example.org", "corp"))


def test_what_is_no_address_is_passed_over() -> None:
    text = b"nameserver \x1b[2J\nnameserver evil.example.org\nnameserver\nnameserver ::1\n"
    assert parse_resolv_conf(text)[0] == ("::1",)


def test_behind_the_stub_the_servers_it_asks_are_asked_too(recorded: Recorded) -> None:
    assert configured_resolvers(recorded("laptop-healthy")) == (
        "127.0.0.53",
        "192.168.1.1",
        "fe80::1%wlp0s20f3",
    )


@pytest.mark.parametrize(
    ("route4", "route6", "expected"),
    [
        (b"Iface\nwlan0 00000000 0101A8C0 0003 0 0 600 00000000 0 0 0\n", b"", True),
        (b"Iface\nwlan0 0001A8C0 00000000 0001 0 0 600 00FFFFFF 0 0 0\n", b"", False),
        (b"Iface\n", b"0" * 32 + b" 00 " + b"0" * 32 + b" 00 fe80 400 1 0 3 eth0\n", True),
        (b"Iface\n", b"0" * 32 + b" 00 " + b"0" * 32 + b" 00 0 ffffffff 1 0 200200 lo\n", False),
        (b"", b"", False),
    ],
)
def test_a_default_route_of_either_family_is_a_way_out(route4: bytes, route6: bytes, expected: bool) -> None:
    assert has_default_route(route4, route6) is expected


def test_without_a_way_out_nobody_is_asked(recorded: Recorded) -> None:
    class Silent(RecordedMachine):
        def ask_resolvers(self, *arguments: object, **named: object) -> tuple[()]:
            raise AssertionError("asked although there is no way out")

    names = collect_dns(Silent(recorded("restricted-user").folder))
    assert (names.default_route, names.resolvers) == (False, ())


def test_a_reply_that_makes_no_sense_counts_as_silence(recorded: Recorded) -> None:
    (timing,) = collect_dns(recorded("hostile-names")).resolvers
    assert (timing.code, timing.error) == (None, "expected at least 12 bytes of DNS header, got 2")


@settings(deadline=None, derandomize=True, max_examples=300)
@given(st.binary(max_size=100))
def test_any_bytes_are_an_answer_or_refused(content: bytes) -> None:
    parse_resolv_conf(content)
    has_default_route(content, content)
    try:
        response_code(content)
    except ValueError:
        return
