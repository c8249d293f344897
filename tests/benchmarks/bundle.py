"""A bundle of this machine, whole: collected, redacted, packed, sealed to one recipient, written.

It runs at idle priority, as it always does: beside a busy program the wall time grows and the processor time does not.
The peer, where it is installed, is Debian's `sos report` in batch mode with its own defaults.
"""

import json
import shutil
import sys
import tempfile
from pathlib import Path

import pyrage

from tests.benchmarks.contract import NotRun, Row, percentile, spread
from tests.benchmarks.spending import Spent, run_whole

_WALL_AIM_S = 10.0


def run(quick: bool) -> list[Row]:
    rounds = 1 if quick else 5
    recipient = str(pyrage.x25519.Identity.generate().to_public())
    program = str(Path(sys.executable).with_name("bellpull-agent"))
    runs: list[Spent] = []
    with tempfile.TemporaryDirectory(prefix="bellpull-bench-") as folder:
        for number in range(rounds):
            out = str(Path(folder, f"{number}.tar.zst.age"))
            argv = [program, "bundle", "--out", out, "--recipient", recipient, "--json", "--state", f"{folder}/state"]
            done = run_whole(argv)
            if done.exit_code != 0:
                raise NotRun(f"bellpull-agent bundle ended with exit code {done.exit_code}")
            runs.append(done)
    told = json.loads(runs[-1].stdout)
    redactions = sum(told["redactions"].values())
    wall, cpu = [run.wall_s for run in runs], [run.cpu_s for run in runs]
    return [
        Row(
            "bundle, wall",
            percentile(wall, 0.5),
            "s",
            _WALL_AIM_S,
            detail=f"{spread(wall, 's', digits=2)}; {told['files']} files, {told['bytes']} bytes, "
            f"{redactions} redactions, sealed",
        ),
        Row("bundle, processor", percentile(cpu, 0.5), "s", detail=spread(cpu, "s", digits=2)),
        _peer(),
    ]


def _peer() -> Row:
    what = "peer: sos report, wall"
    sos = shutil.which("sos")
    if sos is None:
        return Row(what, None, "s", detail="peer absent: no `sos` on the PATH (Debian: sosreport)")
    with tempfile.TemporaryDirectory(prefix="bellpull-bench-") as folder:
        done = run_whole([sos, "report", "--batch", "--tmp-dir", folder, "--quiet"], timeout_s=900)
        archives = [file for file in Path(folder).glob("sosreport-*") if file.suffix in (".xz", ".gz")]
        if done.exit_code != 0 or not archives:
            return Row(what, None, "s", detail=f"peer did not run: exit code {done.exit_code}")
        size = archives[0].stat().st_size
        return Row(
            what, done.wall_s, "s", detail=f"{size} bytes, neither redacted nor encrypted; processor {done.cpu_s:.1f} s"
        )
