"""One look: what is asked how often, and what happens when a part of it breaks."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from diagnostics.checks import disk_space, memory_pressure, process_cpu
from diagnostics.checks.catalogue import CATALOGUE
from diagnostics.checks.contract import Context, Metric, Outcome, Seen
from diagnostics.collectors.contract import LINUX_ONLY
from diagnostics.collectors.memory import MEMORY
from diagnostics.collectors.processes import SAMPLE_WINDOW_S
from diagnostics.examine import CheckStatus, Examination, examine
from diagnostics.history import MemoryHistory
from diagnostics.machine.interface import Machine, Platform, ProcessSnapshot, Unreadable
from diagnostics.machine.local import local_machine
from diagnostics.machine.recorded import RecordedMachine
from diagnostics.strict_json import StrictJsonError

Recorded = Callable[[str], RecordedMachine]


class Watched(RecordedMachine):
    """A recorded machine that counts what it is asked."""

    asked: list[str]
    paused: list[float]

    def __init__(self, machine: RecordedMachine) -> None:
        super().__init__(machine.folder)
        self.asked, self.paused = [], []

    def read_file(self, path: str, *, max_bytes: int = 8 * 1024 * 1024) -> bytes:
        self.asked.append(path)
        return super().read_file(path, max_bytes=max_bytes)

    def process_snapshot(self) -> ProcessSnapshot:
        self.asked.append("processes")
        return super().process_snapshot()

    def pause(self, seconds: float) -> None:
        self.paused.append(seconds)


def test_each_source_is_asked_once_whoever_needs_it(recorded: Recorded) -> None:
    machine = Watched(recorded("laptop-healthy"))
    examine(machine, MemoryHistory(), now=machine.clock().unix_s)
    assert machine.asked.count("/proc/self/mountinfo") == 1
    assert machine.asked.count("/proc/meminfo") == 1
    assert machine.asked.count("processes") == 2


def test_the_window_of_the_processor_is_shared_with_the_other_checks(recorded: Recorded) -> None:
    machine = Watched(recorded("laptop-healthy"))
    examine(machine, MemoryHistory(), now=machine.clock().unix_s)
    assert machine.asked.index("processes") < machine.asked.index("/proc/meminfo")
    assert machine.asked[-1] in ("processes", "/proc/loadavg", "/proc/stat")
    assert len(machine.paused) == 1
    assert 0 <= machine.paused[0] <= SAMPLE_WINDOW_S


def test_without_a_check_that_needs_the_window_nobody_waits(recorded: Recorded) -> None:
    machine = Watched(recorded("laptop-healthy"))
    examine(machine, MemoryHistory(), now=machine.clock().unix_s, only=["disk-space"])
    assert machine.paused == []
    assert "processes" not in machine.asked


def test_a_check_that_raises_becomes_a_finding_about_itself_and_the_rest_still_run(
    recorded: Recorded,
) -> None:
    def broken(seen: Seen, context: Context) -> Outcome:
        raise ZeroDivisionError("thresholds \x1b[2J of nothing")

    machine = recorded("laptop-disk-full")
    checks = [replace(memory_pressure.SPEC, judge=broken), disk_space.SPEC]
    examination = examine(machine, MemoryHistory(), now=machine.clock().unix_s, checks=checks)
    assert [result.status for result in examination.checks] == [CheckStatus.FAILED, CheckStatus.FINDING]
    assert examination.checks[0].reason == "ZeroDivisionError: thresholds \\x1b[2J of nothing"
    about, *others = examination.findings
    assert (about.code, about.instance, about.rule) == (
        "check-failed",
        "check:memory-pressure",
        "memory-pressure@1",
    )
    assert about.evidence[0].locator.startswith("test_examine.py:")
    assert {finding.code for finding in others} == {"disk-space-low"}


def test_a_collector_that_raises_fails_only_the_checks_that_need_it(recorded: Recorded) -> None:
    def broken(machine: Machine) -> object:
        raise RuntimeError("a defect of ours")

    machine = recorded("laptop-healthy")
    checks = [
        replace(process_cpu.SPEC, needs=(replace(process_cpu.SPEC.needs[0], begin=broken),)),
        disk_space.SPEC,
    ]
    examination = examine(machine, MemoryHistory(), now=machine.clock().unix_s, checks=checks)
    assert [result.status for result in examination.checks] == [CheckStatus.FAILED, CheckStatus.OK]


def test_a_check_may_only_see_what_its_catalogue_line_names(recorded: Recorded) -> None:
    def nosy(seen: Seen, context: Context) -> Outcome:
        seen.of(MEMORY)
        return Outcome()

    machine = recorded("laptop-healthy")
    checks = [replace(disk_space.SPEC, judge=nosy)]
    examination = examine(machine, MemoryHistory(), now=machine.clock().unix_s, checks=checks)
    assert examination.checks[0].status is CheckStatus.FAILED
    assert "does not name" in examination.checks[0].reason


def test_a_check_over_its_time_is_failed_and_keeps_what_it_found(recorded: Recorded) -> None:
    machine = recorded("laptop-disk-full")
    checks = [replace(disk_space.SPEC, timeout_s=0.0)]
    examination = examine(machine, MemoryHistory(), now=machine.clock().unix_s, checks=checks)
    assert examination.checks[0].status is CheckStatus.FAILED
    assert "at most 0 s are allowed" in examination.checks[0].reason
    codes = {finding.code for finding in examination.findings}
    assert codes == {"check-failed", "disk-space-low"}


def test_a_check_of_another_platform_is_skipped_with_a_reason(recorded: Recorded) -> None:
    class Mac(RecordedMachine):
        @property
        def platform(self) -> Platform:
            return Platform.MACOS

    machine = Mac(recorded("laptop-healthy").folder)
    linux_only = [replace(check, platforms=LINUX_ONLY) for check in CATALOGUE]
    examination = examine(machine, MemoryHistory(), now=machine.clock().unix_s, checks=linux_only)
    assert {(result.status, result.reason) for result in examination.checks} == {
        (CheckStatus.SKIPPED, "not on macos yet")
    }


def test_an_unknown_check_is_refused_with_the_names_there_are(recorded: Recorded) -> None:
    with pytest.raises(ValueError, match=r"no check 'disk-spase'; there are disk-space, disk-fill"):
        examine(recorded("laptop-healthy"), MemoryHistory(), now=0, only=["disk-spase"])


def test_the_json_has_the_published_form_and_reads_back(look: Callable[..., Examination]) -> None:
    examination = look("desktop-out-of-memory")
    value = examination.to_value()
    assert list(value) == ["checks", "findings", "duration_s", "cpu_s"]
    assert isinstance(value["checks"], list)
    assert list(value["checks"][0]) == ["id", "status", "ms", "reason"]
    again = Examination.from_json(examination.to_json(with_metrics=True))
    assert again.checks == examination.checks
    assert again.findings == examination.findings
    assert again.metrics == examination.metrics


def test_json_with_a_forged_fingerprint_is_refused(look: Callable[..., Examination]) -> None:
    text = look("laptop-disk-full").to_json().replace("disk-space-low|disk:/boot", "disk-space-low|disk:/b")
    with pytest.raises(StrictJsonError, match="fingerprint"):
        Examination.from_json(text)


def test_findings_come_out_pending_and_seen_once(look: Callable[..., Examination]) -> None:
    for finding in look("desktop-out-of-memory").findings:
        assert (str(finding.state), finding.count) == ("pending", 1)
        assert finding.first_seen_unix_s == finding.last_seen_unix_s


def test_this_machine_can_be_examined() -> None:
    machine = local_machine()
    try:
        now = machine.clock().unix_s
    except Unreadable:
        pytest.skip("no clock here")
    examination = examine(machine, MemoryHistory(), now=now)
    assert [result.id for result in examination.checks] == [check.id for check in CATALOGUE]
    assert {result.status for result in examination.checks} <= {
        CheckStatus.OK,
        CheckStatus.FINDING,
        CheckStatus.SKIPPED,
    }
    assert examination.metrics


def test_a_check_that_cannot_say_anything_yet_is_skipped_and_its_numbers_are_kept(recorded: Recorded) -> None:
    def early(seen: Seen, context: Context) -> Outcome:
        return Outcome((), (Metric("counter", 5.0),), "needs a second look\x1b[2J")

    machine = recorded("laptop-healthy")
    checks = [replace(memory_pressure.SPEC, judge=early)]
    examination = examine(machine, MemoryHistory(), now=machine.clock().unix_s, checks=checks)
    (result,) = examination.checks
    assert (result.status, result.reason) == (CheckStatus.SKIPPED, "needs a second look\\x1b[2J")
    assert [metric.name for metric in examination.metrics] == ["counter"]


def test_only_subjects_that_a_chosen_check_reads_anyway_are_compared(recorded: Recorded) -> None:
    machine = recorded("laptop-healthy")
    few = examine(machine, MemoryHistory(), now=machine.clock().unix_s, only=["disk-space"])
    assert (few.snapshots, few.changes) == ((), ())
    some = examine(machine, MemoryHistory(), now=machine.clock().unix_s, only=["config-drift", "failed-services"])
    assert {snapshot.subject for snapshot in some.snapshots} == {"config", "service"}


def test_what_a_look_noticed_goes_through_its_json(recorded: Recorded) -> None:
    machine = recorded("laptop-healthy")
    seen = examine(machine, MemoryHistory(), now=machine.clock().unix_s)
    again = Examination.from_json(seen.to_json(with_metrics=True))
    assert (again.snapshots, again.changes, again.metrics) == (seen.snapshots, seen.changes, seen.metrics)
    assert "snapshots" not in seen.to_value()
