"""Check 47: places for connections."""

from collections.abc import Callable

import pytest

from diagnostics.checks.contract import Context
from diagnostics.checks.ports import check_ports
from diagnostics.findings import Severity
from diagnostics.system_observations import Sockets


@pytest.mark.parametrize(
    ("used", "tracked", "expected"),
    [
        (700, 100, []),
        (800, 100, [("ports-nearly-used-up", Severity.WARNING)]),
        (960, None, [("ports-nearly-used-up", Severity.ERROR)]),
        (10, 850, [("connection-table-full", Severity.WARNING)]),
    ],
)
def test_the_share_decides(
    used: int, tracked: int | None, expected: list[tuple[str, Severity]], context: Callable[..., Context]
) -> None:
    seen = Sockets(used // 2, used - used // 2, 1000, tracked, None if tracked is None else 1000)
    assert [(item.code, item.severity) for item in check_ports(seen, context()).findings] == expected
