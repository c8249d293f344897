"""diagnose and facts: what the agent has kept is brought to the host: findings, and the history of metrics.

    history   {"metric":"disk.used-bytes","instance":"disk:/home/anna","points":[[1800000000,123.0],…]}
    finding   as the agent keeps it, with the changes before its onset

Raw: instances and facts hold names, so the host redacts them before anything goes out.
"""

from collections.abc import AsyncIterator
from typing import Final

from agent.session.actions.service_bench import Brought, ServiceBench
from diagnostics.strict_json import encode
from protocol.actions.diagnose import DiagnoseArguments
from protocol.actions.facts import FactsArguments

#: A forecast looks back 7 days, and a little further for its score.
FORECAST_S: Final = 9 * 86_400


async def serve_diagnose(arguments: DiagnoseArguments, bench: ServiceBench) -> AsyncIterator[Brought]:
    for row in _history(bench, bench.clocks.wall() - FORECAST_S, ""):
        yield row


async def serve_facts(arguments: FactsArguments, bench: ServiceBench) -> AsyncIterator[Brought]:
    match arguments.subject:
        case "history":
            for row in _history(bench, bench.clocks.wall() - arguments.since_s, arguments.name):
                yield row
        case "findings":
            for entry in bench.findings.all():
                yield Brought("finding", encode(entry.finding))
        case "observations":
            return  # the host reads them itself


def _history(bench: ServiceBench, since: int, metric: str) -> list[Brought]:
    return [
        Brought("history", {"metric": name, "instance": instance, "points": [list(point) for point in points]})
        for (name, instance), points in bench.findings.history(since, metric).items()
    ]
