"""Check 30: failed, or enabled and dead."""

from collections.abc import Callable

import pytest

from diagnostics.checks.contract import Context
from diagnostics.checks.timers import check_timers
from diagnostics.collectors.timers import collect_timers, parse_timers
from diagnostics.findings import Severity
from diagnostics.machine.interface import Unreadable
from diagnostics.machine.recorded import RecordedMachine
from diagnostics.system_observations import Timer, Timers


@pytest.mark.parametrize(
    ("active", "enabled", "expected"),
    [
        ("active", "enabled", None),
        ("inactive", "disabled", None),
        ("inactive", "static", None),
        ("inactive", "enabled", Severity.INFO),
        ("failed", "enabled", Severity.WARNING),
        ("failed", "static", Severity.WARNING),
    ],
)
def test_what_is_switched_on_must_be_armed(
    active: str, enabled: str, expected: Severity | None, context: Callable[..., Context]
) -> None:
    seen = Timers((Timer("backup.timer", "Backup", active, "success", enabled),))
    assert [item.severity for item in check_timers(seen, context()).findings] == (
        [] if expected is None else [expected]
    )


def test_units_that_are_not_there_are_left_out(recorded: Callable[[str], RecordedMachine]) -> None:
    assert parse_timers(b"Id=a.timer\nLoadState=not-found\nActiveState=inactive\n\n\n\xff\n") == ()
    assert [timer.name for timer in collect_timers(recorded("laptop-healthy")).timers] == ["fstrim.timer"]
    with pytest.raises(Unreadable):
        collect_timers(recorded("restricted-user"))
