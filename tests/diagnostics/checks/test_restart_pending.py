"""Check 20: the mark of the package system, or a newer kernel than the running one."""

from collections.abc import Callable

import pytest

from diagnostics.checks.contract import Context
from diagnostics.checks.restart_pending import LONG_S, check_restart_pending
from diagnostics.findings import Severity
from diagnostics.system_observations import RestartNeeded

NOW = 1_795_000_000


def test_nothing_pending_is_quiet(context: Callable[..., Context]) -> None:
    assert check_restart_pending(RestartNeeded(False, (), "6.1.0-28-amd64", None), context()).findings == ()


@pytest.mark.parametrize(("up_s", "severity"), [(86_400, Severity.INFO), (LONG_S, Severity.WARNING)])
def test_after_two_weeks_it_is_a_warning(up_s: int, severity: Severity, context: Callable[..., Context]) -> None:
    seen = RestartNeeded(True, ("libc6",), "6.1.0-28-amd64", None)
    (finding,) = check_restart_pending(seen, context(boot_unix_s=NOW - up_s)).findings
    assert (finding.severity, finding.facts["names"]) == (severity, "libc6")


def test_a_newer_kernel_alone_is_enough(context: Callable[..., Context]) -> None:
    seen = RestartNeeded(False, (), "6.1.0-28-amd64", "6.1.0-29-amd64")
    (finding,) = check_restart_pending(seen, context()).findings
    assert finding.facts["names"] == "linux 6.1.0-29-amd64"


@pytest.mark.parametrize(("up_s", "severity"), [(86_400, Severity.INFO), (LONG_S, Severity.WARNING)])
def test_an_update_that_is_installed_by_a_restart_is_told_as_what_it_is(
    up_s: int, severity: Severity, context: Callable[..., Context]
) -> None:
    seen = RestartNeeded(False, (), "", None, ("macOS Sequoia 15.7.2",))
    (finding,) = check_restart_pending(seen, context(boot_unix_s=NOW - up_s)).findings
    assert (finding.code, finding.severity) == ("update-waits-for-restart", severity)
    assert finding.facts["names"] == "macOS Sequoia 15.7.2"
