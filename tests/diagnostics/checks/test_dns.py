"""Check 37: alive, silent, failing, slow."""

from collections.abc import Callable

import pytest

from diagnostics.checks.contract import Context
from diagnostics.checks.dns import check_dns
from diagnostics.findings import Severity
from diagnostics.machine.interface import Unreadable
from diagnostics.observations import NameResolution, ResolverTiming


def answered(address: str, code: str = "NOERROR", elapsed_s: float = 0.01) -> ResolverTiming:
    return ResolverTiming(address, elapsed_s, code, None)


def silent(address: str) -> ResolverTiming:
    return ResolverTiming(address, 2.0, None, "no answer within 2 s")


def names(*resolvers: ResolverTiming) -> NameResolution:
    return NameResolution(True, resolvers)


@pytest.mark.parametrize("code", ["NOERROR", "NXDOMAIN", "REFUSED", "NOTIMP"])
def test_any_answer_proves_a_resolver_alive(code: str, context: Callable[..., Context]) -> None:
    outcome = check_dns(names(answered("192.0.2.1", code)), context())
    assert outcome.findings == ()
    assert [(metric.name, metric.instance) for metric in outcome.metrics] == [("dns.answer-s", "resolver:192.0.2.1")]


def test_when_all_are_silent_names_cannot_be_looked_up(context: Callable[..., Context]) -> None:
    (finding,) = check_dns(names(silent("192.0.2.1"), silent("192.0.2.2")), context()).findings
    assert (finding.code, finding.severity) == ("dns-not-answering", Severity.ERROR)
    assert finding.facts == {"servers": 2, "answering": 0, "failing": 0}
    assert len(finding.evidence) == 2


def test_when_all_fail_names_cannot_be_looked_up_either(context: Callable[..., Context]) -> None:
    (finding,) = check_dns(names(answered("192.0.2.1", "SERVFAIL"), silent("192.0.2.2")), context()).findings
    assert finding.facts == {"servers": 2, "answering": 0, "failing": 1}


def test_one_silent_among_others_is_a_warning_about_that_one(context: Callable[..., Context]) -> None:
    (finding,) = check_dns(names(answered("192.0.2.1"), silent("192.0.2.2")), context()).findings
    assert (finding.fingerprint, finding.severity) == (
        "dns-server-silent|resolver:192.0.2.2",
        Severity.WARNING,
    )


def test_slow_is_what_the_fastest_is(context: Callable[..., Context]) -> None:
    slow = answered("192.0.2.1", elapsed_s=0.9)
    assert check_dns(names(slow, answered("192.0.2.2")), context()).findings == ()
    (finding,) = check_dns(names(slow), context()).findings
    assert (finding.code, finding.facts["fastest_s"]) == ("dns-slow", 0.9)


def test_slow_clears_below_a_lower_line(context: Callable[..., Context]) -> None:
    between = names(answered("192.0.2.1", elapsed_s=0.4))
    assert check_dns(between, context()).findings == ()
    assert len(check_dns(between, context("dns-slow|resolvers")).findings) == 1


def test_none_configured_is_a_finding_too(context: Callable[..., Context]) -> None:
    (finding,) = check_dns(names(), context()).findings
    assert finding.facts["servers"] == 0


def test_without_a_way_out_nothing_was_checked(context: Callable[..., Context]) -> None:
    with pytest.raises(Unreadable, match="no default route"):
        check_dns(NameResolution(False, ()), context())
