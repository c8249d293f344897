"""Check 21: how long ago updates were looked for."""

from collections.abc import Callable

import pytest

from diagnostics.checks.contract import Context
from diagnostics.checks.updates import JUST_STARTED_S, check_updates
from diagnostics.collectors.update_lists import collect_update_lists
from diagnostics.findings import Severity
from diagnostics.machine.interface import Unreadable
from diagnostics.machine.recorded import RecordedMachine
from diagnostics.system_observations import UpdateLists

NOW = 1_795_000_000
DAY = 86_400


@pytest.mark.parametrize(
    ("days", "expected"), [(-1, None), (13, None), (14, Severity.WARNING), (59, Severity.WARNING), (60, Severity.ERROR)]
)
def test_the_age_of_the_list_decides(days: int, expected: Severity | None, context: Callable[..., Context]) -> None:
    outcome = check_updates(UpdateLists("apt", NOW - days * DAY), context(boot_unix_s=NOW - 9 * DAY))
    assert [item.severity for item in outcome.findings] == ([] if expected is None else [expected])


def test_a_machine_that_was_off_gets_a_day(context: Callable[..., Context]) -> None:
    seen = UpdateLists("apt", NOW - 90 * DAY)
    assert check_updates(seen, context(boot_unix_s=NOW - JUST_STARTED_S + 1)).findings == ()


def test_the_newest_list_counts_and_the_lock_does_not(recorded: Callable[[str], RecordedMachine]) -> None:
    assert collect_update_lists(recorded("laptop-worn")) == UpdateLists("apt", NOW - 40 * DAY)
    with pytest.raises(Unreadable, match="apt, dnf, pacman"):
        collect_update_lists(recorded("restricted-user"))
