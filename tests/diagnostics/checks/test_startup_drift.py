"""Check 31: one finding for what starts by itself and did not before."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from diagnostics.checks.contract import Context
from diagnostics.checks.startup_drift import check_startup_drift
from diagnostics.findings import Change
from diagnostics.machine.interface import Unreadable
from diagnostics.observations import StartupItem, StartupItems

NOW = 1_795_000_000
ITEMS = StartupItems((StartupItem("/etc/cron.d", "anacron", 285, NOW),))


def changed(context: Context, *changes: tuple[int, str]) -> Context:
    found = tuple(Change(NOW - ago_s, what) for ago_s, what in changes)
    return replace(context, changes=found, compared=frozenset({"startup"}))


def test_the_first_look_has_nothing_to_compare_with(context: Callable[..., Context]) -> None:
    with pytest.raises(Unreadable, match="first look"):
        check_startup_drift(ITEMS, context())


def test_changes_of_a_day_are_one_finding_with_their_names(context: Callable[..., Context]) -> None:
    seen = changed(
        context(), (90_000, "startup:/etc/cron.d/old added"), (60, "startup:a added"), (5, "package:b 1 → 2")
    )
    (finding,) = check_startup_drift(ITEMS, seen).findings
    assert (finding.fingerprint, finding.facts) == (
        "startup-items-changed|startup:all",
        {"changes": 1, "names": "a"},
    )


def test_a_day_later_it_is_quiet(context: Callable[..., Context]) -> None:
    assert check_startup_drift(ITEMS, changed(context(), (86_400, "startup:a added"))).findings == ()
