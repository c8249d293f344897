"""The host part of actions that the service has done: what it brought goes out, every text in it redacted.

The last word of a change says in a few words what it came to: it stands in the receipt, where numbers alone would tell
the customer nothing (`process 4711` was which program?).
"""

import json
from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType
from typing import Any, Final

from agent.session.actions.workbench import Row, Workbench
from diagnostics.strict_json import load_json
from protocol.strict_json import WireModel


def do_told(arguments: WireModel, bench: Workbench) -> Iterator[Row]:
    for told in bench.told:
        row = bench.clean_row(told.kind, load_json(told.body))
        words = _LAST_WORDS.get(row.kind)
        if words is not None and len(bench.told) == 1:  # of a list, no single row is what it came to
            bench.last_word = words(json.loads(row.body))
        yield row


def _run(row: dict[str, Any]) -> str:
    return f"{row['remedy']}: {row['outcome'] or 'done, and watched for a day'}"


#: By the kind of the row that tells it; from the redacted row.
_LAST_WORDS: Final[Mapping[str, Callable[[dict[str, Any]], str]]] = MappingProxyType(
    {
        "ended-process": lambda row: f"{row['name']}, of {row['user']}: {row['how']}",
        "service": lambda row: f"{row['name']} is {row['active_state']} ({row['sub_state']})",
        "remedy-run": _run,
        "bundle": lambda row: f"{row['files']} files, {row['bytes']} bytes, sealed",
    }
)
