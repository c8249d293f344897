"""processes: the running programs with what they use, between a look that the warm host took and one taken now."""

from collections.abc import Iterator

from agent.session.actions.workbench import Row, Workbench
from diagnostics.collectors.processes import SAMPLE_WINDOW_S, collect_processes, compare
from diagnostics.machine.interface import Unreadable
from diagnostics.observations import Process, Processes
from protocol.actions.processes import ProcessesArguments


def do_processes(arguments: ProcessesArguments, bench: Workbench) -> Iterator[Row]:
    for process in chosen(_seen(bench).processes, arguments):
        yield bench.row("process", process)


def _seen(bench: Workbench) -> Processes:
    """The newest earlier look that is long enough ago to measure by; without one, two looks are taken now."""
    later = bench.machine.process_snapshot()
    for earlier in reversed(bench.samples):
        if later.monotonic_s - earlier.monotonic_s >= SAMPLE_WINDOW_S:
            try:
                users = bench.machine.user_names()
            except Unreadable:
                users = {}  # numbers are shown instead
            return compare(earlier, later, users)
    return collect_processes(bench.machine)


def chosen(processes: tuple[Process, ...], arguments: ProcessesArguments) -> list[Process]:
    """Pure: the first `limit` of the order that was asked for."""
    match arguments.sort:
        case "cpu":
            ordered = sorted(processes, key=lambda each: (-each.cpu_fraction, -each.rss_bytes, each.pid))
        case "memory":
            ordered = sorted(processes, key=lambda each: (-each.rss_bytes, each.pid))
        case "age":
            ordered = sorted(processes, key=lambda each: (each.age_s, each.pid))
    return ordered[: arguments.limit]
