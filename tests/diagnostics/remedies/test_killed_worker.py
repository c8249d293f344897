"""Whenever a worker dies, the machine ends as it was or as it was meant to be: never half."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from tests.diagnostics.remedies.scratch import OLD

ROOT = Path(__file__).resolve().parents[3]
pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="forks and kills by signal; acts are written for Linux")
CLEANED = sorted(f"cache/{path}" for path in OLD)


Sweep = list[dict[str, object]]
SOAK = os.environ.get("BELLPULL_SOAK") == "1"
# Every point takes two processes; `test_every_remedy` dies at each of them without one.
STRIDE = 1 if SOAK else 7


@pytest.fixture(scope="module")
def sweeps() -> dict[tuple[str, str], Sweep]:
    done: dict[tuple[str, str], Sweep] = {}
    for scenario, how_often in (
        ("helps", "once"),
        ("worse-at-once", "once"),
        ("worse-later", "once"),
        ("helps", "twice"),
    ):
        program = [sys.executable, "-m", "tests.diagnostics.remedies.killed_worker"]
        # Every act is synced; in memory a sweep takes a second, on a disk five.
        memory = "/dev/shm" if Path("/dev/shm").is_dir() else None
        with tempfile.TemporaryDirectory(dir=memory) as folder:
            arguments = [*program, folder, scenario, how_often, str(STRIDE)]
            ended = subprocess.run(arguments, cwd=ROOT, capture_output=True, text=True, timeout=110, check=False)
        assert ended.returncode == 0, ended.stderr
        done[scenario, how_often] = [json.loads(line) for line in ended.stdout.splitlines()]
    return done


def test_worker_killed_at_every_point_ends_whole(sweeps: dict[tuple[str, str], Sweep]) -> None:
    for results in sweeps.values():
        assert len(results) > (30 if SOAK else 4)
        assert not results[-1]["killed"]
        for result in results:
            assert result["changed"] == result["added"] == result["quarantine"] == [], result
            if result["outcome"] == "solved-mechanically":
                assert result["missing"] == CLEANED, result
            else:
                assert result["missing"] == [], result
                assert result["outcome"] in ("rolled-back", "not-begun"), result


def test_both_ends_are_reached_and_a_second_kill_too(sweeps: dict[tuple[str, str], Sweep]) -> None:
    outcomes = {scenario: {result["outcome"] for result in results} for (scenario, _), results in sweeps.items()}
    assert outcomes["helps"] == {"not-begun", "rolled-back", "solved-mechanically"}
    assert outcomes["worse-at-once"] == outcomes["worse-later"] == {"not-begun", "rolled-back"}
    assert sum(bool(result["killed_again"]) for result in sweeps["helps", "twice"]) > (20 if SOAK else 2)


@pytest.mark.skipif(not SOAK, reason="in a soak; test_every_remedy does it in one process")
def test_every_record_a_run_can_end_on_was_died_after(sweeps: dict[tuple[str, str], Sweep]) -> None:
    seen = {result["died_after"] for results in sweeps.values() for result in results}
    steps = ["plan", "consent", "snapshot", "apply", "verify", "watch", "settle", "roll-back"]
    assert {f"{step} {phase}" for step in steps for phase in ("begun", "done")} <= seen
