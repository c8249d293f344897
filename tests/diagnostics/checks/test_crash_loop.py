"""Check 24: the same program again within a day."""

from collections.abc import Callable

import pytest

from diagnostics.checks.contract import Context
from diagnostics.checks.crash_loop import check_crash_loop
from diagnostics.findings import Severity
from diagnostics.system_observations import Crash, Crashes

NOW = 1_795_000_000


@pytest.mark.parametrize(
    ("times", "expected"), [(1, None), (2, Severity.WARNING), (4, Severity.WARNING), (5, Severity.ERROR)]
)
def test_the_number_within_a_day_decides(
    times: int, expected: Severity | None, context: Callable[..., Context]
) -> None:
    seen = Crashes(tuple(Crash("shell", NOW - 60 * index) for index in range(times)))
    assert [item.severity for item in check_crash_loop(seen, context()).findings] == (
        [] if expected is None else [expected]
    )


def test_yesterdays_and_other_programs_crashes_do_not_add_up(context: Callable[..., Context]) -> None:
    seen = Crashes((Crash("a", NOW - 90_000), Crash("a", NOW - 5), Crash("b", NOW - 5), Crash("c", NOW + 50)))
    assert check_crash_loop(seen, context()).findings == ()
