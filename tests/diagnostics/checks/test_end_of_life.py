"""Check 22: the table of last days."""

from collections.abc import Callable
from dataclasses import replace
from datetime import date, datetime

import pytest

from diagnostics.checks.contract import Context
from diagnostics.checks.end_of_life import LAST_DAY, ROLLING, check_end_of_life
from diagnostics.machine.interface import Unreadable
from diagnostics.observations import OperatingSystem


def on(day: str, context: Context) -> Context:
    return replace(context, now=int(datetime.fromisoformat(f"{day}T12:00:00+00:00").timestamp()))


@pytest.mark.parametrize(
    ("system", "version", "day", "expected"),
    [
        ("debian", "11", "2026-01-01", []),
        ("debian", "11", "2026-07-15", ["system-support-ending"]),
        ("debian", "11", "2026-08-31", ["system-support-ending"]),  # the last day still counts
        ("debian", "11", "2026-09-01", ["system-out-of-support"]),
        ("rhel", "8.10", "2026-01-01", []),  # minor versions follow each other under one promise
        ("ubuntu", "24.10", "2026-01-01", ["system-out-of-support"]),
        ("macos", "13.7.8", "2025-09-15", ["system-support-ending"]),
        ("macos", "13.7.8", "2025-09-16", ["system-out-of-support"]),
        ("macos", "26.1", "2026-11-18", []),
        ("arch", "", "2040-01-01", []),
    ],
)
def test_the_day_decides(
    system: str, version: str, day: str, expected: list[str], context: Callable[..., Context]
) -> None:
    seen = OperatingSystem(system, f"{system} {version}", version, "6.1")
    assert [finding.code for finding in check_end_of_life(seen, on(day, context())).findings] == expected


def test_an_unknown_system_is_not_guessed(context: Callable[..., Context]) -> None:
    with pytest.raises(Unreadable, match="not in this program's table"):
        check_end_of_life(OperatingSystem("templeos", "TempleOS", "5.03", ""), context())


def test_the_table_is_plausible() -> None:
    assert all(date(2016, 1, 1) < day < date(2040, 1, 1) for day in LAST_DAY.values())
    assert not {name for name, _ in LAST_DAY} & ROLLING
