"""Check 15: near its own limit; without a known limit only a number no sane program has."""

from collections.abc import Callable

import pytest

from diagnostics.checks.contract import Context
from diagnostics.checks.open_files import check_open_files
from diagnostics.findings import Severity
from diagnostics.machine.interface import ProcessFiles
from diagnostics.system_observations import OpenFiles


@pytest.mark.parametrize(
    ("open_files", "limit", "expected"),
    [
        (800, 1024, None),
        (820, 1024, Severity.WARNING),
        (1000, 1024, Severity.ERROR),
        (45_000, None, None),
        (60_000, None, Severity.WARNING),
        (900_000, 1_048_576, Severity.WARNING),
    ],
)
def test_the_share_of_the_limit_decides(
    open_files: int, limit: int | None, expected: Severity | None, context: Callable[..., Context]
) -> None:
    seen = OpenFiles((ProcessFiles(1, "db", open_files, limit),))
    assert [item.severity for item in check_open_files(seen, context()).findings] == (
        [] if expected is None else [expected]
    )


def test_of_processes_of_one_name_the_worst_is_told(context: Callable[..., Context]) -> None:
    seen = OpenFiles(
        (ProcessFiles(1, "db", 900, 1024), ProcessFiles(2, "db", 1020, 1024), ProcessFiles(3, "db", 990, 1024))
    )
    (finding,) = check_open_files(seen, context()).findings
    assert (finding.facts["open_files"], finding.evidence[0].locator) == (1020, "2")
