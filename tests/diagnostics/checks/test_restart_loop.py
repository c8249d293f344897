"""Check 26: restarts since the look before."""

from collections.abc import Callable

import pytest

from diagnostics.checks.contract import Context
from diagnostics.checks.restart_loop import check_restart_loop
from diagnostics.history import MemoryHistory, Point
from diagnostics.observations import Service


def service(restarts: int) -> Service:
    return Service("db.service", "Database", "loaded", "active", "running", "success", 0, restarts, 7, "enabled", None)


@pytest.mark.parametrize(("restarts", "found"), [(0, 0), (5, 0), (7, 0), (8, 1), (3, 0)])
def test_three_within_a_look_are_a_loop(restarts: int, found: int, context: Callable[..., Context]) -> None:
    kept = MemoryHistory()
    kept.append("service.restarts", "service:db.service", Point(1_795_000_000 - 300, 5))
    assert len(check_restart_loop((service(restarts),), context(history=kept)).findings) == found


def test_many_restarts_of_long_ago_are_no_loop(context: Callable[..., Context]) -> None:
    assert check_restart_loop((service(900),), context()).findings == ()
