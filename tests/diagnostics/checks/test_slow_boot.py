"""Check 19: the system's own part of the start."""

from collections.abc import Callable

import pytest

from diagnostics.checks.contract import Context
from diagnostics.checks.slow_boot import check_slow_boot
from diagnostics.system_observations import StartTime


@pytest.mark.parametrize(
    ("parts", "found"),
    [
        ({"kernel": 2.0, "userspace": 60.0}, 0),
        ({"firmware": 300.0, "loader": 90.0, "userspace": 10.0}, 0),  # somebody typed a password
        ({"kernel": 10.0, "initrd": 20.0, "userspace": 91.0}, 1),
    ],
)
def test_waiting_for_a_person_does_not_count(
    parts: dict[str, float], found: int, context: Callable[..., Context]
) -> None:
    assert len(check_slow_boot(StartTime(parts), context()).findings) == found
