"""diagnose: run checks of the catalogue now; their status, and what they found.

No history comes along: a forecast says that it has none, rather than guessing. Findings come out as seen once.
"""

from collections.abc import Iterator

from agent.session.actions.workbench import Row, Workbench
from diagnostics.checks.catalogue import CATALOGUE
from diagnostics.examine import examine
from diagnostics.machine.interface import Unreadable
from protocol.actions.diagnose import DiagnoseArguments


def do_diagnose(arguments: DiagnoseArguments, bench: Workbench) -> Iterator[Row]:
    only = arguments.checks or None
    unknown = sorted(set(arguments.checks) - {check.id for check in CATALOGUE})
    if unknown:
        known = ", ".join(check.id for check in CATALOGUE)
        raise Unreadable(f"there is no check {unknown[0]}; there are {known}")
    examination = examine(bench.machine, bench.history, now=bench.now, only=only)
    for result in examination.checks:
        yield bench.row("check", result)
    for finding in examination.findings:
        yield bench.row("finding", finding)
