"""The host part of actions that the service has done: what it brought goes out, every text in it redacted."""

from collections.abc import Iterator

from agent.session.actions.workbench import Row, Workbench
from diagnostics.strict_json import load_json
from protocol.strict_json import WireModel


def do_told(arguments: WireModel, bench: Workbench) -> Iterator[Row]:
    for row in bench.told:
        yield bench.clean_row(row.kind, load_json(row.body))
