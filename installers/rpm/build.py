"""`make packages`: the .rpm from dist/bellpull-agent, by rpmbuild (on Debian: apt-get install rpm). Needs no root.

What is in it: installers/linux_layout.py, the same as in the .deb; the spec's list of files is read from what that laid
out. Here is what only rpm wants: the spec and its scriptlets, which are files of their own in scripts/.

rpm knows no purge: `dnf remove` keeps the state, `bellpull-agent leave` before it, or deleting /var/lib/bellpull after
it, ends the device.
"""

import argparse
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from installers.build_agent import BUILT, PROGRAM  # noqa: E402 - found by the line above
from installers.linux_layout import (  # noqa: E402
    DESCRIPTION,
    DOC,
    PACKAGE,
    SUMMARY,
    build_environment,
    files_in,
    lay_out,
    libc_version,
    project_version,
)

SCRIPTS: Final = ROOT / "installers" / "rpm" / "scripts"
ZSH: Final = "/usr/share/zsh/site-functions"
#: What a spec's list of files would take for a pattern, a macro or an end of a name.
_PLAIN_NAME: Final = re.compile(r"[A-Za-z0-9@+=,:()./_ -]+")


def build(built: Path, target: Path, version: str) -> Path:
    """The .rpm in the folder `target`."""
    with tempfile.TemporaryDirectory(prefix="bellpull-rpm-") as made:
        top = Path(made)
        tree = top / "tree"
        lay_out(built, tree, version, zsh=ZSH)
        (top / "agent.spec").write_text(spec(tree, version, libc_version(built)))
        target.mkdir(parents=True, exist_ok=True)
        done = subprocess.run(
            [
                "rpmbuild",
                "-bb",
                "--quiet",
                f"--define=_topdir {top}",
                f"--define=_rpmdir {top}/out",
                top / "agent.spec",
            ],
            env=build_environment(),
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode != 0:
            sys.exit(f"rpmbuild: {done.stdout[-2000:]}{done.stderr[-2000:]}")
        (package,) = (top / "out").rglob("*.rpm")
        return Path(shutil.copy(package, target / package.name))


def spec(tree: Path, version: str, libc: str) -> str:
    """The whole spec. Nothing is compiled, stripped or scanned: what PyInstaller made is packed as it was tested."""
    lines = [
        "%global debug_package %{nil}",
        "%global __os_install_post %{nil}",
        "%global _build_id_links none",
        "%global _binary_payload w9.xzdio",
        "%global _buildhost localhost",
        "%global use_source_date_epoch_as_buildtime 1",
        "%global clamp_mtime_to_source_date_epoch 1",
        f"Name: {PACKAGE}",
        f"Version: {version}",
        "Release: 1",
        f"Summary: {SUMMARY[0].upper()}{SUMMARY[1:]}",
        "License: Apache-2.0",
        "AutoReqProv: no",
        f"Requires: glibc >= {libc}",
        "Requires: /bin/sh",
        "%description",
        *DESCRIPTION,
        "%install",
        f"cp -a {tree}/. %{{buildroot}}/",
    ]
    for name in ("pre", "post", "preun", "postun", "posttrans"):
        lines += [f"%{name}", (SCRIPTS / name).read_text("utf-8").rstrip()]
    return "\n".join([*lines, "%files", *_files(tree), ""])


def _files(tree: Path) -> list[str]:
    """Every file by name, and the folders that are ours alone, so that an erase takes them too."""
    settings, papers = set(files_in(tree, "/etc")), {f for f in files_in(tree, "/usr/share") if "/doc/" in f}
    lines = ["%defattr(-,root,root,-)"]
    for folder in sorted(path for path in tree.rglob("*") if path.is_dir() and not path.is_symlink()):
        place = f"/{folder.relative_to(tree)}"
        if PACKAGE in Path(place).parts:
            lines.append(f'%dir "{place}"')
    for place in files_in(tree, "/"):
        if not _PLAIN_NAME.fullmatch(place):
            sys.exit(f"the list of files of an .rpm cannot name {place!r}")
        mark = "%config(noreplace) " if place in settings else ""
        mark = "%license " if place == f"{DOC}/LICENSE" else "%doc " if place in papers else mark
        lines.append(f'{mark}"{place}"')
    return lines


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--built", type=Path, default=BUILT, help="what `make agent-build` made (default: %(default)s)")
    parser.add_argument("--out", type=Path, default=ROOT / "dist", help="where the package goes (default: %(default)s)")
    parser.add_argument("--package-version", default=project_version(), help="default: %(default)s")
    arguments = parser.parse_args()
    if shutil.which("rpmbuild") is None:
        print("no .rpm: rpmbuild is not here. Say: apt-get install rpm")
        return 0
    if not (arguments.built / PROGRAM).is_file():
        sys.exit(f"{arguments.built} holds no built agent. Say: make agent-build")
    package = build(arguments.built, arguments.out, arguments.package_version)
    print(f"{package}  {package.stat().st_size / 1e6:.2f} MB")
    return 0


if __name__ == "__main__":
    sys.exit(main())
