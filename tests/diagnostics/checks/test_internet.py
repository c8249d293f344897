"""Check 38: 204 is a way out, a page is a sign-in, silence is none, and a wrong probe address judges nothing."""

from collections.abc import Callable

import pytest

from diagnostics.checks.contract import Context
from diagnostics.checks.internet import BEHIND, UNREACHABLE, check_internet
from diagnostics.machine.interface import Unreadable
from diagnostics.system_observations import PortalProbe


@pytest.mark.parametrize(
    ("status", "code"), [(204, None), (200, BEHIND), (302, BEHIND), (511, BEHIND), (0, UNREACHABLE)]
)
def test_the_answer_decides(status: int, code: str | None, context: Callable[..., Context]) -> None:
    probe = PortalProbe("probe.example.org", status, "", "no answer in time" if status == 0 else "")
    outcome = check_internet(probe, context())
    assert [item.code for item in outcome.findings] == ([] if code is None else [code])
    assert outcome.metrics[0].value == (1.0 if status == 204 else 0.0)


@pytest.mark.parametrize("status", [404, 407, 500, 503])
def test_a_wrong_probe_address_judges_no_network(status: int, context: Callable[..., Context]) -> None:
    with pytest.raises(Unreadable, match=f"answered {status} where 204 was expected"):
        check_internet(PortalProbe("probe.example.org", status, "", ""), context())
