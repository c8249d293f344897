"""The machine's own names: harvested, found in every spelling, and only where they are names."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from diagnostics.redaction import Identifier, Identifiers, Kind, LocalUser, MachineNames, Redactor, harvest
from tests.redaction.corpus import machine_identifiers

SECRET = b"a secret of this device, 32 bytes"
REDACTOR = Redactor(machine_identifiers(), SECRET)
HOST = REDACTOR.text("annas-laptop")
USER = REDACTOR.text("bkr77")


def kinds(identifiers: Identifiers) -> dict[str, str]:
    return {item.value: item.kind.value for item in identifiers.everywhere}


def test_host_with_domain_gives_three_names() -> None:
    found = kinds(harvest(MachineNames(hosts=("annas-laptop.corp.example.org.",))))
    assert found == {
        "annas-laptop": "host",
        "annas-laptop.corp.example.org": "host",
        "corp.example.org": "domain",
    }


def test_person_gives_account_full_name_and_its_parts() -> None:
    found = kinds(harvest(MachineNames(users=(LocalUser("akr", "Anna Krüger,,,", "/home/anna.k"),))))
    assert found == {
        "akr": "user",
        "anna.k": "user",
        "Anna Krüger": "person",
        "Krüger, Anna": "person",
        "Anna": "person",
        "Krüger": "person",
    }


@pytest.mark.parametrize(
    "serial", ["To be filled by O.E.M.", "Default string", "None", "0", "00000000", "N/A", "", "System Serial Number"]
)
def test_serial_that_names_nobody_is_not_harvested(serial: str) -> None:
    assert harvest(MachineNames(serials=(serial,))) == Identifiers()


@pytest.mark.parametrize("mac", ["00:00:00:00:00:00", "ff:ff:ff:ff:ff:ff", "", "nonsense", "00:11:22"])
def test_address_of_nobody_is_not_harvested(mac: str) -> None:
    assert harvest(MachineNames(macs=(mac,))) == Identifiers()


@pytest.mark.parametrize("host", ["localhost", "localhost.localdomain", ""])
def test_local_host_is_no_name(host: str) -> None:
    assert kinds(harvest(MachineNames(hosts=(host,)))) == {}


def test_names_that_are_words_wait_for_their_context() -> None:
    found = harvest(MachineNames(users=(LocalUser("mark", "", "/home/mark"),), hosts=("server",)))
    assert found.everywhere == ()
    assert {item.value for item in found.in_context} == {"mark", "server"}


def test_root_and_system_accounts_are_not_harvested() -> None:
    assert harvest(MachineNames(users=(LocalUser("root", "root", "/root"), LocalUser("www-data")))) == Identifiers()


@pytest.mark.parametrize(
    "text",
    [
        "annas-laptop kernel: up",
        "ANNAS-LAPTOP",
        "Annas-Laptop.",
        "ssh://annas-laptop/",
        "x_annas-laptop_y",
        "line\\nannas-laptop",
        "%20annas-laptop%20",
        "\x1b[1mannas-laptop\x1b[0m",
        "backup-annas-laptop-2024",
        "xannas-laptopx",
    ],
)
def test_particular_name_is_replaced_wherever_it_stands(text: str) -> None:
    out = REDACTOR.text(text)
    assert "annas-laptop" not in out.lower()
    assert HOST in out


@pytest.mark.parametrize(
    "text", ["bkr77 in", "(bkr77)", "BKR77", "_bkr77_", "a\\nbkr77", "%2Fbkr77", "\\\\bkr77", "bkr77@"]
)
def test_short_name_is_replaced_as_a_word(text: str) -> None:
    assert USER in REDACTOR.text(text)


@pytest.mark.parametrize("text", ["bkr777", "xbkr77", "abkr77b"])
def test_short_name_inside_another_word_stays(text: str) -> None:
    assert REDACTOR.text(text) == text


@pytest.mark.parametrize(
    "text",
    [
        "Björn Krüger",
        "BJÖRN KRÜGER",
        "Bj%C3%B6rn%20Kr%C3%BCger",
        json.dumps("Björn Krüger")[1:-1],
        "Bj\\303\\266rn Kr\\303\\274ger",
        "Bj\\xc3\\xb6rn Kr\\xc3\\xbcger",
    ],
)
def test_name_with_other_letters_is_found_in_every_spelling(text: str) -> None:
    out = REDACTOR.text(f"by {text} now")
    assert "Kr" not in out
    assert "KR" not in out
    assert "<person:" in out


@pytest.mark.parametrize(
    "text", ["3c:52:82:aa:bb:cc", "3C-52-82-AA-BB-CC", "3c5282aabbcc", "wlx3c5282aabbcc", "3c52.82aa.bbcc"]
)
def test_own_hardware_address_has_one_mark_in_every_notation(text: str) -> None:
    mark = REDACTOR.text("3c:52:82:aa:bb:cc")
    assert mark in REDACTOR.text(f"link {text} up")


MARKED = Redactor(harvest(MachineNames(users=(LocalUser("mark", "", "/home/mark"),))), SECRET)


@pytest.mark.parametrize(
    "text",
    [
        "/home/mark/x",
        "user=mark",
        "for mark from 10.0.0.1",
        "C:\\Users\\mark\\x",
        "uid=1000(mark)",
        "by mark",
        "USER=mark",
    ],
)
def test_name_that_is_a_word_is_replaced_where_a_name_stands(text: str) -> None:
    assert "mark" not in MARKED.text(text)


@pytest.mark.parametrize("text", ["mark the packet", "firewall mark 0x1", "benchmark", "question mark"])
def test_name_that_is_a_word_stays_where_it_is_a_word(text: str) -> None:
    assert MARKED.text(text) == text


def test_own_words_of_marks_cannot_be_names_everywhere() -> None:
    """A user called `ip` or `redacted` must not break the marks."""
    for kind in Kind:
        assert harvest(MachineNames(users=(LocalUser(kind.value),))).everywhere == (), kind
    worker = Redactor(harvest(MachineNames(users=(LocalUser("redacted"), LocalUser("ip"), LocalUser("host")))), SECRET)
    assert worker.text("password=x2 10.0.0.1") == REDACTOR.text("password=x2 10.0.0.1")


def test_name_in_every_line_is_replaced_in_every_line() -> None:
    lines = [
        f"Nov 21 10:00:{n % 60:02d} annas-laptop app[{n}]: annas-laptop2 is not it but Annas-Laptop is"
        for n in range(500)
    ]
    out = REDACTOR.text("\n".join(lines))
    assert "annas-laptop" not in out.lower()
    assert out.count(HOST) == 1500


@settings(max_examples=150, deadline=None, derandomize=True)
@given(
    st.lists(st.sampled_from(["anna", "anna-b", "b-anna", "annab", " ", "-", "_", "x", "ANNA", ".", "é"]), max_size=14)
)
def test_overlapping_names_never_survive(pieces: list[str]) -> None:
    text = "".join(pieces)
    names = tuple(Identifier(Kind.USER, value) for value in ("anna-b", "b-anna", "annab", "anna"))
    out = Redactor(Identifiers(everywhere=names), SECRET).text(text)
    assert out != "<withheld>", text  # the first pass has left nothing for the second
