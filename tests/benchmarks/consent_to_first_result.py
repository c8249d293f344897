"""From the customer's yes to the first row on the technician's side: what both of them wait for.

    yes at the socket ─► grant on the disk ─► entry in the server's log, proven ─► grant ─► relay ─► technician
    technician asks at once ─► relay ─► checked, booked ─► session host ─► first row ─► relay ─► technician

The question stands for a second before the yes: nobody reads faster, and the session host warms up meanwhile.
Everything real: server, relay, agent and session host as processes, SQLite with every commit on the disk. The
technician is their program's own code in this process, so that no interpreter's start is counted.
"""

import asyncio
import time
from dataclasses import dataclass

from protocol.actions.diagnose import DiagnoseArguments
from protocol.actions.processes import ProcessesArguments
from protocol.journal import Outcome
from protocol.limits import LOCAL_ACT_FRESH_S
from protocol.strict_json import WireModel
from tests.benchmarks.contract import NotRun, Row, percentile, spread
from tests.benchmarks.spending import held
from tests.benchmarks.visiting import certified_device, open_visit
from tests.benchmarks.world import World, world

_P99_AIM_MS = 200.0
_RSS_AIM_MB = 60.0
_READING_S = 1.0
_ACTIONS: dict[str, WireModel] = {"processes": ProcessesArguments(), "diagnose": DiagnoseArguments()}


@dataclass(frozen=True, slots=True)
class _Took:
    """Milliseconds from the yes."""

    grant_ms: float
    row_ms: float


def run(quick: bool) -> list[Row]:
    visits = 10 if quick else 200
    with world() as made:
        took = asyncio.run(_all(made, visits))
        rows = [_first_row(action, times) for action, times in took.items()]
        agent = held(made.agent.process.pid)
        kept = Row(
            f"agent, resident memory after {visits} visits",
            agent.rss_bytes / 1e6,
            "MB",
            _RSS_AIM_MB,
            detail=f"PSS {agent.pss_bytes / 1e6:.1f} MB, private {agent.private_bytes / 1e6:.1f} MB",
        )
    return [*rows, kept]


def _first_row(action: str, times: list[_Took]) -> Row:
    first, grants = [each.row_ms for each in times], [each.grant_ms for each in times]
    return Row(
        f"yes to the first row of {action}, p99",
        percentile(first, 0.99),
        "ms",
        _P99_AIM_MS,
        detail=f"{spread(first, 'ms', digits=0)}, p90 {percentile(first, 0.9):.0f}; "
        f"median until the grant {percentile(grants, 0.5):.0f} ms",
    )


async def _all(made: World, visits: int) -> dict[str, list[_Took]]:
    technician = made.technician()
    technician.keys()
    took: dict[str, list[_Took]] = {action: [] for action in _ACTIONS}
    asked_at = float("-inf")
    async with technician.signed_in() as api:
        device = await certified_device(made, technician, api)
        for number in range(visits):
            if time.monotonic() - asked_at > LOCAL_ACT_FRESH_S / 2:
                await asyncio.to_thread(made.ask_for_help)
                asked_at = time.monotonic()
            action = list(_ACTIONS)[number % len(_ACTIONS)]
            async with open_visit(made, technician, api, device) as opened:
                await asyncio.sleep(_READING_S)
                yes = asyncio.create_task(opened.say_yes())
                await opened.visit.granted()
                granted_at = time.perf_counter()
                run = await opened.visit.run(action, _ACTIONS[action])
                row_at = None
                async for _ in run:
                    row_at = row_at or time.perf_counter()
                began = await yes
                if row_at is None or run.result is None or run.result.outcome is not Outcome.DONE:
                    raise NotRun(f"{action} brought no rows: {run.result}")
                took[action].append(_Took((granted_at - began) * 1000, (row_at - began) * 1000))
                ended = await opened.visit.end()
                if ended.fault:
                    raise NotRun(f"a visit ended with a fault: {ended.fault}")
    return took
