"""What macOS and Windows answer by psutil: the shapes, proven on this machine's psutil."""

import sys

import pytest

from diagnostics.collectors.filesystems import collect_filesystems
from diagnostics.collectors.memory import collect_load, collect_memory
from diagnostics.collectors.processes import collect_processes
from diagnostics.collectors.services import collect_services
from diagnostics.examine import CheckStatus, examine
from diagnostics.history import MemoryHistory
from diagnostics.machine.interface import Machine, Native, Unreadable, UnreadableKind
from diagnostics.machine.read.macos import MacosMachine
from diagnostics.machine.read.windows import WindowsMachine

MACHINES = [MacosMachine, WindowsMachine]


@pytest.mark.parametrize("make", MACHINES)
def test_it_is_a_machine(make: type[MacosMachine]) -> None:
    assert isinstance(make(), Machine)


@pytest.mark.parametrize("make", MACHINES)
def test_numbers_of_psutil_become_observations(make: type[MacosMachine]) -> None:
    machine = make()
    assert collect_memory(machine).total_bytes > 100_000_000
    assert collect_load(machine).cpus >= 1
    assert machine.native(Native.INTERFACES)
    processes = collect_processes(machine)
    assert processes.processes
    assert processes.window_s > 0


@pytest.mark.skipif(sys.platform == "win32", reason="disks of this machine")
def test_disks_of_psutil_become_filesystems() -> None:
    assert collect_filesystems(MacosMachine()).filesystems


@pytest.mark.parametrize("make", MACHINES)
def test_every_check_runs_or_says_why_not(make: type[MacosMachine]) -> None:
    machine = make()
    examination = examine(machine, MemoryHistory(), now=machine.clock().unix_s)
    statuses = {result.id: result.status for result in examination.checks}
    assert CheckStatus.FAILED not in statuses.values(), examination.checks
    assert statuses["failed-services"] is CheckStatus.SKIPPED
    # The "agent" is this test run, which may well use more than an agent should.
    assert statuses["agent-self"] in (CheckStatus.OK, CheckStatus.FINDING)


@pytest.mark.parametrize("make", MACHINES)
def test_what_is_not_read_yet_says_so(make: type[MacosMachine]) -> None:
    for ask in (make().kernel_ring, lambda: make().native(Native.SERVICES)):
        with pytest.raises(Unreadable) as unread:
            ask()
        assert unread.value.kind is UnreadableKind.UNSUPPORTED
    with pytest.raises(Unreadable):
        collect_services(MacosMachine())
