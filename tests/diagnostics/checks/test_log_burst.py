"""Check 28: many is what is many here."""

from collections.abc import Callable

import pytest

from diagnostics.checks.contract import Context
from diagnostics.checks.log_burst import check_log_burst
from diagnostics.history import MemoryHistory, Point
from diagnostics.system_observations import LogErrors

NOW = 1_795_000_000


def week(errors: float, hours: int = 100) -> MemoryHistory:
    kept = MemoryHistory()
    for hour in range(hours, 0, -1):
        kept.append("log.errors-1h", "", Point(NOW - hour * 3600, errors))
    return kept


@pytest.mark.parametrize(
    ("usual", "hours", "lines", "found"),
    [
        (0, 100, 59, 0),  # a quiet machine's first errors
        (0, 100, 60, 1),
        (50, 100, 499, 0),  # a loud machine
        (50, 100, 500, 1),
        (0, 20, 3_599, 0),  # nobody knows yet what is usual
        (0, 20, 3_600, 1),
    ],
)
def test_ten_times_the_usual_is_a_burst(
    usual: float, hours: int, lines: int, found: int, context: Callable[..., Context]
) -> None:
    seen = LogErrors(lines, True, "db.service", lines, "no space")
    assert len(check_log_burst(seen, context(history=week(usual, hours))).findings) == found
