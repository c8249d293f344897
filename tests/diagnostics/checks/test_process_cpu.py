"""Check 13: a busy core, named once, and only called a problem when others go short."""

from collections.abc import Callable

from diagnostics.checks.contract import Context
from diagnostics.checks.process_cpu import HOGS_MAX, check_process_cpu
from diagnostics.findings import Severity
from diagnostics.observations import Load, Process, Processes

CALM, CROWDED = Load(0.5, 0.5, 0.5, 4), Load(6.0, 6.0, 6.0, 4)


def process(name: str, cpu: float, *, pid: int = 100, rss_bytes: int = 10_000_000, age_s: float = 4000.0) -> Process:
    return Process(pid, 1, name, "anna", "R", cpu, cpu, rss_bytes, 1, age_s)


def seen(*processes: Process) -> Processes:
    return Processes(0.25, processes)


def test_a_busy_core_is_worth_knowing_and_on_a_crowded_machine_a_warning(
    context: Callable[..., Context],
) -> None:
    for load, severity in ((CALM, Severity.INFO), (CROWDED, Severity.WARNING)):
        (finding,) = check_process_cpu(seen(process("tracker", 0.99)), load, context()).findings
        assert (finding.fingerprint, finding.severity) == ("process-cpu-hog|process:tracker", severity)


def test_kernel_threads_and_programs_that_just_started_are_left_out(
    context: Callable[..., Context],
) -> None:
    processes = seen(process("kworker/0:1", 1.0, rss_bytes=0), process("cc1", 1.0, age_s=10))
    assert check_process_cpu(processes, CROWDED, context()).findings == ()


def test_processes_of_one_name_are_one_finding(context: Callable[..., Context]) -> None:
    processes = seen(process("chrome", 0.95, pid=1), process("chrome", 0.90, pid=2), process("sh", 0.1))
    (finding,) = check_process_cpu(processes, CALM, context()).findings
    assert (finding.facts["processes"], finding.facts["cpu_fraction"], finding.facts["pid"]) == (2, 1.85, 1)


def test_it_clears_below_a_lower_line(context: Callable[..., Context]) -> None:
    processes = seen(process("tracker", 0.5))
    assert check_process_cpu(processes, CALM, context()).findings == ()
    raised = context("process-cpu-hog|process:tracker")
    assert len(check_process_cpu(processes, CALM, raised).findings) == 1


def test_where_programs_take_turns_half_a_core_is_much(context: Callable[..., Context]) -> None:
    processes = seen(process("tracker", 0.55))
    assert check_process_cpu(processes, CALM, context()).findings == ()
    assert len(check_process_cpu(processes, CROWDED, context()).findings) == 1


def test_a_busy_machine_is_not_a_list_of_culprits(context: Callable[..., Context]) -> None:
    many = seen(*(process(f"job-{index}", 0.9, pid=index) for index in range(50)))
    assert len(check_process_cpu(many, CROWDED, context()).findings) == HOGS_MAX


def test_the_metrics_count_all_processes(context: Callable[..., Context]) -> None:
    outcome = check_process_cpu(seen(process("a", 0.5), process("b", 0.3)), CALM, context())
    values = {metric.name: metric.value for metric in outcome.metrics}
    assert values["processes.count"] == 2
    assert values["cpu.used-fraction"] == 0.2
