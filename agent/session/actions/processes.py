"""processes: the running programs with what they use between two looks a quarter of a second apart."""

from collections.abc import Iterator

from agent.session.actions.workbench import Row, Workbench
from diagnostics.collectors.processes import collect_processes
from diagnostics.observations import Process
from protocol.actions.processes import ProcessesArguments


def do_processes(arguments: ProcessesArguments, bench: Workbench) -> Iterator[Row]:
    seen = collect_processes(bench.machine)
    for process in chosen(seen.processes, arguments):
        yield bench.row("process", process)


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
