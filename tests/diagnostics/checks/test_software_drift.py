"""Check 33: half installed is an error, older than before is worth a word, an update is neither."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from diagnostics.checks.contract import Context
from diagnostics.checks.software_drift import check_software_drift
from diagnostics.findings import Change, Severity
from diagnostics.observations import Package, Packages

NOW = 1_795_000_000


def packages(*states: str) -> Packages:
    return Packages(
        "dpkg-query", tuple(Package(f"p{index}", "1.0", "all", state) for index, state in enumerate(states))
    )


@pytest.mark.parametrize("state", ["half-installed", "half-configured", "unpacked", "triggers-awaited"])
def test_an_installation_that_was_cut_off_is_an_error(state: str, context: Callable[..., Context]) -> None:
    (finding,) = check_software_drift(packages("installed", state, state), context()).findings
    assert (finding.code, finding.severity, finding.facts) == (
        "packages-half-installed",
        Severity.ERROR,
        {"packages": 2, "names": "p1, p2"},
    )


@pytest.mark.parametrize("state", ["installed", "config-files", "triggers-pending"])
def test_ordinary_states_are_quiet(state: str, context: Callable[..., Context]) -> None:
    assert check_software_drift(packages(state), context()).findings == ()


@pytest.mark.parametrize(
    ("what", "codes"),
    [
        ("package:cups 2.4.2-3 → 2.4.2-4", []),
        ("package:cups 2.4.2-4 → 2.4.2-3", ["packages-older-than-before"]),
        ("package:cups 2.4.2 added", []),
        ("package:cups 2.4.2 removed", []),
        ("service:cups.service 2 → 1", []),
    ],
)
def test_only_going_back_is_worth_a_word(what: str, codes: list[str], context: Callable[..., Context]) -> None:
    seen = replace(context(), changes=(Change(NOW - 60, what),))
    assert [finding.code for finding in check_software_drift(packages("installed"), seen).findings] == codes
