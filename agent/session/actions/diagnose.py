"""diagnose: run checks of the catalogue now; their status, and what they found.

One check after the other, each told as soon as it is known; those that measure over a window of time share one at the
end. No history comes along: a forecast says that it has none, rather than guessing. Findings come out as seen once.
"""

from collections.abc import Iterator, Sequence

from agent.session.actions.workbench import Row, Workbench
from diagnostics.checks.catalogue import CATALOGUE
from diagnostics.checks.contract import CheckSpec
from diagnostics.examine import choose, examine
from diagnostics.machine.interface import Unreadable
from protocol.actions.diagnose import DiagnoseArguments


def do_diagnose(arguments: DiagnoseArguments, bench: Workbench) -> Iterator[Row]:
    try:
        checks = choose(CATALOGUE, arguments.checks or None)
    except ValueError as unknown:
        raise Unreadable(str(unknown)) from None
    for group in groups(checks):
        examination = examine(bench.machine, bench.history, now=bench.now, checks=group)
        for result in examination.checks:
            yield bench.row("check", result)
        for finding in examination.findings:
            yield bench.row("finding", finding)


def groups(checks: Sequence[CheckSpec]) -> list[list[CheckSpec]]:
    """Each check alone, except those that wait for a window: they wait once, together, and come last."""
    waiting = [check for check in checks if any(need.begin for need in check.needs + check.wishes)]
    alone = [[check] for check in checks if check not in waiting]
    return [*alone, waiting] if waiting else alone
