"""diagnose: run checks of the catalogue now; their status, and what they found.

One check after the other, each told as soon as it is known; those that measure over a window of time share one at the
end. The agent's own history of metrics comes along, so forecasts work as they do in its own looks. Findings come out as
seen once.
"""

from collections.abc import Iterator, Sequence
from typing import Any

from agent.session.actions.workbench import Row, Workbench
from diagnostics.checks.catalogue import CATALOGUE
from diagnostics.checks.contract import CheckSpec
from diagnostics.examine import choose, examine
from diagnostics.history import MemoryHistory, Point
from diagnostics.machine.interface import Unreadable
from diagnostics.strict_json import load_json
from protocol.actions.diagnose import DiagnoseArguments


def do_diagnose(arguments: DiagnoseArguments, bench: Workbench) -> Iterator[Row]:
    try:
        checks = choose(CATALOGUE, arguments.checks or None)
    except ValueError as unknown:
        raise Unreadable(str(unknown)) from None
    history = history_of(bench.told)
    for group in groups(checks):
        examination = examine(bench.machine, history, now=bench.now, checks=group)
        for result in examination.checks:
            yield bench.row("check", result)
        for finding in examination.findings:
            yield bench.row("finding", finding)


def history_of(told: Sequence[Row]) -> MemoryHistory:
    """What the agent has kept: `{"metric":"disk.used-bytes","instance":"disk:/","points":[[1800000000,123.0],…]}`."""
    history = MemoryHistory()
    for row in told:
        value: Any = load_json(row.body)
        for unix_s, number in value["points"]:
            history.append(value["metric"], value["instance"], Point(unix_s, number))
    return history


def groups(checks: Sequence[CheckSpec]) -> list[list[CheckSpec]]:
    """Each check alone, except those that wait for a window: they wait once, together, and come last."""
    waiting = [check for check in checks if any(need.begin for need in check.needs + check.wishes)]
    alone = [[check] for check in checks if check not in waiting]
    return [*alone, waiting] if waiting else alone
