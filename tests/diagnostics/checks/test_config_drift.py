"""Check 32: changed settings files, named once each."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from diagnostics.checks.config_drift import check_config_drift
from diagnostics.checks.contract import Context
from diagnostics.findings import Change
from diagnostics.machine.interface import Unreadable

NOW = 1_795_000_000


def test_many_changes_are_one_finding_that_names_five(context: Callable[..., Context]) -> None:
    changes = tuple(Change(NOW - 60, f"config:/etc/sysctl.d/{index}.conf changed") for index in range(9))
    seen = replace(context(), changes=changes + changes[:1], compared=frozenset({"config"}))
    (finding,) = check_config_drift(seen).findings
    assert finding.facts["changes"] == 10
    assert str(finding.facts["names"]).count("/etc/sysctl.d/") == 5
    assert str(finding.facts["names"]).endswith(", …")
    assert len(finding.evidence) == 5


def test_without_a_change_it_is_quiet_and_without_a_past_it_says_so(context: Callable[..., Context]) -> None:
    assert check_config_drift(replace(context(), compared=frozenset({"config"}))).findings == ()
    with pytest.raises(Unreadable):
        check_config_drift(context())
