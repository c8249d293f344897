"""facts: what one collector reads now, and what the agent has kept: findings with what changed before, and history.

A series is named by its instance as it went out, with marks for names: the same mark every time on this device.
"""

from collections.abc import Iterator
from typing import Any, Final

from agent.session.actions.workbench import Row, Workbench
from diagnostics.collectors.catalogue import COLLECTORS
from diagnostics.findings import Change, Finding
from diagnostics.machine.interface import Unreadable
from diagnostics.strict_json import decode, dump_json, encode, load_json
from diagnostics.visit_rows import ChangeLine, CollectorLine, HistoryLine, ObservationLine, SeriesLine
from protocol.actions.facts import FactsArguments

#: More items than a person reads; packages of a desktop are 3 000.
ITEMS_MAX: Final = 5_000
#: One item of an observation; escaped once more, it still fits into a row.
VALUE_MAX_CHARS: Final = 24_000
#: A row's body holds 60 000 characters; a point takes up to 30.
POINTS_MAX: Final = 1_500


def do_facts(arguments: FactsArguments, bench: Workbench) -> Iterator[Row]:
    match arguments.subject:
        case "observations":
            yield from _observations(arguments.name, bench)
        case "findings":
            for row in bench.told:
                finding = decode(Finding, load_json(row.body))
                yield bench.row("finding", finding)
                yield from (bench.row("change", _change_line(finding, change)) for change in finding.changes)
        case "history":
            yield from _history(arguments, bench)


def _observations(name: str, bench: Workbench) -> Iterator[Row]:
    if not name:
        for each in COLLECTORS:
            if bench.machine.platform in each.platforms:
                yield bench.row("collector", CollectorLine(each.id, each.cost, tuple(sorted(each.may_contain))))
        return
    collector = next((each for each in COLLECTORS if each.id == name), None)
    if collector is None:
        raise Unreadable(f"there is no collector {name!r}; `facts` without a name lists them")
    if bench.machine.platform not in collector.platforms:
        raise Unreadable(f"{name} is not read on {bench.machine.platform} yet")
    observed = encode(collector.collect(bench.machine))
    fields = observed if isinstance(observed, dict) else {"value": observed}
    for field, value in fields.items():
        items = value if isinstance(value, list) else [value]
        for index, item in enumerate(items[:ITEMS_MAX]):
            text = dump_json(bench.clean(item))
            if len(text) > VALUE_MAX_CHARS:
                text = text[:VALUE_MAX_CHARS] + "…"
            yield Row("observation", dump_json(encode(ObservationLine(name, field, index, text))))


def _change_line(finding: Finding, change: Change) -> ChangeLine:
    return ChangeLine(finding.code, change.at_unix_s, change.what)


def _history(arguments: FactsArguments, bench: Workbench) -> Iterator[Row]:
    found = False
    for row in bench.told:
        value: Any = load_json(row.body)
        points = value["points"]
        instance = bench.redacted(value["instance"])
        if not arguments.name:
            first, last = points[0][0], points[-1]
            yield bench.row("series", SeriesLine(value["metric"], instance, len(points), first, last[0], last[1]))
        elif arguments.instance in ("", instance):
            kept = tuple((point[0], point[1]) for point in _thinned(points))
            yield bench.row("history", HistoryLine(value["metric"], instance, kept))
        else:
            continue
        found = True
    if not found:
        raise Unreadable("nothing of this has been measured in that time; the agent looks every few minutes")


def _thinned(points: list[list[Any]]) -> list[list[Any]]:
    """At most POINTS_MAX of them, evenly, the newest always among them."""
    step = -(-len(points) // POINTS_MAX)
    return points[(len(points) - 1) % step :: step] if step > 1 else points
