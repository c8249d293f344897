"""`make packages`: the Debian package from dist/bellpull-agent, by dpkg-deb. Needs no root.

What is in it: installers/linux_layout.py. Here is what only Debian wants: control, conffiles, md5sums, changelog.
"""

import argparse
import hashlib
import re
import shutil
import subprocess
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from agent.service import systemd  # noqa: E402 - found by the line above
from installers.build_agent import BUILT, PROGRAM, source_date  # noqa: E402
from installers.linux_layout import (  # noqa: E402
    DESCRIPTION,
    DOC,
    PACKAGE,
    SUMMARY,
    below,
    build_environment,
    files_in,
    lay_out,
    libc_version,
    packed,
    plain_modes,
    project_version,
    said,
)

SCRIPTS: Final = ROOT / "installers" / "deb" / "scripts"


def build(built: Path, target: Path, version: str) -> Path:
    """The .deb in the folder `target`."""
    architecture = said("dpkg", "--print-architecture")
    with tempfile.TemporaryDirectory(prefix="bellpull-deb-") as made:
        tree = Path(made) / "tree"
        lay_out(built, tree, version, zsh="/usr/share/zsh/vendor-completions")
        day = datetime.fromtimestamp(source_date(), UTC)
        (below(tree, DOC) / "changelog.gz").write_bytes(
            packed(
                f"{PACKAGE} ({version}) stable; urgency=medium\n\n  * Built from the sources of this version.\n\n"
                f" -- Bellpull <bellpull@localhost>  {day.strftime('%a, %d %b %Y %H:%M:%S +0000')}\n"
            )
        )
        control = tree / "DEBIAN"
        size_kib = sum(path.lstat().st_size for path in tree.rglob("*") if path.is_file()) // 1024
        sums = _md5sums(tree)
        control.mkdir()
        (control / "control").write_text(_control(version, architecture, size_kib, libc_version(built)))
        (control / "md5sums").write_text(sums)
        (control / "conffiles").write_text("".join(f"{file}\n" for file in files_in(tree, "/etc")))
        for script in sorted(SCRIPTS.iterdir()):
            shutil.copyfile(script, control / script.name)
            (control / script.name).chmod(0o755)
        plain_modes(tree)
        target.mkdir(parents=True, exist_ok=True)
        package = target / f"{PACKAGE}_{version}_{architecture}.deb"
        subprocess.run(
            ["dpkg-deb", "--root-owner-group", "-Zxz", "-z9", "--build", tree, package],
            env=build_environment(),
            stdout=subprocess.DEVNULL,
            check=True,
        )
    return package


def _control(version: str, architecture: str, size_kib: int, libc: str) -> str:
    return (
        f"Package: {PACKAGE}\n"
        f"Version: {version}\n"
        f"Architecture: {architecture}\n"
        "Maintainer: Bellpull <bellpull@localhost>\n"
        f"Installed-Size: {size_kib}\n"
        f"Depends: libc6 (>= {libc}), init-system-helpers (>= 1.52)\n"
        "Section: admin\n"
        "Priority: optional\n"
        f"Description: {SUMMARY}\n"
    ) + "".join(f" {line}\n" for line in DESCRIPTION)


def _md5sums(tree: Path) -> str:
    """For `dpkg --verify`: finds damage on the disk. It is no protection against anybody."""
    return "".join(
        f"{hashlib.md5(path.read_bytes(), usedforsecurity=False).hexdigest()}  {path.relative_to(tree)}\n"
        for path in sorted(tree.rglob("*"))
        if path.is_file() and not path.is_symlink()
    )


def hardening_score(package: Path) -> str | None:
    """What systemd says of the unit, read from its file; None where its tool is not there."""
    if shutil.which("systemd-analyze") is None:
        return None
    with tempfile.TemporaryDirectory(prefix="bellpull-deb-") as made:
        subprocess.run(["dpkg-deb", "--extract", package, made], check=True)
        unit = Path(made) / "usr/lib/systemd/system" / systemd.UNIT_NAME
        told = subprocess.run(
            ["systemd-analyze", "security", "--offline=true", "--no-pager", unit],
            capture_output=True,
            text=True,
            check=False,
        )
    found = re.search(r"Overall exposure level for \S+: (.*)", told.stdout)
    return None if found is None else found.group(1)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--built", type=Path, default=BUILT, help="what `make agent-build` made (default: %(default)s)")
    parser.add_argument("--out", type=Path, default=ROOT / "dist", help="where the package goes (default: %(default)s)")
    parser.add_argument("--package-version", default=project_version(), help="default: %(default)s")
    arguments = parser.parse_args()
    if not (arguments.built / PROGRAM).is_file():
        sys.exit(f"{arguments.built} holds no built agent. Say: make agent-build")
    package = build(arguments.built, arguments.out, arguments.package_version)
    print(f"{package}  {package.stat().st_size / 1e6:.2f} MB")
    score = hardening_score(package)
    print(f"systemd-analyze security: {score or 'not measured (systemd-analyze is not here)'}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
