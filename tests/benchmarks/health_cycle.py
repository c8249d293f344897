"""The checks, once, as a whole program: what a person waits for `check`, and what the agent's worker costs each time.

The cheap ones together are what runs every few minutes (`Cost.CHEAP` and `Cost.MODERATE`: files of /proc, a child
process or two). What asks another machine, or reads seconds of disk, runs seldom and is listed by itself. A quarter of
a second of each whole run is the window over which processor use is sampled: waited for, not spent.
"""

import json
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from diagnostics.checks.catalogue import CATALOGUE
from diagnostics.collectors.contract import Cost
from tests.benchmarks.contract import NotRun, Row, percentile, spread
from tests.benchmarks.spending import Spent, run_whole

_EIGHT_WALL_AIM_S = 0.6
_CHEAP_WALL_AIM_S = 1.0
_CHEAP_CPU_AIM_S = 0.6
#: One of each of the catalogue's subjects: the least that every agent looks at.
_EIGHT = (
    "disk-space", "disk-fill-forecast", "memory-pressure", "process-cpu", "failed-services", "kernel-events", "dns",
    "agent-self",
)  # fmt: skip


def run(quick: bool) -> list[Row]:
    rounds = 5 if quick else 30
    cheap = [check.id for check in CATALOGUE if check.cost in (Cost.CHEAP, Cost.MODERATE)]
    rest = [check for check in CATALOGUE if check.id not in cheap]
    with tempfile.TemporaryDirectory(prefix="bellpull-bench-") as folder:
        agent = [str(Path(sys.executable).with_name("bellpull-agent")), "check", "--json", "--state", folder]
        rows = [
            *_rows("eight checks", _library(_EIGHT), rounds, _EIGHT_WALL_AIM_S, None),
            *_rows(f"the {len(cheap)} cheap checks", _library(cheap), rounds, _CHEAP_WALL_AIM_S, _CHEAP_CPU_AIM_S),
            *_rows(f"bellpull-agent check, all {len(CATALOGUE)}", agent, max(3, rounds // 6), None, None),
        ]
    return [*rows, *(_alone(check.id, check.cost, max(3, rounds // 6)) for check in rest)]


def _library(checks: Sequence[str]) -> list[str]:
    only = [word for check in checks for word in ("--only", check)]
    return [sys.executable, "-m", "diagnostics", "check", "--json", *only]


def _runs(name: str, argv: list[str], rounds: int) -> list[Spent]:
    runs = []
    for _ in range(rounds + 1):
        done = run_whole(argv)
        if done.exit_code not in (0, 1):  # 1: it found something
            raise NotRun(f"{name} ended with exit code {done.exit_code}")
        runs.append(done)
    return runs[1:]  # the first one fills the disk cache


def _rows(name: str, argv: list[str], rounds: int, wall_aim_s: float | None, cpu_aim_s: float | None) -> list[Row]:
    runs = _runs(name, argv, rounds)
    statuses = [check["status"] for check in json.loads(runs[-1].stdout)["checks"]]
    counted = ", ".join(f"{statuses.count(status)} {status}" for status in dict.fromkeys(statuses))
    wall, cpu = [run.wall_s for run in runs], [run.cpu_s for run in runs]
    inside = percentile([json.loads(run.stdout)["duration_s"] for run in runs], 0.5)
    return [
        Row(f"{name}, wall", percentile(wall, 0.5), "s", wall_aim_s, detail=f"{spread(wall, 's')}; {counted}"),
        Row(
            f"{name}, processor",
            percentile(cpu, 0.5),
            "s",
            cpu_aim_s,
            detail=f"{spread(cpu, 's')}; the checks alone {inside:.3f} s of time",
        ),
    ]


def _alone(check: str, cost: Cost, rounds: int) -> Row:
    """One that is not cheap: the check itself, without the start of a program."""
    told = [json.loads(run.stdout) for run in _runs(check, _library([check]), rounds)]
    took = [each["duration_s"] for each in told]
    cpu = percentile([each["cpu_s"] for each in told], 0.5)
    (last,) = told[-1]["checks"]
    why = f" ({last['reason']})" if last["reason"] else ""
    return Row(
        f"{check}, the check alone",
        percentile(took, 0.5),
        "s",
        detail=f"{cost.value}; {spread(took, 's')}, processor {cpu:.3f} s; {last['status']}{why[:100]}",
    )
