"""Check 41: certificates that run out, and servers that are somebody else's."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from diagnostics.changes.compare import Subject
from diagnostics.checks.certificates import (
    EXPIRED,
    EXPIRING,
    INSPECTED,
    OTHER_ISSUER,
    UNTRUSTED,
    check_certificates,
)
from diagnostics.checks.contract import Context
from diagnostics.collectors.certificates import collect_certificates, parse_certificate
from diagnostics.findings import Change, Severity, TimeToAct
from diagnostics.machine.recorded import RecordedMachine
from diagnostics.observations import UnreadSource
from diagnostics.system_observations import Certificates, SeenCertificate

NOW = 1_795_000_000
DAY = 86_400
SERVER = SeenCertificate(
    "desk.example.org:443", True, "desk.example.org", "Example Trust", NOW - 60 * DAY, NOW + 30 * DAY
)


def told(item: SeenCertificate, context: Context) -> list[tuple[str, Severity]]:
    return [(it.code, it.severity) for it in check_certificates(Certificates((item,), ()), context).findings]


@pytest.mark.parametrize(
    ("days_left", "server", "file"),
    [
        (15, [], []),
        (14, [(EXPIRING, Severity.WARNING)], [(EXPIRING, Severity.WARNING)]),
        (3, [(EXPIRING, Severity.ERROR)], [(EXPIRING, Severity.WARNING)]),
        (0, [(EXPIRED, Severity.ERROR)], [(EXPIRED, Severity.WARNING)]),
        (-181, [(EXPIRED, Severity.ERROR)], []),
    ],
)
def test_the_days_that_are_left_decide(
    days_left: int,
    server: list[tuple[str, Severity]],
    file: list[tuple[str, Severity]],
    context: Callable[..., Context],
) -> None:
    item = replace(SERVER, not_after_unix_s=NOW + days_left * DAY)
    assert told(item, context()) == server
    assert told(replace(item, where="/etc/ssl/certs/a.pem", is_server=False), context()) == file


def test_the_end_of_a_certificate_is_foretold_to_the_second(context: Callable[..., Context]) -> None:
    item = replace(SERVER, not_after_unix_s=NOW + 5 * DAY)
    (finding,) = check_certificates(Certificates((item,), ()), context()).findings
    assert finding.time_to_act == TimeToAct(5 * DAY, 5 * DAY, 5 * DAY)


def test_one_of_a_few_days_is_renewed_by_the_hour(context: Callable[..., Context]) -> None:
    short = replace(SERVER, not_before_unix_s=NOW - DAY, not_after_unix_s=NOW + 6 * DAY)
    assert told(short, context()) == []
    assert told(replace(short, not_after_unix_s=NOW + 2 * DAY), context()) == [(EXPIRING, Severity.ERROR)]


def test_a_product_that_reads_along_is_named_and_no_alarm(context: Callable[..., Context]) -> None:
    item = replace(SERVER, issuer="Kaspersky Lab", trust_error="unable to get local issuer certificate")
    assert told(item, context()) == [(INSPECTED, Severity.INFO)]


def test_a_server_that_is_not_trusted_is_told_but_not_twice_when_it_ran_out(context: Callable[..., Context]) -> None:
    item = replace(SERVER, trust_error="self-signed certificate")
    assert told(item, context()) == [(UNTRUSTED, Severity.ERROR)]
    assert told(replace(item, not_after_unix_s=NOW - DAY), context()) == [(EXPIRED, Severity.ERROR)]


def test_another_issuer_than_before_is_told_for_a_day(context: Callable[..., Context]) -> None:
    def after(seconds: int, what: str) -> Context:
        return replace(context(), changes=(Change(NOW - seconds, what),), compared=frozenset({Subject.CERTIFICATE}))

    changed = "certificate:desk.example.org:443 Old Trust → Example Trust"
    assert told(SERVER, after(10, changed)) == [(OTHER_ISSUER, Severity.INFO)]
    assert told(SERVER, after(DAY, changed)) == []
    assert told(SERVER, after(10, "certificate:desk.example.org:443 Example Trust added")) == []
    assert told(SERVER, after(10, "certificate:other.example.org:443 A → B")) == []


def test_real_certificates_are_read_from_servers_and_files(recorded: Callable[[str], RecordedMachine]) -> None:
    seen = collect_certificates(recorded("server-troubled"))
    assert seen.certificates == (
        SeenCertificate(
            "desk.example.org:443", True, "desk.example.org", "Example Trust Services", NOW - 60 * DAY, NOW + 60 * DAY
        ),
        SeenCertificate(
            "/etc/ssl/certs/mail.pem",
            False,
            "mail.example.org",
            "Example Trust Services",
            NOW - 99 * DAY,
            NOW - 9 * DAY,
        ),
    )
    assert seen.unread == ()


def test_nonsense_in_place_of_a_certificate_is_named(recorded: Callable[[str], RecordedMachine]) -> None:
    class Broken(RecordedMachine):
        def native(self, subject: object) -> object:
            return [
                {"server": "a:443", "der": "AAAA", "trust_error": "", "error": ""},
                {"server": "b:443", "der": "", "trust_error": "", "error": "connection refused"},
            ]

    seen = collect_certificates(Broken(recorded("server-troubled").folder))
    assert [item.where for item in seen.certificates] == ["/etc/ssl/certs/mail.pem"]
    assert seen.unread == (
        UnreadSource("a:443", "its certificate cannot be read"),
        UnreadSource("b:443", "connection refused"),
    )
    with pytest.raises(ValueError, match="parsing"):
        parse_certificate(b"\x30\x03\x02\x01\x00", "a", is_server=False)
