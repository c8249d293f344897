"""What can be read, what cannot, and what would help."""

from collections.abc import Callable

import pytest

from diagnostics.collectors.catalogue import COLLECTORS
from diagnostics.collectors.contract import Collector, Cost, Privilege
from diagnostics.doctor import advice_for, look_for_sources
from diagnostics.machine.interface import Machine, Platform, Unreadable, UnreadableKind
from diagnostics.machine.recorded import RecordedMachine

Recorded = Callable[[str], RecordedMachine]


def test_every_source_is_asked_once_and_says_what_it_is_for(recorded: Recorded) -> None:
    states = look_for_sources(recorded("laptop-healthy"))
    assert [state.id for state in states] == [collector.id for collector in COLLECTORS]
    by_id = {state.id: state for state in states}
    assert by_id["wireless"].can_be_read
    assert by_id["wireless"].checks == ("wifi",)
    assert by_id["disk-health"].checks == ("smart-ata", "smart-nvme")
    assert not [state for state in states if state.can_be_read and (state.reason or state.advice)]
    assert not [state for state in states if not state.can_be_read and not (state.reason and state.advice)]


def test_what_needs_more_rights_says_which(recorded: Recorded) -> None:
    (kernel,) = [state for state in look_for_sources(recorded("restricted-user")) if state.id == "kernel-log"]
    assert (kernel.can_be_read, kernel.kind, kernel.mendable) == (False, "denied", True)
    assert "systemd-journal" in kernel.advice


def test_a_collector_that_breaks_is_a_defect_and_the_rest_are_asked(recorded: Recorded) -> None:
    def broken(_: Machine) -> object:
        raise ZeroDivisionError("\x1b[2J")

    odd: Collector[object] = Collector("odd", broken, frozenset(), Cost.CHEAP)
    states = look_for_sources(recorded("laptop-healthy"), (odd, *COLLECTORS[:1]))
    assert [(state.id, state.can_be_read, state.kind) for state in states] == [
        ("odd", False, "failed"),
        ("filesystems", True, ""),
    ]
    assert states[0].reason == "ZeroDivisionError: \\x1b[2J"
    assert states[0].mendable


@pytest.mark.parametrize("kind", UnreadableKind)
@pytest.mark.parametrize("platform", Platform)
def test_there_is_advice_for_every_reason_on_every_system(kind: UnreadableKind, platform: Platform) -> None:
    assert len(advice_for(Unreadable("no", kind), Privilege.ADMINISTRATOR, platform)) > 10


def test_full_disk_access_is_advised_where_macos_asks_for_it() -> None:
    refused = Unreadable("macOS shows this only to programs with Full Disk Access (…)", UnreadableKind.DENIED)
    assert "Privacy & Security" in advice_for(refused, Privilege.ANYONE, Platform.MACOS)
    absent = Unreadable("the program smartctl is not installed here")
    assert advice_for(absent, Privilege.ADMINISTRATOR, Platform.LINUX).startswith("install that program")
