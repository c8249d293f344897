"""The checks, once, as a whole program: what a person waits for `check`, and what the agent's worker costs each time.

A quarter of a second of it is the window over which processor use is sampled: waited for, not spent.
"""

import json
import sys
import tempfile
from pathlib import Path

from tests.benchmarks.contract import NotRun, Row, percentile, spread
from tests.benchmarks.spending import run_whole

_WALL_AIM_S = 0.6


def run(quick: bool) -> list[Row]:
    rounds = 5 if quick else 30
    with tempfile.TemporaryDirectory(prefix="bellpull-bench-") as folder:
        agent = [str(Path(sys.executable).with_name("bellpull-agent")), "check", "--json", "--state", folder]
        library = [sys.executable, "-m", "diagnostics", "check", "--json"]
        return [*_rows("bellpull-agent check", agent, rounds), *_rows("python -m diagnostics check", library, rounds)]


def _rows(name: str, argv: list[str], rounds: int) -> list[Row]:
    runs = []
    for _ in range(rounds + 1):
        done = run_whole(argv)
        if done.exit_code not in (0, 1):  # 1: it found something
            raise NotRun(f"{name} ended with exit code {done.exit_code}")
        runs.append(done)
    runs = runs[1:]  # the first one fills the disk cache
    told = json.loads(runs[-1].stdout)
    statuses = [check["status"] for check in told["checks"]]
    counted = ", ".join(f"{statuses.count(status)} {status}" for status in dict.fromkeys(statuses))
    wall, cpu = [run.wall_s for run in runs], [run.cpu_s for run in runs]
    inside = percentile([json.loads(run.stdout)["duration_s"] for run in runs], 0.5)
    return [
        Row(f"{name}, wall", percentile(wall, 0.5), "s", _WALL_AIM_S, detail=f"{spread(wall, 's')}; {counted}"),
        Row(
            f"{name}, processor",
            percentile(cpu, 0.5),
            "s",
            detail=f"{spread(cpu, 's')}; the checks alone {inside:.3f} s",
        ),
    ]
