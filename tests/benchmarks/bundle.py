"""A bundle of this machine, whole: collected, redacted, packed, sealed to one recipient, written.

It runs at idle priority, as it always does: beside a busy program the wall time grows and the processor time does not.
The peer, where it is installed, is Debian's `sos report` about the same subjects with logs of the same length, and
`sos clean` over what it wrote: both together are what a bundle is, but for the encryption, which sos is spared. The two
take turns in one run, so that a busy machine is busy for both.
"""

import json
import os
import shutil
import sys
import tarfile
import tempfile
from dataclasses import dataclass
from pathlib import Path

import pyrage

from tests.benchmarks.contract import Better, NotRun, Row, percentile, spread
from tests.benchmarks.spending import Spent, run_whole

_WALL_AIM_S = 10.0
_FASTER_AIM = 8.0
_INSTALL = "apt-get install sosreport"
#: What a bundle holds, in sos's words: log tails, packages, services, processes, network, disks, hardware, settings.
_SUBJECTS = (
    "apt,block,cgroups,cron,date,devices,dpkg,filesys,hardware,host,kernel,login,logs,memory,networking,pci,process,"
    "processor,services,ssh,systemd,usb"
)
#: MiB a log, as `diagnostics.collectors.logs` takes.
_LOG_MIB = 5


def run(quick: bool) -> list[Row]:
    rounds, peer_rounds = (1, 1) if quick else (5, 3)
    recipient = str(pyrage.x25519.Identity.generate().to_public())
    ours: list[Spent] = []
    theirs: list[_Peer] = []
    why_not = "" if shutil.which("sos") else f"peer absent: {_INSTALL}"
    if not why_not and os.geteuid() != 0:
        why_not = "peer not run: sos report wants root"
    with tempfile.TemporaryDirectory(prefix="bellpull-bench-") as folder:
        for number in range(rounds):
            ours.append(_bundle(folder, number, recipient))
            if not why_not and number < peer_rounds:
                answer = _sos(Path(folder, f"sos-{number}"))
                if isinstance(answer, str):
                    why_not = answer
                else:
                    theirs.append(answer)
    return [*_our_rows(ours), *_peer_rows(ours, theirs, why_not)]


def _bundle(folder: str, number: int, recipient: str) -> Spent:
    program = str(Path(sys.executable).with_name("bellpull-agent"))
    out = str(Path(folder, f"{number}.tar.zst.age"))
    done = run_whole(
        [program, "bundle", "--out", out, "--recipient", recipient, "--json", "--state", f"{folder}/state"]
    )
    if done.exit_code != 0:
        raise NotRun(f"bellpull-agent bundle ended with exit code {done.exit_code}")
    return done


def _our_rows(runs: list[Spent]) -> list[Row]:
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
    ]


@dataclass(frozen=True, slots=True)
class _Peer:
    report: Spent
    clean: Spent
    files: int
    size_bytes: int

    @property
    def wall_s(self) -> float:
        return self.report.wall_s + self.clean.wall_s

    @property
    def cpu_s(self) -> float:
        return self.report.cpu_s + self.clean.cpu_s


def _sos(folder: Path) -> _Peer | str:
    """One report, cleaned; or why there is none."""
    folder.mkdir()
    common = ("--batch", "--quiet", "--tmp-dir", str(folder))
    report = run_whole(
        ["sos", "report", *common, "--log-size", str(_LOG_MIB), "--only-plugins", _SUBJECTS], timeout_s=900
    )
    archive = next((file for file in folder.iterdir() if file.suffix in (".xz", ".gz")), None)
    if report.exit_code != 0 or archive is None:
        return f"peer did not run: sos report ended with exit code {report.exit_code}"
    # Its map of names would go to /etc: the next one would be spared what this one found.
    clean = run_whole(["sos", "clean", *common, "--no-update", str(archive)], timeout_s=900)
    cleaned = next(
        (file for file in folder.iterdir() if "obfuscated" in file.name and file.suffix == archive.suffix), None
    )
    if clean.exit_code != 0 or cleaned is None:
        return f"peer did not run: sos clean ended with exit code {clean.exit_code}"
    with tarfile.open(cleaned) as packed:
        files = sum(entry.isfile() for entry in packed)
    return _Peer(report, clean, files, cleaned.stat().st_size)


def _peer_rows(ours: list[Spent], theirs: list[_Peer], why_not: str) -> list[Row]:
    what, faster = "peer: sos report and sos clean, wall", "bundle, times faster than sos"
    if not theirs:
        return [Row(what, None, "s", detail=why_not), Row(faster, None, "×", _FASTER_AIM, Better.MORE, detail=why_not)]
    wall, cpu = [each.wall_s for each in theirs], [each.cpu_s for each in theirs]
    last = theirs[-1]
    our_wall = percentile([each.wall_s for each in ours], 0.5)
    our_cpu = percentile([each.cpu_s for each in ours], 0.5)
    return [
        Row(
            what,
            percentile(wall, 0.5),
            "s",
            detail=f"{spread(wall, 's', digits=1)}; last: report {last.report.wall_s:.1f} s, clean "
            f"{last.clean.wall_s:.1f} s, {last.files} files, {last.size_bytes} bytes, not encrypted",
        ),
        Row("peer: sos report and sos clean, processor", percentile(cpu, 0.5), "s", detail=spread(cpu, "s", digits=1)),
        Row(
            faster,
            percentile(wall, 0.5) / our_wall,
            "×",
            _FASTER_AIM,
            Better.MORE,
            detail=f"by processor time {percentile(cpu, 0.5) / our_cpu:.1f} ×; same subjects, {_LOG_MIB} MiB a log",
        ),
    ]
