"""`make agent-build`: the agent as a folder that needs no Python, in dist/bellpull-agent, and a table about it.

The venv it is built in is made for this and thrown away; it takes what the two locks name, with their hashes, and
nothing else. The sizes in the table are promises to the customer: exit code 1 when one is over its limit. The start is
only told: a busy build machine says nothing about the program.
"""

import argparse
import io
import json
import os
import re
import shutil
import statistics
import subprocess
import sys
import sysconfig
import tarfile
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parent.parent
BUILT: Final = ROOT / "dist" / "bellpull-agent"
PROGRAM: Final = "bellpull-agent"
UNPACKED_MAX_BYTES: Final = 60_000_000
COMPRESSED_MAX_BYTES: Final = 20_000_000
START_MAX_S: Final = 0.5
_STARTS: Final = 7


@dataclass(frozen=True)
class Row:
    what: str
    value: float
    limit: float
    unit: str

    @property
    def within(self) -> bool:
        return self.value <= self.limit


def build(target: Path) -> None:
    """Replace `target` by a fresh build, once it is complete."""
    with tempfile.TemporaryDirectory(prefix="bellpull-build-") as made:
        work = Path(made)
        python = _venv(work / "venv")
        # The same sources give the same bytes: no order of a hash table, no time of today.
        environment = os.environ | {"PYTHONHASHSEED": "0", "SOURCE_DATE_EPOCH": str(source_date())}
        subprocess.run(
            [
                *(python, "-m", "PyInstaller", "--noconfirm", "--log-level", "ERROR"),
                *("--distpath", work / "dist", "--workpath", work / "work", ROOT / "installers" / "agent.spec"),
            ],
            cwd=work,  # not the checkout: what is packed is what was installed
            env=environment,
            check=True,
        )
        _strip(work / "dist" / PROGRAM)
        _add_licences(work / "venv", work / "dist" / PROGRAM / "licences")
        shutil.rmtree(target, ignore_errors=True)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.move(work / "dist" / PROGRAM, target)


def source_date() -> int:
    """When the sources were last committed; the epoch's first day where nobody knows."""
    if "SOURCE_DATE_EPOCH" in os.environ:
        return int(os.environ["SOURCE_DATE_EPOCH"])
    said = subprocess.run(
        ["git", "log", "-1", "--format=%ct"], cwd=ROOT, capture_output=True, text=True, check=False
    ).stdout.strip()
    return int(said) if said.isdigit() else 86_400


def _venv(folder: Path) -> Path:
    uv = shutil.which("uv", path=str(Path(sys.executable).parent)) or shutil.which("uv")
    if uv is None:
        sys.exit("uv is not there. Say: make agent-build")
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", folder], check=True)
    python = folder / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")
    environment = os.environ | {"VIRTUAL_ENV": str(folder)}
    locks = [ROOT / "requirements.lock", ROOT / "requirements-build.lock"]
    subprocess.run([uv, "pip", "sync", "--quiet", "--require-hashes", *locks], env=environment, check=True)
    subprocess.run(
        [uv, "pip", "install", "--quiet", "--no-deps", "--no-build-isolation", "--offline", "--no-cache", ROOT],
        env=environment,
        check=True,
    )
    return python


def _strip(built: Path) -> None:
    """Take the debug symbols out of Python's own libraries. The wheels' libraries come stripped and stay as they are:
    some were patched after linking, and would not survive it."""
    inside = built / "_internal"
    ours = [*inside.glob("libpython*"), *inside.glob("python3*/lib-dynload/*.so")]
    # The strip of a Mac takes other arguments, and breaks signatures.
    if sys.platform == "linux" and shutil.which("strip") is not None:
        subprocess.run(["strip", "--strip-unneeded", *ours], check=True)


def _add_licences(venv: Path, target: Path) -> None:
    """The licences of Python and of what the agent's lock names, as far as it was installed: a folder for each."""
    python = Path(sysconfig.get_path("stdlib")) / "LICENSE.txt"
    if python.is_file():
        (target / "python").mkdir(parents=True)
        shutil.copyfile(python, target / "python" / python.name)
    locked = set(re.findall(r"^([a-z0-9.-]+)==", (ROOT / "requirements.lock").read_text("utf-8"), re.MULTILINE))
    for found in sorted(
        venv.glob(
            "Lib/site-packages/*.dist-info" if sys.platform == "win32" else "lib/python3*/site-packages/*.dist-info"
        )
    ):
        name = found.name.partition("-")[0].lower().replace("_", "-")
        if name not in locked and name.replace("-", ".") not in locked:
            continue
        texts = [path for path in found.rglob("*") if re.match(r"(?i)(licen[cs]e|copying|notice)", path.name)]
        for path in texts:
            if path.is_file():
                (target / name).mkdir(parents=True, exist_ok=True)
                shutil.copyfile(path, target / name / path.name)


def measure(built: Path) -> list[Row]:
    unpacked = sum(path.lstat().st_size for path in built.rglob("*") if not path.is_dir())
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:xz") as archive:
        archive.add(built, arcname=PROGRAM)
    return [
        Row("unpacked", unpacked / 1e6, UNPACKED_MAX_BYTES / 1e6, "MB"),
        Row("compressed (xz)", len(packed.getvalue()) / 1e6, COMPRESSED_MAX_BYTES / 1e6, "MB"),
        Row(f"--version, median of {_STARTS}", _usual_start(built), START_MAX_S, "s"),
    ]


def _usual_start(built: Path) -> float:
    took = []
    for _ in range(_STARTS):
        began = time.monotonic()
        subprocess.run([built / PROGRAM, "--version"], stdout=subprocess.DEVNULL, check=True)
        took.append(time.monotonic() - began)
    return statistics.median(took)


def table(rows: list[Row]) -> str:
    lines = [f"{'the packaged agent':<28} {'is':>9}  {'at most':>9}"]
    for row in rows:
        mark = "" if row.within else "   over"
        lines.append(f"{row.what:<28} {row.value:>6.2f} {row.unit:<2}  {row.limit:>6.2f} {row.unit:<2}{mark}")
    return "\n".join(lines)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true", help="the table as JSON")
    parser.add_argument("--measure-only", action="store_true", help="do not build; measure what was built before")
    arguments = parser.parse_args()
    if not arguments.measure_only:
        build(BUILT)
    rows = measure(BUILT)
    if arguments.json:
        print(
            json.dumps([{"what": row.what, "value": row.value, "limit": row.limit, "unit": row.unit} for row in rows])
        )
    else:
        print(table(rows))
    return 0 if all(row.within for row in rows if row.unit == "MB") else 1


if __name__ == "__main__":
    sys.exit(main())
