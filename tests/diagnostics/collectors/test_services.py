"""What systemd and Windows say about services."""

from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from diagnostics.collectors.services import (
    collect_services,
    parse_systemctl_show,
    parse_windows_services,
)
from diagnostics.machine.interface import Unreadable
from diagnostics.machine.recorded import RecordedMachine

SHOWN = b"""\
Id=cups.service
Description=CUPS = Scheduler
LoadState=loaded
ActiveState=failed
SubState=failed
Result=start-limit-hit
ExecMainStatus=1
NRestarts=5
MainPID=0
UnitFileState=enabled
StateChangeTimestampMonotonic=81234567

Id=old.service
ActiveState=inactive
NRestarts=[not set]
"""


def test_blocks_become_services() -> None:
    cups, old = parse_systemctl_show(SHOWN, boot_unix_s=1_000)
    assert (cups.name, cups.description, cups.result) == (
        "cups.service",
        "CUPS = Scheduler",
        "start-limit-hit",
    )
    assert (cups.exit_status, cups.restarts, cups.changed_unix_s) == (1, 5, 1_081)
    assert (old.active_state, old.restarts, old.changed_unix_s) == ("inactive", 0, None)


def test_without_the_time_of_boot_no_time_is_made_up() -> None:
    assert parse_systemctl_show(SHOWN, boot_unix_s=None)[0].changed_unix_s is None


def test_a_system_without_systemd_says_so(recorded: Callable[[str], RecordedMachine]) -> None:
    with pytest.raises(Unreadable, match="was not started by systemd"):
        collect_services(recorded("debian-virtual-machine"))


def test_windows_words_are_translated() -> None:
    value = [
        {"name": "Spooler", "description": "Print Spooler", "status": "running", "start": "automatic", "pid": 9},
        {"name": "BITS", "description": "Transfer", "status": "stopped", "start": "manual", "pid": 0},
        {"name": "X", "description": "", "status": "start_pending", "start": "automatic", "pid": 0},
    ]
    assert [(item.name, item.active_state, item.sub_state) for item in parse_windows_services(value)] == [
        ("Spooler", "active", "running"),
        ("BITS", "inactive", "dead"),
        ("X", "activating", "start_pending"),
    ]


@settings(deadline=None, derandomize=True, max_examples=200)
@given(st.binary(max_size=300) | st.text(alphabet="Id=A\n x1", max_size=200).map(str.encode))
def test_any_output_is_read_without_an_error(content: bytes) -> None:
    for service in parse_systemctl_show(content, boot_unix_s=1):
        assert service.name.isprintable()
